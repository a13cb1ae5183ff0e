"""Which parts of the file system student code may read, and how processes of this package itself are started."""

from __future__ import annotations

import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

# Shared libraries, time zones and fonts.
_SYSTEM = ("/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/lib", "/lib64", "/usr/share/zoneinfo")
_SYSTEM_FILES = ("/usr/share/fonts", "/etc/fonts", "/etc/localtime")

PACKAGE = Path(__file__).resolve().parent


def program(module: str, call: str) -> str:
    """Text for ``python -c`` that makes a call in one of our modules; ``sys.argv[2]`` is the folder of this package.

    It is this package itself, though another one may be installed; what else lies beside it never stands for a module.
    """
    start = "import sys; sys.path.insert(0, sys.argv[2]); import autograder; sys.path.append(sys.path.pop(0))"
    return f"{start}; import autograder.{module} as part; part.{call}"


def visible(modules: Iterable[str]) -> tuple[Path, ...]:
    """Paths to be readable, none within another; ``modules`` are those that students are meant to have."""
    paths = [Path(text) for text in (*_SYSTEM, *_SYSTEM_FILES) if os.path.exists(text) and not os.path.islink(text)]
    for prefix in {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}:
        paths += [Path(prefix, name) for name in ("lib", "lib64")]
    paths += [Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib")]
    paths += _packages()
    # Both the name by which Python knows a path and where it really lies.
    paths += [path.resolve() for path in paths]
    roots = _outermost(path for path in paths if path.exists() and not path.is_symlink())
    own = [path for name in modules for path in _sources(name) if not any(path.is_relative_to(r) for r in roots)]
    return _outermost([*roots, *own])


def hidden(roots: Iterable[Path], secret: Iterable[Path]) -> tuple[Path, ...]:
    """This package, and what is secret among the installed ones, as the answers may be, where that is readable."""
    packages = [each for outer in _packages() for each in (outer, outer.resolve())]
    installed = [path for path in secret if any(outer in path.parents for outer in packages)]
    return tuple(path for path in (PACKAGE, *installed) if any(path.is_relative_to(root) for root in roots))


def _packages() -> list[Path]:
    """Folders of installed packages."""
    named = [Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")]
    return named + [Path(text) for text in sys.path if Path(text).name in ("site-packages", "dist-packages")]


def open_to_all(paths: Iterable[Path]) -> bool:
    """Whether every user may enter these folders."""
    return all(part.stat().st_mode & 0o001 for path in paths if path.is_dir() for part in (path, *path.parents))


def _sources(name: str) -> list[Path]:
    """Folder or file of the top-level package of a module; nothing for what is built in or missing."""
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations:
        return [Path(location) for location in spec.submodule_search_locations]
    return [Path(spec.origin)] if spec.origin and os.path.exists(spec.origin) else []


def _outermost(paths: Iterable[Path]) -> tuple[Path, ...]:
    kept: list[Path] = []
    for path in sorted(set(paths), key=lambda path: len(path.parts)):
        if not any(path.is_relative_to(outer) for outer in kept):
            kept.append(path)
    return tuple(kept)
