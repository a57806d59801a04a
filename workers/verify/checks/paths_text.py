"""No file names the folders it was built in; no text names the build prefix but the one that uv must parse."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from farm.plan.recipe import PREFIX
from farm.store.artifact import BUILD_INFO_PATH
from workers.verify.building import BEGINS, ENDS, FOLDER
from workers.verify.elf import is_elf, loaded_bytes
from workers.verify.findings import error, shared_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_BUILD = re.compile(f"{BEGINS}{FOLDER}{ENDS}".encode())
_PREFIX = re.compile(rb"(?:(?<![\w.~%>}-])|(?<=[\s\"'=]-[ILB]))" + PREFIX.encode() + rb"(?=[/\s\"'`:;,)\\]|$)")
_TEXT_LIMIT = 16 << 20

# The build information records the arguments of configure and make as they were given, with prefix and folders (which
# -ffile-prefix-map has to name): nothing goes there.
_MAY_NAME_PREFIX = ("lib/{lib}/_sysconfigdata*.py", BUILD_INFO_PATH)


def look(subject: Subject) -> Iterator[Finding]:
    """Every file of the archive."""
    yield from leaks(subject.tree, subject.build.lib)


def leaks(tree: Path, lib: str) -> Iterator[Finding]:
    """Every file of a tree. Binaries and bytecode may name the prefix: getpath has it compiled in as its last resort, which
    is never reached while the landmark is found (the `moved` checks see to that), and an import corrects bytecode's file names.
    """
    allowed = [pattern.format(lib=lib) for pattern in _MAY_NAME_PREFIX]
    building: dict[str, list[str]] = {}
    for path in sorted(tree.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        name = path.relative_to(tree).as_posix()
        data, text = _data(path)
        if name != BUILD_INFO_PATH and b"/work/" in data and (found := _BUILD.search(data)):
            building.setdefault(found[0].decode(), []).append(name)
        if (
            text
            and PREFIX.encode() in data
            and (found := _PREFIX.search(data))
            and not any(fnmatchcase(name, pattern) for pattern in allowed)
        ):
            line = data.count(b"\n", 0, found.start()) + 1
            yield error(
                f"line {line} names the build prefix {PREFIX}: {_line(data, found.start())}",
                file=name,
                hint="the relocate step rewrites files that programs read: add this one, or a row of scrub.toml",
            )
    for folder, files in sorted(building.items()):
        yield from shared_by(
            f"it names {folder}, a folder of the build", files, hint="see -ffile-prefix-map and the relocate step"
        )


def _data(path: Path) -> tuple[bytes, bool]:
    """A file's bytes without debug information, and whether it is text."""
    if is_elf(path):
        return loaded_bytes(path), False
    with path.open("rb") as file:
        data = file.read(_TEXT_LIMIT)
    return data, b"\0" not in data and path.suffix != ".pyc"


def _line(data: bytes, place: int) -> str:
    start = data.rfind(b"\n", 0, place) + 1
    return data[max(start, place - 40) : place + 60].split(b"\n")[0].decode("utf-8", "replace").strip()
