"""The distro's own Python of the same series and ours are one ABI: each installs and imports what pip built with the other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.verify import wheels
from workers.verify.expected import suffix_apart
from workers.verify.facts import Exchange
from workers.verify.findings import error
from workers.verify.probe import SOURCES, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.facts import Way
    from workers.verify.subject import Subject

_FOLDER = "/tmp/exchange"  # noqa: S108 - inside the box, where nothing else can be written
_SEALED = {"HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108 - the same
_HINT = "configure.toml and environment.toml have what is part of the ABI"


def look(subject: Subject) -> Iterator[Finding]:
    """Both ways; the tags by which pip decides; and the width of characters, which before 3.3 is a choice of configure's."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    names = json.dumps(list(wheels.wheels(subject.build, subject.version, "setuptools")))
    argv = [python, script("exchange.py"), subject.distro_python, _FOLDER, f"{SOURCES}/{wheels.FOLDER}", names]
    told = ask(subject.twin("distro"), argv, Exchange, env=_SEALED)
    apart = suffix_apart(subject.version)
    names_apart = {"suffix", "soabi"} if apart else set()
    for name in ("soabi", "suffix", "maxunicode"):
        ours, theirs = getattr(told.ours, name), getattr(told.theirs, name)
        if ours != theirs and name not in names_apart:
            yield error(f"{name} is {ours!r}, and {theirs!r} in the distro's {told.theirs.version}", hint=_HINT)
    if told.to_theirs.wheel != told.to_ours.wheel and not (told.to_theirs.error or told.to_ours.error):
        yield error(
            f"a wheel is called {told.to_theirs.wheel}, and {told.to_ours.wheel} where the distro's builds it", hint=_HINT
        )
    yield from _wrong(told.to_theirs, "an extension built with it, in the distro's Python")
    if not apart:
        yield from _wrong(told.to_ours, "an extension built with the distro's Python, in it")


def _wrong(way: Way, what: str) -> Iterator[Finding]:
    if way.error:
        yield error(f"{what} fails at the step '{way.step}': {way.error}", hint=_HINT)
