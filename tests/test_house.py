"""The repository itself: what it may not contain, and what its files promise each other."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions
from itertools import chain
from pathlib import Path

import pytest
import yaml

import autograder
import normlab

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import install  # noqa: E402

import pictures  # noqa: E402


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def distributions(requirements: Iterable[str]) -> set[str]:
    return {re.split(r"[\[<>=!~ ]", line, maxsplit=1)[0].lower().replace("_", "-") for line in requirements}


def test_the_lock_pins_every_package_with_hashes_and_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|file:|index-url|find-links", lock)
    pins = re.findall(r"^[A-Za-z0-9_.-]+(?:\[[\w,-]+\])?==\S+.*\\$", lock, flags=re.MULTILINE)
    starts = re.findall(r"^[A-Za-z0-9].*$", lock, flags=re.MULTILINE)
    assert len(pins) == len(starts) > 100
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_every_dependency_of_the_project_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = distributions([*project["dependencies"], *chain(*project["optional-dependencies"].values())])
    locked = set(re.findall(r"^([a-z0-9.-]+)(?:\[.*\])?==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    assert names <= locked, f"run `make lock`: {sorted(names - locked)} are missing"


def test_the_workflow_and_ci_run_the_commands_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    assert re.search(r"^make$", readme, re.MULTILINE)
    assert re.search(r"^make test$", readme, re.MULTILINE)
    workflow = (ROOT / ".github/workflows/test.yml").read_text()
    assert "- run: make\n" in workflow
    assert "- run: make test\n" in workflow
    assert "- run: make wheels\n" in workflow
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make test")


def test_the_workflow_tries_every_python_that_is_promised_and_once_a_week_what_takes_long() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())["jobs"]
    low, high = install.SUPPORTED
    versions = [f"3.{minor}" for minor in range(low[1], high[1] + 1)]
    assert jobs["test"]["strategy"]["matrix"]["python"] == versions
    assert jobs["weekly"]["if"] == "github.event_name == 'schedule'"
    weekly = jobs["weekly"]["strategy"]["matrix"]["command"]
    assert weekly == ["make oldest", "make coverage", "make install newest test", "make margins"]
    targets = (ROOT / "Makefile").read_text()
    assert [target for line in weekly for target in line.split()[1:] if f"\n{target}:" not in targets] == []


def test_every_job_of_a_workflow_ends_and_one_runs_the_tests_as_root() -> None:
    paths = tracked(".github/workflows/*.yml")
    jobs = {name: job for path in paths for name, job in yaml.safe_load(path.read_text())["jobs"].items()}
    assert jobs.keys() == {"test", "root", "weekly", "audit", "publish"}
    assert all(job["timeout-minutes"] <= 90 for job in jobs.values())
    assert jobs["root"]["steps"][-1]["run"] == 'sudo env "PATH=$PATH" make test'


def test_the_site_is_published_only_after_the_tests_passed() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/publish.yml").read_text())
    assert workflow[True] == {"workflow_run": {"workflows": ["test"], "types": ["completed"], "branches": ["main"]}}
    assert "workflow_run.conclusion == 'success'" in workflow["jobs"]["publish"]["if"]


def test_all_that_name_a_version_name_the_same() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    newest = re.search(r"^## (\d\S*),", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest
    assert {normlab.__version__, autograder.__version__, citation} == {newest[1]}


def test_a_script_asked_for_help_says_what_it_does_and_does_nothing() -> None:
    """Each that is a command: its usage, and the first line of its docstring."""
    commands = [path for path in tracked("scripts/*.py") if '__name__ == "__main__"' in path.read_text()]
    assert len(commands) > 8
    for path in commands:
        told = subprocess.run(
            [sys.executable, str(path), "--help"], capture_output=True, text=True, check=True, timeout=60
        ).stdout
        assert re.match(rf"usage: .*{path.name} \[-h\]", told)
        first = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0]
        assert "".join(first.split()) in "".join(told.split())


def test_gitignore_names_targets_that_make_what_it_lists() -> None:
    named = re.search(r"`make (\w+)`\.\nrelease/", (ROOT / ".gitignore").read_text())
    assert named
    recipe = re.search(rf"^{named[1]}:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    assert "for folder in release/*/; do cp" in recipe[1]


def test_contributing_first_says_what_is_written_and_what_is_generated() -> None:
    first = re.split(r"(?<=[.])\s", (ROOT / "CONTRIBUTING.md").read_text().split("\n\n", 1)[1])[0]
    written, _, generated = first.partition("never edit")
    assert "reference/" in written
    for made, command in {
        "source/` and `release/": "make notebooks",
        "chapters/_term/": "python scripts/term.py",
        "chapters/_scale/": "python scripts/benchmark_growth.py",
        "pictures/": "python scripts/pictures.py",
        "requirements.lock": "make lock",
    }.items():
        assert f"`{made}` (`{command}`" in generated.replace("\n", " ")


def test_contributing_sends_a_new_attack_to_the_modules_that_hold_cases() -> None:
    row = re.search(r"^\| an attack \|[^`]*`([^`]+)`", (ROOT / "CONTRIBUTING.md").read_text(), re.MULTILINE)
    assert row
    holds = [path for path in tracked("tests/attacks/*.py") if re.search(r"^def cases\(", path.read_text(), re.M)]
    assert tracked(row[1]) == holds


def test_contributing_lists_every_module_with_its_one_job() -> None:
    package, listed, jobs = "", {}, {}
    for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines():
        if line.startswith("#"):
            package = line.lstrip("# ")
        elif entry := re.fullmatch(r"- `([\w/]+)`: (.+)", line):
            listed[f"{package}/{entry[1]}"] = entry[2]
    for path in tracked("normlab/*.py", "autograder/*.py", "reference/*.py", "scripts/*.py", "_ext/*.py"):
        if path.name != "__init__.py":
            package, *names = path.relative_to(ROOT).with_suffix("").parts
            docstring = ast.get_docstring(ast.parse(path.read_text())) or ""
            jobs[f"{package}/{'/'.join(names)}"] = docstring.partition("\n")[0].replace("``", "`").rstrip(":")
    assert listed == jobs


def test_the_pictures_of_the_readme_were_made_of_the_files_that_are_there_now() -> None:
    assert pictures.old() == [], "run make, then python scripts/pictures.py"


def test_the_tests_that_the_threat_model_names_exist() -> None:
    page = (ROOT / "chapters" / "threat-model.md").read_text()
    code = "".join(path.read_text() for path in tracked("tests/*.py"))
    named = re.findall(r"`(test_\w+)`", page)
    assert len(named) > 10
    assert [name for name in named if f"def {name}(" not in code] == []
    places = re.findall(r"`(test_\w+)`\s+in\s+`(tests/[\w/]+\.py)`", page)
    assert len(places) > 5
    assert [place for name, place in places if f"def {name}(" not in (ROOT / place).read_text()] == []
    assert [path for path in re.findall(r"`(tests/[\w/]+\.py)`", page) if not (ROOT / path).is_file()] == []


PERMISSIVE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software|CNRI|HPND|CC0|Unlicense|Public Domain|Zero", re.IGNORECASE
)
# Each is used as it is, and no wheel or page of ours holds a line of it.
OTHER_LICENSES = {
    **dict.fromkeys(("certifi", "fqdn", "hypothesis", "pathspec", "tqdm"), "MPL"),
    **dict.fromkeys(("psycopg", "psycopg-binary", "yattag"), "LGPL"),
    **dict.fromkeys(
        ("axe-playwright-python", "pkginfo"), "MIT, which their license files say and their metadata do not"
    ),
}


def license_of(package: str) -> str:
    """What the package's metadata say, as an expression, a classifier or a first line."""
    stored = metadata(package)
    classifiers = [line.rpartition(" :: ")[2] for line in stored.get_all("Classifier", []) if "License ::" in line]
    known = {key: stored[key] for key in ("License", "License-Expression") if key in stored}
    return known.get("License-Expression") or "; ".join(classifiers) or known.get("License", "").partition("\n")[0]


def test_what_the_project_needs_is_free_to_use_and_the_few_without_a_permissive_license_are_known() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    licenses: dict[str, str] = {}
    for package in re.findall(r"^([a-z0-9.-]+)(?:\[.*\])?==", lock, re.MULTILINE):
        try:
            licenses[package] = license_of(package)
        except PackageNotFoundError:  # for another system or Python
            continue
    assert len(licenses) > 150
    strict = {
        name: text for name, text in licenses.items() if not PERMISSIVE.search(text) or re.search("GPL|MPL", text)
    }
    strict.pop("docutils", None)  # public domain, but for one file of a tool that nobody runs here
    assert strict.keys() <= OTHER_LICENSES.keys(), strict


def imported(tree: ast.AST) -> set[str]:
    """The packages that code imports anywhere, its own by a dot apart."""
    names: list[str] = []
    for node in ast.walk(tree):
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
    return {name.partition(".")[0] for name in names}


def third_party(*folders: str) -> dict[str, str]:
    """Each package that a module of these folders imports, as the lock names it, with one module that does."""
    ours = {path.stem for path in tracked("scripts/*.py", "_ext/*.py")} | {
        "normlab",
        "autograder",
        "reference",
        "tests",
    }
    providers = packages_distributions()
    found = {}
    for path in tracked(*(f"{folder}/*.py" for folder in folders)):
        for top in imported(ast.parse(path.read_text())) - ours - set(sys.stdlib_module_names):
            found[providers[top][0].lower().replace("_", "-")] = str(path.relative_to(ROOT))
    return found


def test_every_package_that_is_imported_is_declared() -> None:
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = distributions([*whole["dependencies"], *chain(*whole["optional-dependencies"].values())])
    found = third_party("autograder", "normlab", "reference", "scripts", "_ext", "tests")
    assert len(found) > 30
    assert {name: path for name, path in found.items() if name not in declared} == {}


@pytest.mark.parametrize(("name", "brought"), [("autograder", set()), ("normlab", {"matplotlib-inline"})])
def test_every_package_that_a_wheel_imports_its_metadata_name(name: str, brought: set[str]) -> None:
    """``brought``: imported within IPython alone, which brings it along."""
    alone = tomllib.loads((ROOT / "packaging" / name / "pyproject.toml").read_text())["project"]
    declared = distributions([*alone["dependencies"], *chain(*alone.get("optional-dependencies", {}).values())])
    assert third_party(name).keys() - declared == brought


def test_every_dependency_has_a_row_in_contributing_and_every_row_a_dependency() -> None:
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = distributions([*whole["dependencies"], *chain(*whole["optional-dependencies"].values())])
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Dependencies\n")[2].partition("\n## ")[0]
    first = re.findall(r"^\| ([a-z][^|]*?) \|", section, re.MULTILINE)
    rows = {re.sub(r" \(\w+\)", "", name) for cell in first for name in cell.split(", ")} - {"package"}
    assert rows == declared


def test_what_a_check_names_is_one_thing_since_its_sentences_say_is() -> None:
    texts = [text for path in tracked("reference/*/checks*.py", "normlab/*.py") for text in compared(path)]
    assert len(texts) > 50
    ends = re.compile(r",| (?:after|at|behind|beside|by|for|from|in|of|on|over|up|when|where)\b| \(")
    names = [ends.split(text, maxsplit=1)[0].split()[-1] for text in texts]
    assert [name for name in names if re.search(r"[^s]s$", name) and name != "eps"] == []


def compared(path: Path) -> list[str]:
    """The first words of each call of a ``require_…`` that says what is compared."""
    called = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args]
    texts = [node.args[0] for node in called if ast.unparse(node.func).startswith("require_")]
    heads = [text.values[0] if isinstance(text, ast.JoinedStr) else text for text in texts]
    values = [head.value for head in heads if isinstance(head, ast.Constant)]
    return [value for value in values if isinstance(value, str) and value.strip()]
