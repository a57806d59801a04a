"""pip of the moved tree installs wheels without a network: a pure one, and one with the tags that binary wheels for it have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import names_of
from workers.verify.facts import Environments
from workers.verify.findings import error
from workers.verify.probe import SCRATCH, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

WAYS = ("any", "tagged")

_HINT = "see the tags of `python -m pip debug --verbose`: SOABI and the platform decide them"


def look(subject: Subject) -> Iterator[Finding]:
    """Into a folder, with the pip that CPython bundles, however old that is."""
    argv = [subject.python, script("install.py"), f"{SCRATCH}/pip", "/work/wheels", names_of(subject.build).wheel]
    found = ask(subject.in_runtime, argv, Environments).results
    for way in WAYS:
        if way not in found:
            yield error(f"the wheel '{way}' was not tried", hint="see probes/install.py: its answer lacks the wheel")
        elif found[way].error:
            yield error(f"with the wheel '{way}' pip fails at the step '{found[way].step}': {found[way].error}", hint=_HINT)
