"""Lists and reads what a learning platform exported, a zip or a folder, without trusting it.

Nothing is ever unpacked by its own name: files are read one by one, within limits, and the reader of the bytes decides
where they go. What is unsafe is left out and named, since one student must not stop the others; only an archive that
is too large as a whole, or broken, is refused as a whole.
"""

from __future__ import annotations

import os
import re
import stat
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from autograder.errors import UsageError
from autograder.intake import Refused

MAX_FILES = 100_000  # of one source
MAX_DEPTH = 12  # folders within folders
MAX_PATH = 1000  # characters
MAX_BYTES = 32 << 30  # what all files of an archive say they come to
MAX_RATIO = 200  # a notebook with many figures shrinks to a tenth, one of zeros to a thousandth
SMALL = 1 << 20  # below this no ratio matters
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class File:
    """One regular file of a source."""

    path: str  # below the source, parts separated by "/", none of them ".."
    owner: int | None = None  # of the folder it lies in; an archive has none


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
        count = 0
        for root, folders, names, root_fd in os.fwalk(".", dir_fd=self.descriptor, follow_symlinks=False):
            owner = os.fstat(root_fd).st_uid
            if root.count("/") >= MAX_DEPTH:
                self.refused[_below(root, "")] = f"is nested deeper than {MAX_DEPTH} folders"
                folders.clear()
                continue
            for name in [*folders, *names]:
                count += 1
                if count > MAX_FILES:
                    raise UsageError(f"{self.path} holds more than {MAX_FILES} files; name the folder of one export.")
                try:
                    mode = os.stat(name, dir_fd=root_fd, follow_symlinks=False).st_mode
                except FileNotFoundError:  # taken away by its owner while the folder is listed
                    continue
                if stat.S_ISREG(mode):
                    yield File(_below(root, name), owner)
                elif not stat.S_ISDIR(mode):
                    self.refused[_below(root, name)] = "is a link, a device, a socket or a pipe"

    def read(self, file: File, limit: int) -> bytes:
        """As of Source; no link is followed on the way, and nothing waits for a pipe's writer."""
        *folders, name = file.path.split("/")
        here = os.dup(self.descriptor)
        try:
            for folder in folders:
                inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
                os.close(here)
                here = inner
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            with open(os.open(name, flags, dir_fd=here), "rb") as opened:
                if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                    raise Refused("is a link, a device, a socket or a pipe")
                return _within(opened.read(limit + 1), limit)
        except OSError as error:
            raise Refused(f"cannot be read ({error.strerror})") from None
        finally:
            os.close(here)


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
        self.members = {member.orig_filename: member for member in self.zip.infolist()}
        members = self.zip.infolist()
        total = sum(member.file_size for member in members)
        if len(members) > MAX_FILES or total > MAX_BYTES:
            self.zip.close()
            raise UsageError(
                f"{self.path} holds {len(members)} files of {total >> 20} MiB, more than {MAX_FILES} of "
                f"{MAX_BYTES >> 20} MiB; this is not the export of one assignment."
            )
        for member in members:
            # zipfile cuts names at a null character; what the archive really says is judged.
            path = member.orig_filename
            if reason := _suspect(member):
                self.refused[path] = reason
            elif not path.endswith("/"):
                yield File(path)
            elif reason := _unsafe(path):
                self.refused[path] = reason

    def read(self, file: File, limit: int) -> bytes:
        """As of Source."""
        try:
            # Not by its name: an extra field of the archive may give it another one (Info-ZIP, 0x7075).
            with self.zip.open(self.members[file.path]) as opened:
                return _within(opened.read(limit + 1), limit)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zlib.error):
            raise Refused("is damaged") from None


def open_source(path: Path) -> Source:
    """A zip file or a folder; raises UsageError where it is neither, cannot be read, or is too large as a whole."""
    try:
        return Folder(path) if path.is_dir() else Archive(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}); name a zip file or a folder.") from None


def _suspect(member: zipfile.ZipInfo) -> str:
    mode = member.external_attr >> 16  # zero where a system without modes made the archive
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link, a device, a socket or a pipe"
    if member.flag_bits & 1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is packed in a way that no platform uses"
    if member.file_size > SMALL and member.file_size > MAX_RATIO * member.compress_size:
        return f"shrinks to less than 1/{MAX_RATIO} in the archive, as no notebook does"
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


def _below(root: str, name: str) -> str:
    return os.path.normpath(os.path.join(root, name))


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise Refused(f"is larger than {limit >> 20} MiB")
    return data
