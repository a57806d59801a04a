"""CMake's FindPython finds the moved Python for embedding, and what it builds runs without a word of help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import names_of
from workers.verify.findings import error, quoted
from workers.verify.probe import PROBES, SCRATCH, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_BUILD = """cmake -S "$1" -B "$2" "-DPACKAGE=$5" "-DWANTED=$3" "-D$5_ROOT_DIR=$4" "-D$5_FIND_STRATEGY=LOCATION" &&
cmake --build "$2\""""
_LIBRARY = "-- farm library="

_PREFIX = "libpython finds it from its own place: see the patches embed-prefix-*, and `ldd` of the program"


def look(subject: Subject) -> Iterator[Finding]:
    """Told nothing but the root of the tree."""
    root, folder = subject.builder_root, f"{SCRATCH}/cmade"
    version, package = subject.build.python.partition("rc")[0], names_of(subject.build).cmake
    argv = ["sh", "-c", _BUILD, "build", PROBES, folder, version, root, package]
    built = run(subject.in_builder, argv)
    if not built.ok:
        yield error(
            f"CMake does not build it: {quoted(built.output)}", hint=f"see {package}_LIBRARIES in the manual of Find{package}"
        )
        return
    found = [line.removeprefix(_LIBRARY) for line in built.output.splitlines() if line.startswith(_LIBRARY)]
    if not all(library.startswith(f"{root}/lib/") for library in found) or not found:
        yield error(
            f"CMake found {', '.join(found) or 'no library'}, which is not in {root}/lib",
            hint="it goes by names in lib/ and include/ and by patchlevel.h: see `cmake --debug-find`",
        )
    ran = run(subject.in_builder, [f"{folder}/cmade"])
    if f"prefix={root}" not in ran.output.splitlines():
        yield error(f"the program that CMake built says '{quoted(ran.output)}', and not its prefix {root}", hint=_PREFIX)
