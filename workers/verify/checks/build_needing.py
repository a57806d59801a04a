"""An extension that NEEDs libpython imports: the executable finds libpython beside itself, wherever the tree lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Extensions
from workers.verify.findings import error
from workers.verify.probe import SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_HINTS = {
    "link": "finish.sh makes a link to libpython in LIBPL; LIBDIR has the one of `make install`",
    "import": "the executable needs a DT_RPATH (no DT_RUNPATH) of $ORIGIN/../lib: see LINKFORSHARED in make.toml",
}


def look(subject: Subject) -> Iterator[Finding]:
    """Linked with LIBDIR as some packages do, and with LIBPL as Vim's configure does."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    argv = [python, script("needing.py"), script("extension.c"), f"{SCRATCH}/needing"]
    found = ask(subject.in_builder, argv, Extensions)
    if not found.results:
        yield error("no extension was tried", hint="see probes/needing.py: its answer names none")
    for place, built in found.results.items():
        if built.error:
            yield error(
                f"an extension that NEEDs libpython, found by {place}, fails at the step '{built.step}': {built.error}",
                hint=_HINTS.get(built.step, "see CC, CFLAGS, LDSHARED in sysconfig"),
            )
        elif subject.build.soname not in built.needed:
            yield error(
                f"an extension that is linked with {place} NEEDs {', '.join(built.needed)}, and not {subject.build.soname}",
                hint="see what lies in that folder: a static library that is not ours, or another Python's",
            )
