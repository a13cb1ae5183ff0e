"""An nbgrader course folder: its settings, its instructor's notebooks, its submissions.

nbgrader itself is not imported, since that alone takes seconds; the tests hold the defaults here against nbgrader's.
"""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

from traitlets import Bool, Dict, Enum, TraitError
from traitlets.config import Config, Configurable, PyFileConfigLoader
from traitlets.config.loader import LazyConfigValue

from autograder.assignment import Assignment
from autograder.beside import files_beside, utf8
from autograder.errors import CourseError, UsageError
from autograder.limits import Limits
from autograder.penalty import LATE_DAYS, LateDays, late_plugin, policy_of
from autograder.regions import Markers
from autograder.wording import as_setting, nearest

CONFIG_FILE = "nbgrader_config.py"
# In a student's name: what nothing can store or print, and what turns the rest of a line round.
UNUSABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
MAX_ID = 128  # characters of a student's name in nbgrader's tables: SQLite takes more, a server ends the batch
FIELD, FIELDS = r"\{(\w*)\}", ["assignment_id", "nbgrader_step", "student_id"]  # of directory_structure
STATE = ".autograder"  # the engine's own folder in the course folder: lock, log, backups
DEFAULTS = {
    "source_directory": "source",
    "submitted_directory": "submitted",
    "autograded_directory": "autograded",
    "feedback_directory": "feedback",
    "directory_structure": "{nbgrader_step}/{student_id}/{assignment_id}",
    "course_id": "",
    "student_id_exclude": "",
    "db_url": "",
}

# Names of our other settings, whose classes take long to import or import this module.
SETTINGS = {
    "Answers": ("folder", "module"),
    "Originality": ("likeness", "modules", "renamed_likeness", "tokens"),
}


class Engine(Configurable):  # type: ignore[misc]
    """The engine's own settings, as ``c.Engine.…`` in nbgrader_config.py."""

    limits = Dict(help="limits that differ from the defaults of autograder.limits.Limits, by name").tag(config=True)
    isolation = Enum(
        ("sandbox", "none"),
        "sandbox",
        help="'none' runs student code without a sandbox, and every feedback page says so",
    ).tag(config=True)
    keep = Enum(
        ("last", "best"),
        "last",
        help="which of a student's submissions counts; with 'best' the latest 20 are graded",
    ).tag(config=True)
    show_hidden_checks = Bool(False, help="whether feedback always tells why a hidden check failed").tag(config=True)


Settings = TypeVar("Settings", bound=Configurable)


@dataclass(frozen=True)
class Course:
    """A course folder that exists, with its configuration."""

    root: Path
    config: Config
    db: str = ""  # overrides the configuration's

    @classmethod
    def open(cls, root: Path, db: str = "") -> Course:
        """Read ``root/nbgrader_config.py`` if there is one; raises UsageError or CourseError.

        >>> course = Course.open(Path("my_course"))
        >>> course.course_id, [student for student, folder in course.submissions("scaling")]
        ('course101', ['ada', 'ben'])
        """
        root = utf8(root.resolve())
        if not root.is_dir():
            raise UsageError(f"There is no course folder {root}; name one with --course-dir.")
        config = Config()
        if (root / CONFIG_FILE).exists():
            try:
                config = PyFileConfigLoader(CONFIG_FILE, path=str(root)).load_config()
            except SyntaxError as error:
                raise CourseError(f"{root / CONFIG_FILE} cannot be read, line {error.lineno}: {error.msg}.") from None
            except (Exception, SystemExit) as error:  # the file is code: anything may happen in it
                raise CourseError(f"{root / CONFIG_FILE} cannot be read: {error!r}") from None
        _check_names(config, root / CONFIG_FILE)
        elsewhere = config.CourseDirectory.get("root", "")
        if elsewhere and (root / str(elsewhere)).resolve() != root:
            raise CourseError(
                f"{root / CONFIG_FILE}: c.CourseDirectory.root is {str(elsewhere)!r}, but a course is the folder of "
                "its configuration; take the line out, or name that folder with --course-dir."
            )
        course = cls(root, config, db)
        course._check_structure()
        return course

    def setting(self, name: str) -> str:
        """A text of ``c.CourseDirectory``, or nbgrader's default."""
        return str(self.config.CourseDirectory.get(name, DEFAULTS[name]))

    @cached_property
    def engine(self) -> Engine:
        """The settings under ``c.Engine``."""
        return self.settings(Engine)

    def settings(self, kind: type[Settings]) -> Settings:
        """The settings under the name of this class; CourseError where one is of another type or out of its range."""
        try:
            return cast(Settings, kind(config=self.config))
        except TraitError as error:
            raise CourseError(f"{self.root / CONFIG_FILE}: {as_setting(str(error))}") from None

    @cached_property
    def limits(self) -> Limits:
        """The engine's limits with the course's own; CourseError where one is unknown or impossible."""
        try:
            return Limits.from_mapping(self.engine.limits)
        except UsageError as error:
            raise CourseError(f"{self.root / CONFIG_FILE}: c.Engine.limits: {error}") from None

    @cached_property
    def db_url(self) -> str:
        """The gradebook's address, a file's from the course folder on, as in nbgrader; raises GradebookError."""
        from autograder.database import address  # with SQLAlchemy, which a grading process need not import

        url = self.db or self.setting("db_url") or "sqlite:///gradebook.db"
        found = address(url)
        if found.get_backend_name() != "sqlite" or not found.database:
            return url
        return found.set(database=str(self.root / found.database)).render_as_string(hide_password=False)

    @cached_property
    def course_id(self) -> str:
        """As nbgrader names a course that has no name."""
        return self.setting("course_id").strip() or "default_course"

    @cached_property
    def markers(self) -> Markers:
        """nbgrader's delimiters and stubs, as configured."""
        traits = {
            "begin_solution": ("ClearSolutions", "begin_solution_delimeter"),
            "end_solution": ("ClearSolutions", "end_solution_delimeter"),
            "begin_hidden": ("ClearHiddenTests", "begin_test_delimeter"),
            "end_hidden": ("ClearHiddenTests", "end_test_delimeter"),
            "begin_marks": ("ClearMarkScheme", "begin_mark_scheme_delimeter"),
            "end_marks": ("ClearMarkScheme", "end_mark_scheme_delimeter"),
            "text_stub": ("ClearSolutions", "text_stub"),
        }
        found = {
            name: self.config[section][trait]
            for name, (section, trait) in traits.items()
            if trait in self.config[section]
        }
        stub: Any = self.config.ClearSolutions.get("code_stub", {})
        if isinstance(stub, LazyConfigValue):  # c.ClearSolutions.code_stub.update(...)
            stub = stub.get_value({})
        if isinstance(stub, dict):
            stub = stub.get("python", Markers.code_stub)
        return Markers(code_stub=stub, **found)

    def _check_structure(self) -> None:
        structure = self.setting("directory_structure")
        fields = re.findall(FIELD, structure)
        if (
            sorted({*fields}) != FIELDS
            or fields.count("student_id") > 1
            or re.search("[{}]", re.sub(FIELD, "", structure))
        ):
            raise CourseError(
                f"{self.root / CONFIG_FILE}: c.CourseDirectory.directory_structure is {structure!r}, "
                f"but it needs each of these and no other: {', '.join(f'{{{name}}}' for name in FIELDS)}."
            )

    def folder(self, step: str, student: str, assignment: str) -> Path:
        """The folder of ``step`` ("source", "submitted", ...) for one student; "." stands for nobody."""
        names = {"student_id": student, "assignment_id": assignment}
        structure = self.setting("directory_structure")
        return self.root / structure.format(nbgrader_step=self.setting(f"{step}_directory"), **names)

    def notebooks(self, assignment: str) -> dict[str, Assignment]:
        """The instructor's notebooks by name; raises UsageError where there are none."""
        folder = self.folder("source", ".", assignment)
        paths = sorted(folder.glob("[!.]*.ipynb")) if re.fullmatch(r"[^/\\+]*[^/\\+.][^/\\+]*", assignment) else []
        if not paths:
            place = self.root / self.setting("source_directory")
            there = ", ".join(sorted({utf8(path).parent.name for path in self.sources() if path.parent != place}))
            known = f"there are {there}" if there else f"{place} holds none; --course-dir names the course"
            raise UsageError(f"There is no assignment {assignment!r} with a notebook; {known}.")
        return {utf8(path).stem: Assignment.from_file(path, self.markers) for path in paths}

    def sources(self) -> Iterator[Path]:
        """The instructor's notebooks of every assignment; what is hidden, an editor or a system put there."""
        folder = self.root / self.setting("source_directory")
        for path in folder.rglob("*.ipynb"):
            if not any(part[0] == "." for part in path.relative_to(folder).parts):
                yield path

    def files(self, assignment: str) -> dict[str, bytes]:
        """What stands beside the instructor's notebooks, for the notebooks to read; raises CourseError."""
        return files_beside(self.folder("source", ".", assignment))

    def submissions(self, assignment: str) -> Iterator[tuple[str, Path]]:
        """Each student with a folder for the assignment, in order; what ``misnamed`` tells is left out."""
        return (each for each in self._folders(assignment) if not fault_of(each[0]))

    def misnamed(self, assignment: str) -> list[tuple[str, str]]:
        """Folders that cannot be graded because of their names, in printable form, each with a sentence."""
        names = (student for student, _ in self._folders(assignment))
        return [
            (name.encode("unicode_escape").decode(), f"not graded: the folder's name {fault}; rename it")
            for name in names
            if (fault := fault_of(name))
        ]

    def _folders(self, assignment: str) -> Iterator[tuple[str, Path]]:
        step, structure = self.setting("submitted_directory"), self.setting("directory_structure")
        names = {"nbgrader_step": step, "assignment_id": assignment}
        pattern = structure.format(student_id="*", **{key: glob.escape(name) for key, name in names.items()})
        path = re.compile(
            re.sub(
                r"\\\{(\w+)\\\}",
                lambda field: "(?P<student>[^/]+)" if field[1] == "student_id" else re.escape(names[field[1]]),
                re.escape(structure),
            )
        )
        excluded = set(self.setting("student_id_exclude").split(","))
        for found in sorted(glob.iglob(pattern, root_dir=self.root)):
            match = path.fullmatch(found)
            if match and match["student"] not in excluded:
                yield match["student"], self.root / found

    def late_policy(self) -> dict[str, Any]:
        """``penalty.policy_of`` of the course; CourseError where a setting of our plugin is wrong, too."""
        if late_plugin(self.config, self.root / CONFIG_FILE) in ("", LATE_DAYS):
            self.settings(LateDays)
        return policy_of(self.config, self.root / CONFIG_FILE)


def fault_of(name: str) -> str:
    """Why a folder of this name cannot be graded, or ""."""
    if UNUSABLE.search(name):
        return "holds a control character or is not UTF-8"
    return f"has more than {MAX_ID} characters" if len(name) > MAX_ID else ""


def _check_names(config: Config, path: Path) -> None:
    """Raise CourseError for a misspelt setting of ours, of which traitlets warns late or not at all."""
    ours = {each.__name__: each.class_trait_names(config=True) for each in (Engine, LateDays)}
    sections = {**ours, **SETTINGS}
    plugin = late_plugin(config, path)
    if plugin not in ("", LATE_DAYS):
        del sections["LateDays"]  # a course's own plugin may have this name
    for section in config.keys() - sections.keys() - {plugin.rpartition(".")[2]}:  # nbgrader's have no names like ours
        if which := nearest(section, sections):
            raise CourseError(f"{path}: there is no section c.{section}{which}")
    for section, known in sections.items():
        for name in config.get(section, {}):
            if name not in known:
                which = nearest(name, known) or f"; there are {', '.join(known)}."
                raise CourseError(f"{path}: there is no setting c.{section}.{name}{which}")
