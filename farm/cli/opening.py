"""How every verb opens the store: what a killed run left behind is cleared first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from farm.dispatch import leftover
from farm.store import scratch
from farm.store.open import open_store

if TYPE_CHECKING:
    from farm.settings import Settings
    from farm.store.folder import FolderStore
    from farm.store.s3 import S3Store


def opened(settings: Settings) -> FolderStore | S3Store:
    """The store of the settings. Raises BadInput, StoreUnavailable."""
    scratch.sweep()
    store = open_store(settings)
    for run in leftover.clear(settings, store):
        click.echo(f"run {run} did not end in order: what it left behind is removed", err=True)
    return store
