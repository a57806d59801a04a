"""The scripts of bin/ find the interpreter beside them: from a path with a space, and through a link from elsewhere."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from workers.verify.elf import is_elf
from workers.verify.findings import error, quoted
from workers.verify.probe import SCRATCH, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.engine.protocol import Completed
    from workers.verify.subject import Subject

# How each script is asked for something that only the right interpreter, in the right place, can say. Globs.
_ASK = (
    ("pip*", ("--version",)),
    ("pydoc*", ("sysconfig",)),
    ("*-config", ("--prefix",)),
    ("idle*", ("-h",)),
    ("*", ("--help",)),
)
_TELLS_PLACE = ("pip*", "pydoc*", "*-config")


def look(subject: Subject) -> Iterator[Finding]:
    """Every script of bin/: links to it and copies of it are the same script, which the layout check has seen."""
    links = f"{SCRATCH}/links to scripts"
    run(subject.in_runtime, ["mkdir", "-p", links])
    for name in _scripts(subject):
        path, link = f"{subject.root}/bin/{name}", f"{links}/{name}"
        run(subject.in_runtime, ["ln", "-sf", path, link])
        for way, start in (("", path), (" through a link from elsewhere", link)):
            done = run(subject.in_runtime, [start, *_argument(name)])
            if problem := _problem(name, done, subject):
                yield error(
                    f"run{way}, it {problem}: {quoted(done.output)}",
                    file=f"bin/{name}",
                    hint="the first lines that a script starts with are written by the relocate step",
                )


def _scripts(subject: Subject) -> list[str]:
    files = [path for path in sorted((subject.tree / "bin").glob("*")) if path.is_file() and not path.is_symlink()]
    names = {path.read_bytes(): path.name for path in reversed(files) if not is_elf(path)}
    return sorted(names.values())


def _argument(name: str) -> tuple[str, ...]:
    return next(argument for pattern, argument in _ASK if fnmatchcase(name, pattern))


def _problem(name: str, done: Completed, subject: Subject) -> str:
    if not done.ok:
        # idle without the optional Tk says so, which only the right interpreter can.
        absent = any(soname in done.output for soname in subject.optional_sonames) or "can't import Tkinter" in done.output
        return "" if absent and subject.optional_sonames else f"fails with exit {done.exit_code}"
    if any(fnmatchcase(name, pattern) for pattern in _TELLS_PLACE) and subject.root not in done.output:
        return f"does not speak of {subject.root}"
    return ""
