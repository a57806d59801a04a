"""`python -m workers pins`: look for new releases, fetch and verify them, and print the rows that pin them as JSON."""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
from dataclasses import asdict
from typing import TYPE_CHECKING

from farm.errors import EXIT_OK, FarmError, Transient
from farm.plan.facts import load_facts
from farm.plan.rows import SourceRow
from farm.settings import Settings
from farm.wire.pins import NEW_SOURCES, NewSource
from workers.build.mirror import mirror_roots
from workers.build.sources import fetch
from workers.pins import debian, python_org
from workers.pins.release import Release, newer
from workers.pins.signature import look_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from farm.plan.facts import Facts


def pins(arguments: Sequence[str]) -> int:
    """Look for new releases of the series named in the arguments, of all known ones if none is.

    Prints a list of NewSource and gives 0; or prints {"error": Failure} and gives that error's exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m workers pins")
    parser.add_argument("series", nargs="*")
    parser.add_argument("--look", action="store_true", help="only look; fetch nothing")
    chosen = parser.parse_args(arguments)
    settings = Settings()
    try:
        facts = load_facts(settings.facts)
        series = tuple(chosen.series) or tuple(facts.series)
        releases = newer(everywhere(facts, series, settings, _say), facts, series)
        found = tuple(_found(one, facts, settings, look=chosen.look) for one in releases)
    except FarmError as error:
        sys.stdout.write(json.dumps({"error": asdict(error.failure("pins"))}) + "\n")
        return error.exit_code
    sys.stdout.write(NEW_SOURCES.dump_json(found).decode() + "\n")
    return EXIT_OK


def _found(release: Release, facts: Facts, settings: Settings, *, look: bool) -> NewSource:
    """A release with its row; one whose bytes cannot be had must not keep the others from being pinned."""
    version, where = str(release.version), release.where
    if look:
        return NewSource(version=version, where=where)
    try:
        seen = look_at(release, facts.signers.values(), settings)
        row = pinned(release, settings, _say, signed_by=seen.signed_by)
        return NewSource(version=version, where=where, row=row, signature=seen.said)
    except FarmError as error:
        return NewSource(version=version, where=where, trouble=f"{error.message}\n  hint: {error.hint}")


def everywhere(facts: Facts, series: tuple[str, ...], settings: Settings, on_line: Callable[[str], None]) -> list[Release]:
    """Every release that python.org lists; where it does not answer, every one that this host's mirror has the source of.

    Raises Transient when neither answers, BadInput when the mirror's signature cannot be checked.
    """
    try:
        return list(python_org.releases(series, settings))
    except Transient as trouble:
        on_line(f"{trouble.message}; asking the apt mirror")
    roots = mirror_roots(settings)
    found: list[Release] = []
    indexes = dict.fromkeys((distro.facts.newest_suites, distro.facts.keyring) for distro in facts.distros.values())
    for suites, keyring in indexes:
        found += debian.releases(roots, suites, keyring, settings)
    if not found:
        raise Transient("neither python.org nor an apt mirror lists releases of Python", hint="FARM_APT_MIRROR names a mirror")
    return found


def pinned(release: Release, settings: Settings, on_line: Callable[[str], None], *, signed_by: str) -> SourceRow:
    """The row of a release whose bytes were fetched and are those that the place tells. Raises FarmError."""
    source = release.source
    epoch = newest_time(fetch(source, settings, on_line))
    return SourceRow(
        file=source.file, sha256=source.sha256, path=source.path, pool=source.pool, epoch=epoch, signed_by=signed_by
    )


def newest_time(archive: Path) -> int:
    """The newest modification time in a source archive, in seconds: SOURCE_DATE_EPOCH of its builds."""
    try:
        with tarfile.open(archive) as tar:
            return max(int(member.mtime) for member in tar)
    except (tarfile.TarError, ValueError) as error:
        raise Transient(
            f"{archive.name} is no source archive: {error}", hint="remove it from the cache, and try again"
        ) from error


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
