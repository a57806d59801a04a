"""The debug information that is shipped is that of these very binaries, and a debugger gets from each binary to it."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from workers.verify import elf
from workers.verify.findings import shared_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.artifact import Finding
    from workers.verify.elf import Elf
    from workers.verify.subject import Subject

_BUILD = re.compile(rb"/work/(?:src|build)(?=[/\0])")
_HINT = "see the step `split debug` in the log"


def look(subject: Subject) -> Iterator[Finding]:
    """Both ways a debugger goes, by build id and by debuglink, for every binary; and nothing that belongs to none."""
    tree = subject.companion("debugsymbols").tree
    elves = [*subject.elf.elves, *(elf.scan(subject.companion("tests").tree).elves if "tests" in subject.others else ())]
    problems: dict[str, list[str]] = {}
    for binary in elves:
        for problem in _problems(binary, tree):
            problems.setdefault(problem, []).append(binary.path)
    for problem, files in sorted(problems.items()):
        yield from shared_by(problem, files, hint=_HINT)
    told = [_name(path, tree) for path in _files(tree) if _BUILD.search(path.read_bytes())]
    yield from shared_by("it names a folder of the build", told, severity="warning", hint="see -ffile-prefix-map")
    if "tests" in subject.others:
        known = {binary.build_id for binary in elves}
        alone = [_name(path, tree) for path in _files(tree) if elf.build_id(path) not in known]
        yield from shared_by("it is debug information of no binary of this build", alone, hint=_HINT)


def _problems(binary: Elf, tree: Path) -> Iterator[str]:
    if binary.debuglink is None:
        yield "it has no debuglink, and there is an archive of debug information"
        return
    by_id = tree / "lib/debug/.build-id" / binary.build_id[:2] / f"{binary.build_id[2:]}.debug"
    by_link = tree / posixpath.dirname(binary.path) / ".debug" / binary.debuglink
    for way, path in (("build id", by_id), ("debuglink", by_link)):
        if not path.is_file():
            yield f"its debug information is not found by {way}"
        elif elf.build_id(path) != binary.build_id:
            yield f"what is found by {way} is the debug information of another binary"
        elif elf.crc32(path) != binary.debuglink_crc:
            yield f"what is found by {way} has not the checksum that the debuglink says: gdb refuses it"


def _files(tree: Path) -> Iterator[Path]:
    yield from (path for path in sorted(tree.rglob("*.debug")) if path.is_file() and not path.is_symlink())


def _name(path: Path, tree: Path) -> str:
    return path.relative_to(tree).as_posix()
