"""Judging a web server that embeds the Python under test: what the site that it serves says of its process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Asked
from workers.verify.findings import error
from workers.verify.probe import ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_PARSED = 1000


def served(subject: Subject, modes: Mapping[str, str]) -> Iterator[Finding]:
    """Ask each url, by the name of its mode; the server must have been started."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    answers = ask(subject.in_builder, [python, script("asking.py"), *modes.values()], Asked).answers
    library = f"{subject.builder_root}/lib/{subject.build.soname}"
    for mode, url in modes.items():
        site = answers.get(url)
        if site is None or site.error:
            yield error(f"in {mode} mode the site does not answer: {site.error if site else 'it was not asked'}")
            continue
        if site.prefix != subject.builder_root:
            yield error(f"in {mode} mode the site says that its prefix is '{site.prefix}', and not {subject.builder_root}")
        if site.parsed != _PARSED:
            yield error(f"in {mode} mode pyexpat parsed {site.parsed} elements of {_PARSED}: another expat got in its way")
        if not any("/libexpat" in path for path in site.mapped):
            yield error(f"in {mode} mode no expat of the distro is in the process: a clash with it could not show")
        pythons = [path for path in site.mapped if "/libpython" in path]
        if pythons != [library]:
            yield error(f"in {mode} mode the process has {', '.join(pythons) or 'no libpython'}, and not {library} alone")
