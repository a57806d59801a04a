"""CMake's FindPython finds the moved Python for embedding, and what it builds runs without a word of help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error, quoted
from workers.verify.probe import PROBES, SCRATCH, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_BUILD = 'cmake -S "$1" -B "$2" "-DWANTED=$3" "-DPython_ROOT_DIR=$4" -DPython_FIND_STRATEGY=LOCATION && cmake --build "$2"'
_LIBRARY = "-- farm library="

_PREFIX = "libpython finds it from its own place: see the patches embed-prefix-*, and `ldd` of the program"


def look(subject: Subject) -> Iterator[Finding]:
    """Told nothing but the root of the tree."""
    root, folder = subject.builder_root, f"{SCRATCH}/cmade"
    argv = ["sh", "-c", _BUILD, "build", PROBES, folder, subject.build.python.partition("rc")[0], root]
    built = run(subject.in_builder, argv)
    if not built.ok:
        yield error(f"CMake does not build it: {quoted(built.output)}", hint="see Python_LIBRARIES in FindPython's manual")
        return
    found = [line.removeprefix(_LIBRARY) for line in built.output.splitlines() if line.startswith(_LIBRARY)]
    if not all(library.startswith(f"{root}/lib/") for library in found) or not found:
        yield error(
            f"CMake found {', '.join(found) or 'no library'}, which is not in {root}/lib",
            hint="FindPython goes by sysconfig and python3-config: see moved.sysconfig",
        )
    ran = run(subject.in_builder, [f"{folder}/cmade"])
    if f"prefix={root}" not in ran.output.splitlines():
        yield error(f"the program that CMake built says '{quoted(ran.output)}', and not its prefix {root}", hint=_PREFIX)
