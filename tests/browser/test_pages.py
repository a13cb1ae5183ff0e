"""The built book in Chromium: every page can be read by everybody, from our own host alone."""

import gzip
import io
from collections.abc import Iterator
from statistics import median
from typing import Literal
from urllib.parse import unquote, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, ElementHandle, Page, ViewportSize

from tests.browser import axe
from tests.browser.driving import BOOK, PATIENCE, pages, served

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
FIRST_PAGE_BYTES = 400_000
FIRST_PAGE_SECONDS = 2.0  # on a CPU slowed four times
FOUND = {
    "running statistics": "batchnorm-forward",
    "momentum": "batchnorm-forward",
    "broadcasting": "computation-graphs",
    "topological": "computation-graphs",
    "chain rule": "computation-graphs",
    "Jacobian": "batchnorm-backward",
    "projection": "closed-form",
    "finite differences": "gradient-checking",
    "layer norm": "layernorm",
    "dropout": "network",
    "extend a deadline": "instructors",
    "deadline": "how-graded",
}


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The address of the built book."""
    if not (BOOK / "chapters" / "index.html").exists():
        pytest.fail(f"there is no book at {BOOK}: run `make book` first")
    with served(BOOK) as address:
        yield address


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP, color_scheme="light", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def settled(page: Page, address: str) -> None:
    """Open the page and wait until its formulas are set."""
    page.goto(address)
    page.evaluate("window.MathJax && MathJax.startup && MathJax.startup.promise.then(() => null)")


def change_theme(page: Page, theme: Literal["light", "dark"]) -> None:
    """Change what the reader's system prefers, and wait until the page has followed."""
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("(theme) => document.documentElement.dataset.theme === theme", arg=theme)


def resize(page: Page, viewport: ViewportSize) -> None:
    """Resize, and wait until the theme and the book have made what now scrolls reachable with the keyboard."""
    page.set_viewport_size(viewport)
    page.wait_for_function(
        """[...document.querySelectorAll("pre, .cell_output:has(img), .nlx-window")].every((box) => {
          const down = box.matches(".nlx-window") && box.scrollHeight > box.clientHeight;
          return box.tabIndex === 0 || (box.scrollWidth <= box.clientWidth && !down);
        })"""
    )


def too_wide(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))


def cut_formulas(page: Page) -> list[str]:
    """Displayed formulas of which a part must be scrolled into view: what is left may read as another one."""
    cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.closest('section').id)"
    found: list[str] = page.eval_on_selector_all("mjx-container[display]", cut)
    return found


def torn_words(page: Page) -> list[str]:
    """Words of code in tables that stand on two lines."""
    torn = "(words) => words.filter((word) => word.getClientRects().length > 1).map((word) => word.textContent)"
    found: list[str] = page.eval_on_selector_all("td code .pre", torn)
    return found


def too_wide_in_a_wider_font(page: Page) -> int:
    """As on a machine whose fonts run wider than this one's."""
    style = page.add_style_tag(content="body { letter-spacing: 0.06em }")
    excess = too_wide(page)
    style.evaluate("(style) => style.remove()")
    return excess


@pytest.mark.browser
@pytest.mark.parametrize("name", pages())
def test_everybody_can_read_the_page_on_desktop_and_phone_by_day_and_night(page: Page, site: str, name: str) -> None:
    foreign: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda r: None if r.url.startswith((site, "data:", "blob:")) else foreign.append(r.url))
    page.on("response", lambda r: complaints.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    settled(page, site + name)
    assert too_wide(page) == 0
    assert cut_formulas(page) == []
    assert torn_words(page) == []
    resize(page, PHONE)
    assert too_wide(page) == 0
    assert torn_words(page) == []
    assert too_wide_in_a_wider_font(page) == 0
    assert foreign == []
    assert complaints == []
    axe.load(page)
    assert axe.faults(page) == []
    change_theme(page, "dark")
    resize(page, DESKTOP)
    assert axe.faults(page) == []


@pytest.mark.browser
@pytest.mark.parametrize("name", ["chapters/index.html", "chapters/batchnorm-forward.html", "search.html"])
def test_what_is_around_the_text_can_be_read_by_day_on_the_desktop_and_by_night_on_the_phone(
    page: Page, site: str, name: str
) -> None:
    settled(page, site + name)
    axe.load(page)
    assert axe.contrast_faults(page) == []
    change_theme(page, "dark")
    resize(page, PHONE)
    assert axe.contrast_faults(page) == []


@pytest.mark.browser
def test_figures_keep_their_size_on_a_phone_and_captions_are_plain_text(page: Page, site: str) -> None:
    page.set_viewport_size(PHONE)
    for name in ("network", "beyond", "closed-form"):
        page.goto(f"{site}chapters/{name}.html")
        scales = "(images) => images.map((image) => image.getBoundingClientRect().width / image.naturalWidth)"
        shown = page.eval_on_selector_all(".cell_output img", scales)
        assert shown
        assert min(shown) > 0.79
        look = "(captions) => captions.map((caption) => getComputedStyle(caption).fontWeight)"
        assert set(page.eval_on_selector_all("figcaption .caption-text", look)) == {"400"}
        assert too_wide(page) == 0


def shades(box: ElementHandle, scroll: float) -> tuple[bool, bool]:
    """Whether the box is darker at its left edge, and at its right one, than 20 pixels further in."""
    box.evaluate("(box, share) => { box.scrollLeft = share * (box.scrollWidth - box.clientWidth) }", scroll)
    shot = Image.open(io.BytesIO(box.screenshot())).convert("L")

    def ground(column: int) -> float:
        return median(shot.crop((column, 4, column + 1, shot.height - 4)).tobytes())

    last = shot.width - 1
    return ground(4) < ground(24) - 8, ground(last - 4) < ground(last - 24) - 8


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("closed-form", "mjx-container[display]"),
        ("gradient-checking", "div.highlight pre"),
        ("scale", ".pst-scrollable-table-container"),
        ("batchnorm-backward", ".cell_output:has(img)"),
    ],
)
def test_on_a_phone_what_scrolls_is_shaded_where_there_is_more_and_nowhere_else(
    page: Page, site: str, name: str, kind: str
) -> None:
    page.set_viewport_size(PHONE)
    settled(page, f"{site}chapters/{name}.html")
    boxes = [box for box in page.query_selector_all(f".bd-article {kind}") if box.is_visible()]
    more = [box.evaluate("(box) => box.scrollWidth - box.clientWidth") for box in boxes]
    wide = boxes[next(place for place, pixels in enumerate(more) if pixels > 20)]
    narrow = [box for box, pixels in zip(boxes, more, strict=True) if pixels <= 0]
    assert all(shades(box, 0) == (False, False) for box in narrow[:2])
    assert shades(wide, 0) == (False, True)
    assert shades(wide, 0.5) == (True, True)
    assert shades(wide, 1) == (True, False)


@pytest.mark.browser
@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(
    "place",
    ["glossary.html#term-momentum", "closed-form.html#check-yourself", "computation-graphs.html#tab-rules"],
)
def test_a_link_to_a_place_on_another_page_shows_it(page: Page, site: str, viewport: ViewportSize, place: str) -> None:
    page.set_viewport_size(viewport)
    settled(page, f"{site}/chapters/{place}")
    top = "(id) => document.getElementById(id).getBoundingClientRect().top"
    assert 0 <= page.evaluate(top, place.partition("#")[2]) <= viewport["height"] / 2


@pytest.mark.browser
def test_the_link_in_a_solutions_title_leads_to_its_exercise_and_folds_nothing(page: Page, site: str) -> None:
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    settled(page, f"{site}chapters/experiments.html")
    first, second = page.locator(".solution.dropdown").all()[:2]
    first.locator(".toggle-button").click()
    second.locator(".admonition-title a").click()
    assert "#" in page.url
    assert "toggle-hidden" not in str(first.get_attribute("class"))
    assert "toggle-hidden" in str(second.get_attribute("class"))
    assert complaints == []


def summaries(page: Page, site: str, term: str) -> list[str]:
    """What the search shows of the pages that it finds."""
    page.goto(f"{site}/search.html?q={term}")
    shown = page.locator("#search-results p.context")
    shown.first.wait_for()
    page.wait_for_load_state("networkidle")  # each page is fetched for its summary
    return shown.all_inner_texts()


@pytest.mark.browser
def test_a_searchs_summaries_hold_no_formulas_as_they_were_typed(page: Page, site: str) -> None:
    assert "\\" not in " ".join(summaries(page, site, "momentum"))


@pytest.mark.browser
def test_a_searchs_summaries_hold_nothing_of_the_pages_menus(page: Page, site: str) -> None:
    assert not [text for text in summaries(page, site, "gamma") if ".ipynb" in text or text.strip("…. ") == ""]


@pytest.mark.browser
def test_search_finds_what_readers_type(page: Page, site: str) -> None:
    for term, chapter in FOUND.items():
        page.goto(f"{site}search.html?q={term}")
        page.wait_for_selector(".search-summary:has-text('found')")
        results = page.eval_on_selector_all("#search-results a", "links => links.map(link => link.href)")
        assert any(f"/{chapter}.html" in link for link in results), f"{term!r} found only {results}"


@pytest.mark.browser
def test_what_is_typed_into_a_search_field_stands_beside_the_magnifier(page: Page, site: str) -> None:
    room = """(icon) => {
      const field = icon.parentElement.querySelector("input");
      const text = field.getBoundingClientRect().left + parseFloat(getComputedStyle(field).paddingLeft);
      return text - icon.getBoundingClientRect().right;
    }"""
    for viewport in (DESKTOP, PHONE):
        page.set_viewport_size(viewport)
        page.goto(f"{site}search.html?q=momentum")
        assert page.locator(".bd-search i:visible").evaluate(room) > 4
        page.goto(f"{site}chapters/index.html")
        page.keyboard.press("Control+k")
        assert page.locator(".bd-search i:visible").evaluate(room) > 4


@pytest.mark.browser
def test_on_a_phone_the_explorers_buttons_stay_in_view_below_the_books_header(page: Page, site: str) -> None:
    page.set_viewport_size(PHONE)
    settled(page, f"{site}chapters/layernorm.html")
    page.locator(".nlx-panel").evaluate("(panel) => panel.scrollIntoView({ block: 'start' })")
    bar, header = page.locator(".nlx-bar").bounding_box(), page.locator(".bd-header-article").bounding_box()
    assert bar is not None
    assert header is not None
    assert header["y"] + header["height"] - 2 <= bar["y"] < PHONE["height"] / 4


@pytest.mark.browser
def test_the_first_page_is_light(page: Page, site: str) -> None:
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(urlsplit(request.url).path))
    page.goto(f"{site}chapters/index.html", wait_until="networkidle")
    # Sizes from the disk: what the browser keeps of a response it may drop at any time.
    contents = {path: (BOOK / unquote(path[1:])).read_bytes() for path in asked}
    sizes = {path: min(len(content), len(gzip.compress(content))) for path, content in contents.items()}
    assert len(sizes) > 5
    assert sum(sizes.values()) < FIRST_PAGE_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:5]


def busy_seconds(browser: Browser, address: str) -> float:
    """CPU seconds of the page's thread, on a CPU slowed four times, until it has loaded and answered a key."""
    context = browser.new_context(viewport=PHONE)
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    tools = context.new_cdp_session(page)
    tools.send("Performance.enable", {"timeDomain": "threadTicks"})  # other programs do not count
    tools.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    page.goto(address)
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement !== document.body")
    metrics = tools.send("Performance.getMetrics")["metrics"]
    context.close()
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "TaskDuration")


@pytest.mark.browser
def test_the_first_page_answers_soon_on_a_slow_machine(browser: Browser, site: str) -> None:
    assert min(busy_seconds(browser, f"{site}chapters/index.html") for _ in range(3)) < FIRST_PAGE_SECONDS
