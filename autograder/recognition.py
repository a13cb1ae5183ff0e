"""Which platform a source comes from; folders that are named by students, where it is none."""

from __future__ import annotations

import re
from collections.abc import Collection

from autograder.archive import Source
from autograder.errors import UsageError
from autograder.platforms import NOTEBOOK, PLATFORMS, ZIP, HandedIn, head, is_litter, matches
from autograder.times import parse_timestamp
from autograder.wording import listed, shown

STAMP_BYTES = 1000
Folder = tuple[str, ...]


def recognize(source: Source, assignment: str, others: Collection[str] = ()) -> tuple[str, list[HandedIn]]:
    """The platform whose names fit most files, and what was handed in; raises UsageError where none fits.

    Where no platform's fit, folders named by students will do. Files that do not fit the platform are nobody's.
    """
    if not source.files and not source.refused:
        raise UsageError(f"{source.path} is empty; name what the platform exported, or a folder with submissions.")
    # A student chooses the end of a name, and may end it as another platform would: whose words stand first decides.
    first = _first_words(source)
    # By count, since somebody may have added a file by hand; every file counts, whoever named it.
    best = max(PLATFORMS, key=[*first.values()].count)
    found = [handed_in for handed_in in PLATFORMS[best][1](source) if first[handed_in.file.path] == best]
    wanted = [handed_in for handed_in in found if handed_in.assignment in ("", assignment)]
    if not found and (plain := folders(source, assignment, others)):
        return "folders named by students", plain
    if not wanted and (zips := [shown(file.path) for file, _ in matches(source, ZIP)]):
        raise UsageError(
            f"{source.path} holds nothing of {assignment!r} but a zip within the "
            f"{'folder' if source.path.is_dir() else 'zip'}, {listed(zips)}; unpack it and name what was in it."
        )
    if not wanted:
        left_out = [f"{shown(name)} {reason}" for name, reason in source.refused.items()]
        raise UsageError(
            f"{source.path} holds nothing of {assignment!r} named as Canvas, Moodle, Blackboard or nbgrader's exchange "
            f"name it, nor as <student>/{assignment}.ipynb{f' ({listed(left_out)})' if left_out else ''}; name the zip "
            "as it was downloaded, the exchange's folder inbound, or a folder with a folder for each student."
        )
    strange = [file for file in source.files if first.get(file.path, best) != best]
    return best, wanted + [HandedIn(source, file, file.path) for file in strange]


def _first_words(source: Source) -> dict[str, str]:
    """The platform whose own words stand first in a path, by path; "" where there are none."""
    first: dict[str, str] = {}
    homes: list[Folder] = []  # of each file that a platform named the folder
    for path in (file.path for file in source.files if not is_litter(file)):
        found = {name: match for name, (pattern, _) in PLATFORMS.items() if (match := pattern.fullmatch(path))}
        first[path] = min(found, key=lambda name: found[name].end("who"), default="")
        if found:
            homes.append(tuple(path[: found[first[path]].start("who")].split("/")[:-1]))
    notebooks = {tuple(path.split("/")[:-1]) for path, name in first.items() if not name and NOTEBOOK.fullmatch(path)}
    depth = min(map(len, notebooks - {()}), default=0)
    # In folders of their own, beside those of more others, students may name a file as they like.
    others = {folder[:depth] for folder in notebooks - {()}} - {folder[:depth] for folder in homes}
    if min(map(len, homes), default=0) >= depth > 0 and len(others) > len(homes):
        return dict.fromkeys(first, "")
    return first


def folders(source: Source, assignment: str, others: Collection[str]) -> list[HandedIn]:
    """``ada/batchnorm.ipynb``, ``ada/batchnorm/batchnorm.ipynb`` and a timestamp.txt beside it, or ``ada.ipynb``.

    Notebooks that are named like those of ``others``, the other assignments, are left out, and so is what lies deeper:
    its folder was named by a student. Where a folder beside those of students holds nothing else, its files are told by
    their paths, which no notebook has for a name; so is a zip.
    """
    stamps = {file.path: file for file in source.files if file.path.endswith("timestamp.txt")}
    handed_in: list[HandedIn] = []
    alone: dict[str, HandedIn] = {}  # path -> what is nobody's
    inside = []
    for file, match in matches(source, NOTEBOOK):
        folder = tuple((match["folder"] or "").split("/")[:-1])
        if match["stem"] in others or folder[-1:] == ("",):
            continue
        if folder[-1:] == (assignment,):
            folder = folder[:-1]
        if folder:
            inside.append((file, match, folder))
        elif match["stem"] != assignment:
            # Twice, so that nobody is taken for a student whom no roster names.
            handed_in.append(HandedIn(source, file, match["file"], (match["stem"], match["stem"])))
        else:
            alone[file.path] = HandedIn(source, file, file.path)
    level = _level({folder for _, _, folder in inside})
    named: set[str] = set()  # folders of students
    for file, match, folder in inside:
        if len(folder) == level:
            stamp = stamps.get(f"{match['folder']}timestamp.txt")
            when = parse_timestamp(head(source, stamp, STAMP_BYTES).strip()) if stamp else None
            own = "/".join(folder)
            handed_in.append(HandedIn(source, file, match["file"], folder[-1:], when=when, order=own, folder=own))
            named.add(own)
        elif len(folder) > level:
            source.refused[file.path] = "lies deeper than the folders of students"
        else:
            alone[file.path] = HandedIn(source, file, file.path)
    if not handed_in:
        return []
    beside = {folder.rpartition("/")[0] for folder in named}
    for file, _ in matches(source, re.compile(r".+/(?!timestamp\.txt)[^/]+")):
        folder_of = file.path.rpartition("/")[0].removesuffix(f"/{assignment}")
        if folder_of not in named and folder_of.rpartition("/")[0] in beside and file.path not in alone:
            handed_in.append(HandedIn(source, file, file.path, (folder_of.rpartition("/")[2],)))
    for file, match in matches(source, ZIP):
        if (match["folder"] or "") in beside | {""}:
            handed_in.append(HandedIn(source, file, file.path, (match["stem"], match["stem"])))
    return [*handed_in, *alone.values()]


def _level(folders: set[Folder]) -> int:
    """How deep students' own folders lie: where most that hold a notebook, or one further in, hold one themselves.

    Each folder has one voice at its depth, however many a student makes within.
    """
    level = 1
    while 2 * sum(len(each) == level for each in folders) < len(
        {each[:level] for each in folders if len(each) >= level}
    ):
        level += 1
    return level
