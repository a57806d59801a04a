"""Judging a web server that embeds the Python under test: what the site that it serves says of its process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workers.verify.facts import Asked
from workers.verify.findings import error
from workers.verify.probe import ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farm.store.artifact import Finding
    from workers.verify.facts import Site
    from workers.verify.subject import Subject

_PARSED = 1000


@dataclass(frozen=True)
class Mode:
    """One way in which the server runs the site: what it is called, the url that is served so, and the process group of
    mod_wsgi that must answer there; '' is the server's own process.
    """

    name: str
    url: str
    group: str = ""


def served(subject: Subject, modes: Sequence[Mode]) -> Iterator[Finding]:
    """Ask each url; the server must have been started. Hints say what to look at, the caller adds the server's log."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    answers = ask(subject.in_builder, [python, script("asking.py"), *(mode.url for mode in modes)], Asked).answers
    for mode in modes:
        site = answers.get(mode.url)
        if site is None or site.error:
            said = site.error if site else "it was not asked"
            yield error(f"in {mode.name} mode the site does not answer: {said}", hint="see what probes/site.wsgi imports")
        else:
            yield from _judged(subject, mode, site)


def _judged(subject: Subject, mode: Mode, site: Site) -> Iterator[Finding]:
    where, root = f"in {mode.name} mode", subject.builder_root
    library = f"{root}/lib/{subject.build.soname}"
    if site.group != mode.group:
        message = f"{where} the process group is '{site.group}', and not '{mode.group}': another process answered"
        yield error(message, hint="see WSGIDaemonProcess and process-group in probes/httpd.conf")
    if site.prefix != root:
        yield error(f"{where} the site says that its prefix is '{site.prefix}', and not {root}", hint=_PREFIX)
    if site.parsed != _PARSED:
        message = f"{where} pyexpat parsed {site.parsed} elements of {_PARSED}: another expat got in its way"
        yield error(message, hint="pyexpat must NEED the distro's libexpat: see system-expat in configure.toml")
    if not any("/libexpat" in path for path in site.mapped):
        message = f"{where} no expat of the distro is in the process: a clash with it could not show"
        yield error(message, hint="pyexpat has its own expat in it: see system-expat in configure.toml")
    pythons = [path for path in site.mapped if "/libpython" in path]
    if pythons != [library]:
        message = f"{where} the process has {', '.join(pythons) or 'no libpython'}, and not {library} alone"
        yield error(message, hint="the server was linked with LD_RUN_PATH: compare `readelf -d` of it or of its module")


_PREFIX = "libpython finds it from its own place: see the patches embed-prefix-*"
