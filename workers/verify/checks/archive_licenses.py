"""The licence texts are in the archive: CPython's own, that of the code it took over, and those of libraries of our own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import BuildInfo, Finding
    from workers.verify.subject import Subject

_FOLDER = "share/python-farm/licenses"
_HINT = "finish.sh and library.sh of the build put them there; who passes an archive on has to pass them on too"


def look(subject: Subject) -> Iterator[Finding]:
    """Each text that must be there is a file, and not an empty one."""
    for path, whose in _texts(subject.build).items():
        text = subject.tree / path
        if not text.is_file():
            yield error(f"the licence of {whose} is not there", file=path, hint=_HINT)
        elif not text.stat().st_size:
            yield error(f"the licence of {whose} is empty", file=path, hint=_HINT)


def _texts(build: BuildInfo) -> dict[str, str]:
    """Where each licence lies, and of what it is."""
    return {
        f"lib/{build.lib}/LICENSE.txt": "CPython",
        f"{_FOLDER}/cpython-incorporated.rst": "what CPython took over from others",
        **{f"{_FOLDER}/{library.name}.txt": f"{library.name} in lib/private" for library in build.libraries},
    }
