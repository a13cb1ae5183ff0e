"""The zip that makes this engine run as a Gradescope autograder: ``export --format gradescope-autograder``.

It holds the course's configuration with the Python files beside it, the assignment's source, the packages that no index
has (this one, and what the notebooks import from a checkout), and the exact versions of all others. ``gradescope`` is
what runs there.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from importlib import metadata
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

from packaging.requirements import Requirement

from autograder.beside import content_of
from autograder.course import Course
from autograder.database import address
from autograder.errors import CourseError
from autograder.places import PACKAGE
from autograder.template import template_text

CHECKOUT, EXTRA = "normalization-from-scratch", "autograder"  # editable, it tells nobody what packages it holds
ANY_TIME = (1980, 1, 1, 0, 0, 0)  # so that two runs make the same bytes
SCRIPT, FILE = 0o755, 0o644


def bundle(course: Course, assignment: str) -> bytes:
    """The zip's bytes; raises CourseError where a module or a source folder cannot be brought along, or a secret would.

    GradebookError where the configuration names a database by what is no address.
    """
    modules = {name.partition(".")[0] for each in course.notebooks(assignment).values() for name in each.modules}
    own = {name.partition("/")[0].removesuffix(".py") for name in course.files(assignment)}
    local, pins = _needs(modules - own)
    files = {
        "setup.sh": template_text("gradescope/setup.sh").encode(),
        "run_autograder": template_text("gradescope/run_autograder")
        .replace("@ASSIGNMENT@", shlex.quote(assignment))
        .encode(),
        "requirements.txt": "".join(f"{line}\n" for line in pins).encode(),
    }
    for path in local:
        files |= {f"packages/{name}": content for name, content in _package(path)}
    # The configuration, and what it may read beside it: a late plugin of the course's own, another configuration.
    beside = {path.name: content_of(path) for path in sorted(course.root.glob("*.py")) if path.is_file()}
    _check_no_password(course, beside)
    files |= {f"course/{name}": content for name, content in beside.items()}
    folder, place = course.folder("source", ".", assignment), _place(course, assignment)
    for name in [*course.files(assignment), *(f"{name}.ipynb" for name in course.notebooks(assignment))]:
        files[f"{place}/{name}"] = content_of(folder / name)
    return _zip(files)


def _check_no_password(course: Course, files: dict[str, bytes]) -> None:
    """Raise CourseError where the database's password would come along to where student code runs.

    It is looked for where it begins and ends as a text or a part of an address, so that no other word is taken for it.
    """
    parts = address(course.setting("db_url") or "sqlite://")
    passwords = [str(found) for found in (parts.password, parts.query.get("password")) if found]
    forms = "|".join(re.escape(form) for each in passwords for form in (each, quote(each, safe="")))
    for name, content in files.items():
        if forms and re.search(rf"[:=\"'](?:{forms})[@&\"']".encode(), content):
            raise CourseError(
                f"{course.root / name} holds the password of the gradebook's database, which the zip would take to "
                "Gradescope: keep it elsewhere, for example in ~/.pgpass, and out of c.CourseDirectory.db_url."
            )


def _place(course: Course, assignment: str) -> str:
    """Where a course in the zip's folder ``course`` looks for the assignment's source."""
    place = os.path.normpath(replace(course, root=Path("/course")).folder("source", ".", assignment))
    if not place.startswith("/course/"):
        raise CourseError(
            f"The zip holds a copy of the course folder, in which the settings look for the notebooks in {place}: "
            "move them into the course folder, and give their place from there as c.CourseDirectory.source_directory."
        )
    return place[1:]


def _needs(modules: Iterable[str]) -> tuple[list[Path], list[str]]:
    """Packages to bring along, and pins of what an index has."""
    local: list[Path] = [PACKAGE]
    wanted: list[str] = []
    owners = metadata.packages_distributions()
    for name in sorted(set(modules) - sys.stdlib_module_names):
        spec = importlib.util.find_spec(name)
        if spec is None:
            raise CourseError(f"The notebook imports {name}, which is not installed here; install it, then export.")
        if any(not _is_local(owner) for owner in owners.get(name, ())):
            wanted += owners[name]
        elif name != PACKAGE.name:
            folders = [*(spec.submodule_search_locations or ()), str(spec.origin)]
            local.append(Path(folders[0]))
    own = owners.get(PACKAGE.name, [CHECKOUT])[0]
    return local, sorted({*_pins(wanted), *_needed_by(f"{own}[{EXTRA}]")})


def _is_local(distribution: str) -> bool:
    """Whether it was installed from a folder, a file or a repository, and no index has it (PEP 610)."""
    return metadata.distribution(distribution).read_text("direct_url.json") is not None


def _pins(wanted: Iterable[str]) -> Iterator[str]:
    """``name==version`` of these, as installed here; of one that no index has, of what it needs.

    What they need in turn is left to pip, since the container's Python may be older than the one here.
    """
    for name in wanted:
        if _is_local(name):
            yield from _needed_by(name)
        else:
            yield f"{metadata.metadata(name)['Name']}=={metadata.version(name)}"


def _needed_by(own: str) -> Iterator[str]:
    requirement = Requirement(own)
    for needed in map(Requirement, metadata.requires(requirement.name) or ()):
        extras = {"", *requirement.extras}
        if not needed.marker or any(needed.marker.evaluate({"extra": extra}) for extra in extras):
            yield f"{needed.name}=={metadata.version(needed.name)}"


def _package(path: Path) -> Iterator[tuple[str, bytes]]:
    """Every file of a package or module, by its name below site-packages."""
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        name = file.relative_to(path.parent)
        if file.is_file() and not any(part == "__pycache__" or part.startswith(".") for part in name.parts):
            yield name.as_posix(), content_of(file)


def _zip(files: dict[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            member = zipfile.ZipInfo(name, ANY_TIME)
            member.compress_type = zipfile.ZIP_DEFLATED
            mode = SCRIPT if re.fullmatch(r"setup\.sh|run_autograder", name) else FILE
            member.external_attr = (0o100000 | mode) << 16
            archive.writestr(member, content)
    return made.getvalue()
