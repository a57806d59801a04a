"""`farm clean`: logs and staged files that were kept long enough leave the store."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from farm.cli.opening import opened
from farm.dispatch.retention import UPLOAD_AGE, find
from farm.settings import Settings

if TYPE_CHECKING:
    from farm.store.folder import FolderStore
    from farm.store.s3 import S3Store

_MB = 1 << 20


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def clean(*, dry_run: bool, as_json: bool) -> None:
    """Remove logs and staged files of runs that ended, beyond the limits FARM_KEEP_*. Made for a timer.

    What is published stays, and so does what each run was asked for and came to.
    """
    settings = Settings()
    store = opened(settings)
    now = datetime.now(UTC)
    found = find(store, settings, now)
    for objects in found.values():
        for one in objects:
            if dry_run and not as_json:
                click.echo(f"{one.stat.key}: {one.why}")
            elif not dry_run:
                store.delete(one.stat.key)
    uploads = 0 if dry_run else _drop_uploads(store, now)
    told = {
        what: {"objects": len(some), "mb": round(sum(one.stat.size for one in some) / _MB, 1)} for what, some in found.items()
    }
    if as_json:
        click.echo(json.dumps({"removed": not dry_run, "unfinished_uploads": uploads} | told, indent=2))
        return
    for what, count in told.items():
        click.echo(f"{what}: {count['objects']} objects, {count['mb']} MB {'would go' if dry_run else 'removed'}")
    if uploads:
        click.echo(f"uploads: {uploads} unfinished for a day, dropped")


def _drop_uploads(store: FolderStore | S3Store, now: datetime) -> int:
    """A folder has none: its half-written files go when they are found."""
    drop = getattr(store, "drop_unfinished", None)
    return int(drop("", now - UPLOAD_AGE)) if drop else 0
