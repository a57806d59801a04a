"""What is typed at a terminal arrives: arrow keys, backspace and wide characters, in readline, curses and the interpreter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Behaviour
from workers.verify.findings import error
from workers.verify.probe import ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """On a pseudo-terminal that behaves as xterm does."""
    results = ask(subject.in_runtime, [subject.python, script("terminal.py")], Behaviour).results
    if not results:
        yield error("nothing was typed", hint="see probes/terminal.py: its answer names no trial")
    for name, problem in sorted(results.items()):
        if problem:
            yield error(f"typing at {name}: {problem}", hint="see the distro's readline, ncurses and terminfo")
