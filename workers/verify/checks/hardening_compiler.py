"""The compiler's guards are in the code, not only on its command line: stack protector and fortified functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import guards
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_HINT = "the flag was not given, or does not reach the compiler: see CFLAGS_NODIST in the log of the pass"


def look(subject: Subject) -> Iterator[Finding]:
    """What executable and libpython call when a guard trips, for every guard that our flags ask for."""
    words = " ".join(subject.build.configure.make).split()
    asked = [guard for guard in guards() if any(word.partition("=")[2] == guard.flag or word == guard.flag for word in words)]
    for path in (f"bin/{subject.build.executable}", f"lib/{subject.build.soname}"):
        found = subject.symbols.get(path)
        for guard in asked if found else ():
            if found and not any(guard.matches(name) for name in found.wanted):
                message = f"it calls no {' or '.join(guard.calls)}, as code that is compiled with {guard.flag} does"
                yield error(message, file=path, hint=_HINT)
    for flag in sorted({guard.flag for guard in guards() if guard.always} - {guard.flag for guard in asked}):
        yield error(f"the build was not told {flag}", hint="see flags.toml")
