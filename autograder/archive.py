"""Lists and reads what a learning platform exported, a zip or a folder, without trusting it.

Nothing is ever unpacked by its own name: files are read one by one, within limits, and the reader of the bytes decides
where they go. What is unsafe is left out and named, since one student must not stop the others; only an archive that
is too large as a whole, or broken, is refused as a whole.
"""

from __future__ import annotations

import itertools
import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import UsageError
from autograder.intake import Refused
from autograder.submission import FILE_FLAGS, FOLDER_FLAGS, MAX_NAMES

MAX_FILES = 100_000  # of one source
MAX_DEPTH = 12  # folders within folders
MAX_PATH = 1000  # characters
MAX_BYTES = 32 << 30  # what all files of an archive say they come to
UTF8 = 0x800  # of a zip's flags: the name is UTF-8 (APPNOTE 4.4.4, bit 11)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class File:
    """One regular file of a source."""

    path: str  # below the source, parts separated by "/", none of them ".."
    owner: int | None = None  # of the folder it lies in; an archive has none


_Entry = tuple[File, os.stat_result]  # of a folder on disk


@dataclass
class Source:
    """An opened zip or folder, to be closed."""

    path: Path
    files: list[File] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)  # path -> why it is left out

    def __post_init__(self) -> None:
        for file in list(self._list()):
            if reason := _unsafe(file.path):
                self.refused[file.path] = reason
            else:
                self.files.append(file)
        self._refuse_doubles()

    def close(self) -> None:
        """Let go of what it holds open."""
        raise NotImplementedError

    def _list(self) -> Iterator[File]:
        raise NotImplementedError

    def read(self, file: File, limit: int) -> bytes:
        """The content of one of ``files``; raises Refused where it is damaged, no file, or larger than ``limit``."""
        data = self.head(file, limit + 1)
        if len(data) > limit:
            raise Refused(f"is larger than {limit >> 20} MiB")
        return data

    def head(self, file: File, size: int) -> bytes:
        """The first bytes of one of ``files``; raises Refused where it is damaged or no file."""
        raise NotImplementedError

    def _refuse_doubles(self) -> None:
        """Of two names that some systems take for one, the second would silently replace the first."""
        names = Counter(_folded(file.path) for file in self.files)
        for file in self.files:
            if names[_folded(file.path)] > 1:
                self.refused[file.path] = "is there twice, or with another name that differs only in case"
        self.files = [file for file in self.files if file.path not in self.refused]


class Folder(Source):
    """A folder on disk; links in it are never followed, whatever changes while it is read."""

    def close(self) -> None:
        """As of Source."""
        os.close(self.descriptor)

    def _list(self) -> Iterator[File]:
        self.descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        ours = {os.getuid(), os.fstat(self.descriptor).st_uid}
        parts: dict[int | str, list[_Entry]] = {}  # what one student can fill, which costs that student alone
        for file, status in self._side_by_side():
            parts.setdefault(file.path if status.st_uid in ours else status.st_uid, []).append((file, status))
        count = 0
        for key, part in parts.items():
            numbers = itertools.count(1)
            try:
                files = [file for entry in part for file in self._walk(entry, numbers)]
            except Refused as error:
                others = " with what else its owner put there" if len(part) > 1 else ""
                self.refused[part[0][0].path] = f"{error}{others}"
                continue
            yield from files
            count += len(files) if isinstance(key, str) else 0
            if count > MAX_FILES:
                raise UsageError(f"{self.path} holds more than {MAX_FILES} files; name the folder of one export.")

    def _side_by_side(self) -> list[_Entry]:
        """The folders of students, and what lies beside them, however many folders stand around them all."""
        found = [*self._entries("")]
        while len(inner := [each for each in found if stat.S_ISDIR(each[1].st_mode)]) == 1:
            path = inner[0][0].path
            if _is_deep(path):
                break
            found.remove(inner[0])
            found += self._entries(path)
        return found

    def _walk(self, entry: _Entry, numbers: Iterator[int]) -> Iterator[File]:
        """A file, or the files of a folder; raises Refused where these are too many."""
        file, status = entry
        if next(numbers) > MAX_NAMES:
            raise Refused(f"holds more than {MAX_NAMES} files")
        if stat.S_ISREG(status.st_mode):
            yield file
        elif not stat.S_ISDIR(status.st_mode):
            self.refused[file.path] = "is a link, a device, a socket or a pipe"
        elif _is_deep(file.path):
            self.refused[file.path] = f"is nested deeper than {MAX_DEPTH} folders"
        else:
            for each in self._entries(file.path):
                yield from self._walk(each, numbers)

    def _entries(self, folder: str) -> Iterator[_Entry]:
        """What lies in a folder, "" the source itself; another one that cannot be read is refused."""
        try:
            with self._opened(folder) as here, os.scandir(here) as entries:
                owner = os.fstat(here).st_uid
                for entry in entries:
                    try:
                        status = entry.stat(follow_symlinks=False)
                    except FileNotFoundError:  # taken away by its owner while the folder is listed
                        continue
                    yield File(os.path.join(folder, entry.name), owner), status
        except OSError as error:
            if not folder:
                raise
            self.refused[folder] = f"cannot be read ({error.strerror})"

    @contextmanager
    def _opened(self, folder: str) -> Iterator[int]:
        """A descriptor of a folder; no link is followed on the way."""
        here = os.dup(self.descriptor)
        try:
            for name in filter(None, folder.split("/")):
                inner = os.open(name, FOLDER_FLAGS, dir_fd=here)
                os.close(here)
                here = inner
            yield here
        finally:
            os.close(here)

    def head(self, file: File, size: int) -> bytes:
        """As of Source; nothing waits for a pipe's writer."""
        folder, _, name = file.path.rpartition("/")
        try:
            with (
                self._opened(folder) as here,
                open(os.open(name, FILE_FLAGS, dir_fd=here), "rb") as opened,
            ):
                if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                    raise Refused("is a link, a device, a socket or a pipe")
                return opened.read(size)
        except OSError as error:
            raise Refused(f"cannot be read ({error.strerror})") from None


class Archive(Source):
    """A zip file."""

    def close(self) -> None:
        """As of Source."""
        self.zip.close()

    def _list(self) -> Iterator[File]:
        try:
            self.zip = zipfile.ZipFile(self.path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            if self.path.suffix.lower() == ".ipynb":
                raise UsageError(
                    f"{self.path} is a notebook; name a zip file, or a folder that holds <student>/<assignment>.ipynb."
                ) from None
            raise UsageError(f"{self.path} is not a whole zip file ({error}); download it again.") from None
        members = self.zip.infolist()
        total = sum(member.file_size for member in members)
        if len(members) > MAX_FILES or total > MAX_BYTES:
            self.zip.close()
            raise UsageError(
                f"{self.path} holds {len(members)} files of {total >> 20} MiB, more than {MAX_FILES} of "
                f"{MAX_BYTES >> 20} MiB; this is not the export of one assignment."
            )
        self.members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            path = _name(member)
            self.members[path] = member
            if reason := _suspect(member):
                self.refused[path] = reason
            elif not path.endswith("/"):
                yield File(path)
            elif reason := _unsafe(path):
                self.refused[path] = reason

    def head(self, file: File, size: int) -> bytes:
        """As of Source."""
        try:
            # Not by its name: an extra field of the archive may give it another one (Info-ZIP, 0x7075).
            with self.zip.open(self.members[file.path]) as opened:
                return opened.read(size)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zlib.error):
            raise Refused("is damaged") from None


def open_source(path: Path) -> Source:
    """A zip file or a folder; raises UsageError where it is neither, cannot be read, or is too large as a whole."""
    try:
        return Folder(path) if path.is_dir() else Archive(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name a zip file or a folder.") from None


def _name(member: zipfile.ZipInfo) -> str:
    """What the archive really says: zipfile cuts names at a null character, and reads UTF-8 that is not marked so."""
    name = member.orig_filename
    with suppress(UnicodeError):  # as macOS and Info-ZIP write it
        return name if member.flag_bits & UTF8 else name.encode("cp437").decode("utf-8")
    return name


def _suspect(member: zipfile.ZipInfo) -> str:
    mode = member.external_attr >> 16  # zero where a system without modes made the archive
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link, a device, a socket or a pipe"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that no platform uses"
    return ""


def _unsafe(path: str) -> str:
    parts = path.split("/")
    if not path:
        return "has no name"
    if CONTROL.search(path) or "\\" in path:
        return "has a backslash or a control character in its name"
    if path.startswith("/") or re.match("[A-Za-z]:", path):
        return "has an absolute name"
    if ".." in parts:
        return "has a name that leads out of the archive"
    if len(path) > MAX_PATH:
        return f"has a name longer than {MAX_PATH} characters"
    if len(parts) > MAX_DEPTH:
        return f"is nested deeper than {MAX_DEPTH} folders"
    return ""


def _folded(path: str) -> str:
    return unicodedata.normalize("NFKC", path).casefold()


def _is_deep(folder: str) -> bool:
    return folder.count("/") + 1 >= MAX_DEPTH
