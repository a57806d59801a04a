"""The static library and python.o are machine code for this machine, not only what a compiler keeps for itself."""

from __future__ import annotations

import mmap
from typing import TYPE_CHECKING

from workers.verify import ar
from workers.verify.elf import machine_of
from workers.verify.expected import machine
from workers.verify.findings import error, shared_by

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_MUST = ("Py_Initialize", "PyList_New", "PyRun_SimpleStringFlags", "Py_Finalize")

_LTO = (b".gnu.lto_", b".llvm.lto")  # how the names of such sections begin, e.g. ".gnu.lto_main.0"


def look(subject: Subject) -> Iterator[Finding]:
    """Every member of every .a, and the index that linkers read."""
    tree = subject.companion("static-lib").tree
    libraries = [path for path in sorted(tree.rglob("*.a")) if path.is_file()]
    if not libraries:
        yield error(
            "there is no .a in the static-lib archive",
            hint="see the step `link static` in the log, and the rows of trim.toml",
        )
    for path in libraries:
        name = path.relative_to(tree).as_posix()
        try:
            library = ar.read(path)
        except ar.Broken as broken:
            yield error(
                f"no linker can read it: {broken}",
                file=name,
                hint="finish.sh writes it anew with objcopy: see the step `split debug` in the log",
            )
            continue
        wanted = machine(subject.build.arch)
        wrong = [member for member, head in library.members if machine_of(head) != wanted]
        yield from shared_by(
            f"it is no object for {wanted}, in {name}",
            wrong,
            hint="see CC in the log of configure: it must compile for the cell's arch (cross.toml)",
        )
        if lacking := [symbol for symbol in _MUST if symbol not in library.symbols]:
            hint = "objects for link-time optimisation alone have no symbols: compile with -ffat-lto-objects"
            yield error(f"its index does not have {', '.join(lacking)}", file=name, hint=hint)
        yield from _kept(path, name)
    for path in sorted(subject.tree.glob("lib/*/config*/*.o")):
        yield from _kept(path, path.relative_to(subject.tree).as_posix())


def _kept(path: Path, name: str) -> Iterator[Finding]:
    if _holds(path, _LTO):
        hint = "only the very compiler that wrote it reads it, and others fail on it: the step `split debug` removes it"
        yield error("it holds what a compiler keeps for link-time optimisation", file=name, hint=hint)


def _holds(path: Path, texts: tuple[bytes, ...]) -> bool:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return any(data.find(text) >= 0 for text in texts)
