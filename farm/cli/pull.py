"""`farm pull`: a Python from a store into a folder."""

from __future__ import annotations

import json
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from farm.errors import BadInput
from farm.plan.cell import VARIANTS
from farm.plan.facts import load_facts
from farm.pull import fetch, runtime
from farm.pull.place import holds, place
from farm.pull.want import Want, arch_of, choose, distro_of, distros
from farm.settings import Settings
from farm.sign.keys import trusted
from farm.store.open import open_reader

if TYPE_CHECKING:
    from farm.index.model import Entry
    from farm.plan.facts import Facts

OS_RELEASE = Path("/etc/os-release")
AUTO = "auto"


@click.command()
@click.argument("python")
@click.option("--to", "target", required=True, type=click.Path(path_type=Path), help="Folder to install into.")
@click.option("--distro", default=AUTO, show_default=True, help="Distro, e.g. debian13; auto reads /etc/os-release.")
@click.option("--arch", default=AUTO, show_default=True, help="Arch, e.g. amd64; auto is this machine's.")
@click.option("--variant", default="default", show_default=True, type=click.Choice(VARIANTS), help="Variant.")
@click.option("--channel", default="stable", show_default=True, help="Channel to follow.")
@click.option("--exact", default="", metavar="BUILD", help="This build id, even if there is a newer one, or it was yanked.")
@click.option("--from", "source", default="", metavar="ADDRESS", help="Store: https://…, s3://… or a folder; else FARM_STORE.")
@click.option(
    "--key",
    "key",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with the public keys to trust; else FARM_TRUSTED_KEYS. Without either, no signature is checked.",
)
@click.option("--max-age", type=click.IntRange(min=1), metavar="DAYS", help="Refuse a channel last changed before that.")
@click.option("--offline", is_flag=True, help="Use only what was fetched before.")
@click.option(
    "--with-runtime",
    "packages",
    is_flag=False,
    flag_value="print",
    type=click.Choice(["print", "install"]),
    help="Print, or install, the distro packages that are missing here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def pull(  # noqa: PLR0913 - one parameter per option
    python: str,
    *,
    target: Path,
    distro: str,
    arch: str,
    variant: str,
    channel: str,
    exact: str,
    source: str,
    key: Path | None,
    max_age: int | None,
    packages: str | None,
    offline: bool,
    as_json: bool,
) -> None:
    """Install the newest PYTHON, e.g. 3.13 or 3.13.5, into a folder. Nothing that fails its hash is unpacked."""
    settings = Settings()
    facts = load_facts(settings.facts)
    store = fetch.Kept(open_reader(settings, source), settings.cache / "pull", offline=offline)
    keyring = key or settings.trusted_keys
    where = fetch.pointer(store, channel, trusted(keyring) if keyring else {})
    if max_age is not None:
        fetch.check_age(where, max_age, datetime.now(UTC))
    distro = distro_of(_os_release(), distros(where)) if distro == AUTO else distro
    wanted = Want(python, distro, arch_of(platform.machine() if arch == AUTO else arch, facts.arches), variant, exact)
    entry = choose(fetch.entries(store, where, distro, exact), wanted)
    target = target.expanduser().absolute()
    there = holds(target, entry)
    if not there:
        listed = fetch.installable(entry)
        place(store.archive(listed), listed.format, target)
    absent = _packages(entry, distro, facts, packages) if packages else []
    if as_json:
        said = {
            "cell": entry.cell,
            "build_id": entry.build_id,
            "to": str(target),
            "changed": not there,
            "missing": absent,
            "signed": bool(keyring),
        }
        click.echo(json.dumps(said, indent=2))
        return
    click.echo(f"{entry.cell}, build {entry.build_id}, {'was already' if there else 'is'} in {target}")
    if entry.yanked:
        click.secho(f"warning: this build was yanked: {entry.yanked}", err=True, fg="yellow")
    if absent:
        click.echo(f"missing packages: {runtime.command(absent, facts.distros[distro].family)}")


def _packages(entry: Entry, distro: str, facts: Facts, how: str) -> list[str]:
    """The missing ones, installed if that was asked for: what is still missing afterwards."""
    if distro not in facts.distros:
        raise BadInput(f"nothing is known of {distro} here", hint=f"it needs {' '.join(entry.runtime)}")
    family = facts.distros[distro].family
    absent = runtime.missing(entry.runtime, family)
    if absent and how == "install":
        runtime.install(absent, family)
        absent = runtime.missing(entry.runtime, family)
    return absent


def _os_release() -> str:
    try:
        return OS_RELEASE.read_text(errors="replace")
    except OSError as error:
        raise BadInput(f"{OS_RELEASE} cannot be read: {error.strerror}", hint="say which one with --distro") from error
