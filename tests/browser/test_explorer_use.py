"""The graph explorer in Chromium: everybody can use it, by mouse, keys, touch and without scripts."""

import html
import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from normlab.explorer import explorer
from normlab.graph import Node, log, sqrt
from tests.browser.exploring import (
    TYPE_AND_READ,
    D,
    N,
    column_of_five,
    drawn,
    labels,
    live,
    normalization,
    open_all,
    step_of,
)

pytestmark = pytest.mark.browser


def test_steps_go_forward_then_backward_by_button_key_slider_and_touch(
    open_page: Callable[..., Page], figure: str
) -> None:
    page = open_page(figure, has_touch=True)
    assert live(page).startswith("Step 0 of 24. Given: x, ")
    page.get_by_role("button", name="Next").click()
    assert re.sub(r"\[.*\]", "[…]", live(page)) == "Step 1 of 24. Forward: m = mean of x over axis 0 = […], shape (3,)."
    page.keyboard.press("ArrowRight")
    assert live(page) == "Step 2 of 24. Forward: z = x - m, shape (4, 3)."
    page.keyboard.press("ArrowLeft")
    page.get_by_role("button", name="Back").tap()
    page.keyboard.press("ArrowLeft")
    assert live(page).startswith("Step 0 of 24.")
    page.get_by_role("slider", name="Step").focus()
    page.keyboard.press("End")
    assert live(page) == (
        "Step 24 of 24. Backward: dx is the sum over 2 paths: dz (through z) + dm / 4 repeated (through m)."
    )
    page.locator(".nlx-node", has_text="out = ").tap()
    assert live(page) == "Step 11 of 24. Backward starts: dout is given, shape (4, 3)."
    page.locator(".nlx-node", has_text="q = ").tap()
    assert live(page).endswith("Backward: dq = dv / 4 repeated, through v.")


def test_at_the_ends_the_button_that_leads_nowhere_is_inactive_and_keeps_the_focus(
    open_page: Callable[..., Page], figure: str
) -> None:
    page = open_page(figure)
    back, forth = page.get_by_role("button", name="Back"), page.get_by_role("button", name="Next")
    assert [back.is_enabled(), forth.is_enabled()] == [False, True]
    page.get_by_role("slider", name="Step").fill("23")
    assert [back.is_enabled(), forth.is_enabled()] == [True, True]
    forth.focus()
    page.keyboard.press("Enter")
    assert [back.is_enabled(), forth.is_enabled()] == [True, False]
    assert forth.evaluate("(button) => button === document.activeElement")
    opacity = "(button) => Number(getComputedStyle(button).opacity)"
    assert forth.evaluate(opacity) < 0.5 < back.evaluate(opacity)
    page.keyboard.press("ArrowLeft")
    assert forth.is_enabled()


def test_a_backward_step_shows_each_path_with_its_rule_and_the_sum(open_page: Callable[..., Page], figure: str) -> None:
    page = open_page(figure)
    page.get_by_role("slider", name="Step").fill("22")
    assert live(page) == (
        "Step 22 of 24. Backward: dz is the sum over 2 paths: dh * i (through h) + dq * 2 * z (through q)."
    )
    panel = page.locator(".nlx-panel")
    assert panel.locator("p").all_inner_texts() == [
        "through h: dh * i",
        "through q: dq * 2 * z",
        "dz = sum of the 2 paths",
    ]
    cells = "(cells) => cells.filter((one) => one.textContent).map((one) => Number(one.textContent))"
    numbers = np.reshape(panel.locator("td").evaluate_all(cells), (3, N, D))
    np.testing.assert_allclose(numbers[0] + numbers[1], numbers[2], atol=1e-3 * np.abs(numbers).max())
    assert page.locator(".nlx-edge.now").count() == 2
    assert page.locator(".nlx-node.now").count() == 1


def test_the_live_line_says_rule_and_numbers_of_short_arrays(open_page: Callable[..., Page]) -> None:
    page = open_page(column_of_five())
    assert step_of(page, "v =") == "Forward: v = mean of q over axis 0 = [4], shape (1,)."
    assert step_of(page, "dgamma =") == "Backward: dgamma = dy * z summed over rows = [7], through y."
    assert page.locator(".nlx-panel p").all_inner_texts() == ["dgamma"]
    assert step_of(page, "deps =").startswith("Backward: deps = dw summed over axis 0 = -")
    assert step_of(page, "z =") == "Forward: z = c / s = [-1.5, -0.5, 0, 0.5, 1.5], shape (5, 1)."
    assert page.locator(".nlx-panel tr").count() == 3 * 2  # c, s and z: a head and a row each


def test_what_is_not_finite_is_traced_to_its_origin(open_page: Callable[..., Page]) -> None:
    page = open_page(column_of_five())
    page.evaluate(TYPE_AND_READ, {f"x[{i}, 0]": 7 for i in range(5)})
    words = "s is 0: z = c / s gives nan. Change x or eps."
    assert page.locator(".nlx-inputs .nlx-live").first.text_content() == words
    assert live(page).endswith(words)
    assert "gives" not in step_of(page, "s = sqrt(w) = [0]")
    assert step_of(page, "z = c / s").endswith(words)
    page.evaluate(TYPE_AND_READ, {"eps": -1})
    assert "w is negative: s = sqrt(w) gives nan. Change x or eps." in step_of(page, "s = sqrt(w)")
    page.evaluate(TYPE_AND_READ, {"eps": 1, "x[0, 0]": "1e200"})
    assert "Too large for a float64: q = c^2 gives inf. Change x." in step_of(page, "q = c^2")
    page.evaluate(TYPE_AND_READ, {"x[0, 0]": 2})
    assert page.locator(".nlx-inputs .nlx-live").first.text_content() == ""
    assert "gives" not in step_of(page, "Given")


def test_what_is_not_finite_is_traced_along_the_path_that_is_at_fault(open_page: Callable[..., Page]) -> None:
    x = Node(4.0, "x")
    page = open_page(explorer((x * 3.0 + sqrt(x).named("root")).named("the sum")).html)
    page.evaluate(TYPE_AND_READ, {"x": 0})
    assert step_of(page, "dx is").endswith("x is 0: dx = droot / (2 root) gives inf. Change x.")
    assert page.get_by_label("d(the sum)", exact=True).count() == 1
    page = open_page(explorer(log(Node(1.0, "x")).named("y")).html)
    page.evaluate(TYPE_AND_READ, {"x": 0})
    assert "x is 0: y = log(x) gives -inf." in step_of(page, "y = log")


def rows_of(table: str) -> list[str]:
    return [html.unescape(row) for row in re.findall(r"<tr>.*?</tr>", table)]


def test_the_table_follows_the_readers_numbers(open_page: Callable[..., Page], figure: str) -> None:
    arrays = {name: np.round(a, 2) for name, a in drawn(np.random.default_rng(5)).items()} | {"eps": np.array(0.25)}
    page = open_page(figure)
    page.get_by_text("All numbers as a table").click()
    page.evaluate(TYPE_AND_READ, labels(arrays))
    expected = explorer(normalization(0, arrays), arrays["dout"], "Batch norm").html
    shown = page.locator(".nlx-all").inner_html()
    assert rows_of(shown) == rows_of(expected)


def test_ties_are_rounded_alike_in_the_table_as_it_was_built_and_in_the_browser(open_page: Callable[..., Page]) -> None:
    x = Node([-2.5625, 2.5625, 0.1 + 0.7, 1.2345, 1.2344999999999999, 0.00012345, 98765.0, 0.0], "x")
    page = open_page(explorer((x * 1.0).named("y"), np.ones(8)).html)
    table = page.locator(".nlx-all")
    built = rows_of(table.inner_html())
    page.get_by_text("All numbers as a table").click()
    page.wait_for_function("() => document.querySelector('.nlx-all').open")
    page.evaluate(TYPE_AND_READ, {"x[0]": "-2.5625"})
    assert rows_of(table.inner_html()) == built
    assert "-2.563, 2.563, 0.8, " in built[1]


def test_a_node_named_after_its_formula_is_said_once(open_page: Callable[..., Page]) -> None:
    page = open_page(explorer((Node([1.0, 2.0], "v") + Node(0.5, "eps")).named("v + eps"), np.ones(2)).html)
    assert step_of(page, "Forward") == "Forward: v + eps = [1.5, 2.5], shape (2,)."
    assert page.locator(".nlx-panel p").all_inner_texts()[-1] == "v + eps"
    page.evaluate(TYPE_AND_READ, {"v[0]": "1e308", "eps": "1e308"})
    assert "float64: v + eps gives inf" in step_of(page, "Forward")


def test_without_scripts_the_table_remains(open_page: Callable[..., Page], figure: str) -> None:
    page = open_page(figure, java_script_enabled=False)
    page.get_by_text("All numbers as a table").click()
    row = page.get_by_role("row", name=re.compile("^m mean of x over axis 0"))
    assert row.is_visible()
    assert page.get_by_role("button").count() == 0


def test_what_is_no_number_is_said_in_view_and_not_used(open_page: Callable[..., Page], figure: str) -> None:
    page = open_page(figure)
    open_all(page)
    before = page.locator(".nlx-all").inner_html()
    field = page.get_by_label("x[1, 2]", exact=True)
    field.fill("")
    assert field.get_attribute("aria-invalid") == "true"
    said = page.locator(".nlx-inputs > .nlx-live")
    assert re.fullmatch(r"x\[1, 2\] must be a number; \S+ is still used\.", said.inner_text())
    field.evaluate("(field) => field.scrollIntoView({ block: 'center' })")
    box = said.bounding_box()
    assert box is not None
    assert 0 <= box["y"] <= 800 - box["height"]
    assert page.locator(".nlx-all").inner_html() == before
    page.get_by_label("eps", exact=True).fill("4")
    assert page.locator(".nlx-all").inner_html() != before
    page.get_by_role("button", name="Reset").click()
    assert field.get_attribute("aria-invalid") == "false"
    assert page.locator(".nlx-all").inner_html() == before


def test_the_matrix_answers_to_keys_and_clicks(open_page: Callable[..., Page], figure: str) -> None:
    page = open_page(figure)
    page.get_by_text("Which element depends on which").click()
    page.wait_for_selector(".nlx-matrix g")  # the toggle event comes later
    details = page.locator("details", has=page.locator(".nlx-matrix"))
    assert "48 of 144 pairs have a derivative other than 0 here" in details.inner_text()
    page.locator(".nlx-matrix").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert re.search(r"∂out\[0, 1\] / ∂x\[0, 1\] = ", details.inner_text())
    heads = page.locator(".nlx-matrix text").all_text_contents()
    indices = [f"{i},{j}" for i in range(N) for j in range(D)]
    assert heads == ["out ↓", "x →", *indices, *indices]
    opacity = "(squares) => Math.min(...squares.map((square) => Number(square.getAttribute('fill-opacity'))))"
    assert page.eval_on_selector_all(".nlx-matrix .plus, .nlx-matrix .minus", opacity) >= 0.3
    page.locator('.nlx-matrix [data-row="11"][data-column="2"]').click()
    assert re.search(r"∂out\[3, 2\] / ∂x\[0, 2\] = ", details.inner_text())
    page.get_by_label("depends on").select_option("eps")
    assert "12 of 12 pairs" in details.inner_text()
    assert live(page).startswith("Step 0")


def test_what_has_no_derivative_is_told_apart_from_what_does_not_depend(open_page: Callable[..., Page]) -> None:
    arrays = drawn(np.random.default_rng(5)) | {"eps": np.array(0.0)}
    page = open_page(explorer(normalization(0, arrays), arrays["dout"]).html)
    open_all(page)
    details = page.locator("details", has=page.locator(".nlx-matrix"))
    assert "48 of 144 pairs have a derivative other than 0 here. Blue" in details.inner_text()
    page.evaluate(TYPE_AND_READ, {f"x[{i}, 0]": 5 for i in range(N)})
    told = "32 of 144 pairs have a derivative other than 0 here; 16 more, marked ?, have no finite derivative. Blue"
    assert told in details.inner_text()
    assert page.locator(".nlx-matrix g text").all_text_contents() == ["?"] * 16
    assert page.locator(".nlx-matrix .plus, .nlx-matrix .minus").count() == 32
    opacities = "(squares) => squares.every((square) => Number(square.getAttribute('fill-opacity')) > 0)"
    assert page.eval_on_selector_all(".nlx-matrix .plus, .nlx-matrix .minus", opacities)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_is_legible_on_a_phone(open_page: Callable[..., Page], figure: str, dark: bool) -> None:
    page = open_page(figure, width=390)
    if dark:
        page.evaluate("document.body.style.cssText = 'background: #14181e; color: #ced6dd'")
    open_all(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    scale = (
        "((svg) => svg.getBoundingClientRect().width / svg.viewBox.baseVal.width)(document.querySelector('.nlx-graph'))"
    )
    assert page.evaluate(scale) * 11 >= 10  # the smallest letters, in pixels
    for box in page.locator(".nlx button").all():
        bounds = box.bounding_box()
        assert bounds is not None
        assert bounds["height"] >= 44
    color = "rgb(206, 214, 221)" if dark else "rgb(0, 0, 0)"
    read = "(nodes) => [...new Set(nodes.map((node) => getComputedStyle(node).color))]"
    assert page.eval_on_selector_all(
        ".nlx p, .nlx td, .nlx th, .nlx button, .nlx-fields input, .nlx legend, .nlx text", read
    ) == [color]
    assert page.eval_on_selector(".nlx-graph text", "(node) => getComputedStyle(node).fill") == color


def test_on_a_phone_the_current_node_and_the_buttons_stay_in_view(open_page: Callable[..., Page], figure: str) -> None:
    page = open_page(figure, width=390)
    window, slider = page.locator(".nlx-window"), page.get_by_role("slider", name="Step")
    expect(window).to_have_attribute("tabindex", "0")
    assert page.eval_on_selector(".nlx-window", "(box) => box.clientHeight") <= 0.46 * 800
    inside = """async () => {
      await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
      const bounds = (one) => document.querySelector(one).getBoundingClientRect();
      const inner = bounds(".nlx-node.now rect"), outer = bounds(".nlx-window");
      return ["top", "left"].every((side) => inner[side] >= outer[side])
        && ["bottom", "right"].every((side) => inner[side] <= outer[side]);
    }"""
    for step in range(1, 25):
        slider.fill(str(step))
        assert page.evaluate(inside), f"step {step}"
    for place in ("start", "end"):
        page.locator(".nlx-panel").evaluate(f"(panel) => panel.scrollIntoView({{ block: '{place}' }})")
        box = page.get_by_role("button", name="Next").bounding_box()
        assert box is not None
        assert 0 <= box["y"] <= 800 - box["height"]


def test_shares_stand_above_their_sum_and_layer_norm_of_four_features_fits(open_page: Callable[..., Page]) -> None:
    rng = np.random.default_rng(4)
    arrays = {"x": rng.standard_normal((3, 4)), "gamma": np.ones(4), "beta": np.zeros(4), "eps": np.array(1e-5)}
    page = open_page(explorer(normalization(1, arrays), rng.standard_normal((3, 4))).html, width=740)
    most = 0
    for step in range(25):
        page.get_by_role("slider", name="Step").fill(str(step))
        wide = "(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"
        assert page.eval_on_selector_all(".nlx-panel .nlx-wide", wide) == 0, f"step {step}"
        edges = """(rows) => rows.map((row) => [...row.cells].slice(-4).map(
          (cell) => Math.round(cell.getBoundingClientRect().right)).join())"""
        full = page.eval_on_selector_all(".nlx-grid tr:has(td:nth-child(5))", edges)
        assert len(set(full)) <= 1, f"step {step}"
        most = max(most, len(full))
    assert most > 1


def test_two_figures_on_a_page_do_not_share_anything(open_page: Callable[..., Page], figure: str) -> None:
    page = open_page(figure, figure)
    page.get_by_role("button", name="Next").first.click()
    steps = page.locator(".nlx-side .nlx-live").all_inner_texts()
    assert [text.split(".")[0] for text in steps] == ["Step 1 of 24", "Step 0 of 24"]


def test_names_are_text_and_never_markup(open_page: Callable[..., Page]) -> None:
    name = '</script><img src=x onerror="alert(1)">'
    page = open_page(explorer((Node([1.0, 2.0], name) ** 2).sum().named("<b>"), title=f"A {name}").html)
    assert page.locator(".nlx img, .nlx b").count() == 0
    assert page.locator(".nlx-all tbody th").all_inner_texts()[0] == ""
    assert name in (page.locator(".nlx-all tbody th").first.text_content() or "")


def test_a_negative_square_root_shows_nan_and_does_not_stop(open_page: Callable[..., Page], figure: str) -> None:
    page = open_page(figure)
    open_all(page)
    page.get_by_label("eps", exact=True).fill("-1e9")
    assert "nan, nan, nan" in (page.locator(".nlx-all").text_content() or "")
    page.get_by_label("eps", exact=True).fill("1")
    assert "nan" not in (page.locator(".nlx-all").text_content() or "")
