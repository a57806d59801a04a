"""`farm pins update`: new releases of Python, fetched, verified and pinned without a programmer."""

from __future__ import annotations

import sys
import tempfile
from importlib import resources
from pathlib import Path

import click

from farm.errors import BadInput, Transient
from farm.plan.facts import load_facts
from farm.plan.pins import inserted
from farm.plan.suggest import did_you_mean
from farm.settings import Settings
from farm.wire import child
from farm.wire.pins import NEW_SOURCES, NewSource

_FILE = "sources.toml"
EXIT_NEWER = 1


@click.group()
def pins() -> None:
    """Which releases of Python the farm knows."""


@pins.command()
@click.argument("series", nargs=-1)
@click.option("--check", is_flag=True, help="Only look: exit 1 when something newer exists.")
@click.option("--ours", is_flag=True, help="Write into the farm's own data, not into your facts folder.")
def update(series: tuple[str, ...], check: bool, ours: bool) -> None:
    """Look for newer releases of SERIES (all known ones), verify their bytes, and pin them.

    python.org's release list is asked, or the index of sources of this host's apt mirror where that is all there is. A sigstore
    bundle that python.org names is verified where the Python package sigstore is installed. Rows are written to sources.toml in
    the folder that FARM_FACTS names.
    """
    settings = Settings()
    facts = load_facts(settings.facts)
    for name in series:
        if name not in facts.series:
            raise BadInput(f"there are no facts for Python {name}{did_you_mean(name, facts.series)}", hint="see pythons.toml")
    target = None if check else _target(settings, ours=ours)
    found = child.ask("pins", [*series, *(["--look"] if check else [])], NEW_SOURCES.validate_json, quiet=False)
    for one in found:
        newest = facts.newest(".".join(one.version.split(".")[:2]))
        click.echo(f"{one.version} is out ({one.where}); the newest known is {newest or 'none'}")
        if one.signature:
            click.echo(f"  {one.signature}")
    if not found:
        click.echo("nothing newer than what is pinned")
    if found and check:
        sys.exit(EXIT_NEWER)
    pinned = tuple(one for one in found if one.row)
    if pinned and target:
        _write(target, pinned, overlay=None if ours else target.parent)
        click.echo(f"{len(pinned)} {'row' if len(pinned) == 1 else 'rows'} written to {target}")
    if troubles := [f"{one.version} is not pinned: {one.trouble}" for one in found if one.trouble]:
        raise Transient("\n".join(troubles), hint="no row is written whose bytes were not verified")


def _target(settings: Settings, *, ours: bool) -> Path:
    if ours:
        return Path(str(resources.files("farm.data").joinpath(_FILE)))
    if settings.facts is None:
        raise BadInput("there is no facts folder to write to", hint="name one in FARM_FACTS, or say --ours or --check")
    return settings.facts / _FILE


def _write(target: Path, found: tuple[NewSource, ...], overlay: Path | None) -> None:
    """Put the rows into the file, whole or not at all; a file that would not load is put back."""
    before = target.read_bytes() if target.exists() else None
    text = (before or b"").decode("utf-8")
    for one in found:
        if one.row:
            text = inserted(text, one.version, one.row)
    _replace(target, text.encode())
    try:
        load_facts(overlay)
    except BadInput:
        if before is None:
            target.unlink()
        else:
            _replace(target, before)
        raise


def _replace(target: Path, data: bytes) -> None:
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".pins-", delete=False) as file:
            file.write(data)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(target)
    except OSError as error:
        raise BadInput(f"{target} cannot be written: {error.strerror}", hint="name a folder that you may write") from None
