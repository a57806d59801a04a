"""What the standard library has of the distro works: compression, hashes, TLS and its authorities, SQLite, ctypes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Smoke
from workers.verify.findings import error
from workers.verify.probe import ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_AUTHORITIES = "ca-certificates"  # what the package is called on Debian, Ubuntu, Fedora, Enterprise Linux and Alpine alike


def look(subject: Subject) -> Iterator[Finding]:
    """Round trips that must succeed, and versions that must be those of the metadata."""
    build = subject.build
    smoke = ask(subject.in_runtime, [subject.python, script("smoke.py")], Smoke)
    for name, problem in sorted(smoke.results.items()):
        if problem:
            yield error(
                f"{name.replace('_', ' ')}: {problem}",
                hint="see the trial of that name in probes/smoke.py, and the module's packages in capabilities.toml",
            )
    for name, told, written in (("OpenSSL", smoke.openssl, build.openssl), ("SQLite", smoke.sqlite, build.sqlite)):
        if told != written:
            yield error(
                f"{name} is '{told}' when it runs, and '{written}' in the metadata",
                hint="the distro was updated since it was built: `farm refresh` says whether the cell is stale",
            )
    if smoke.authorities == 0 and smoke.openssl and any(package.name == _AUTHORITIES for package in build.runtime):
        hint = "OpenSSL looks in its own folder: see ssl.get_default_verify_paths()"
        yield error(f"{_AUTHORITIES} is installed and TLS trusts no authority", hint=hint)
