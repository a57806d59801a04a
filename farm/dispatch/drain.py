"""Build hosts that are granted nothing until somebody takes that back: what they build is finished, nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.store import run_keys

if TYPE_CHECKING:
    from farm.store.protocol import Store


def drain(store: Store, host: str) -> None:
    """Grant a host nothing from now on, whoever drives runs, and whatever becomes of Redis."""
    store.put(run_keys.drained(host), b"")


def undrain(store: Store, host: str) -> None:
    """Grant it cells again."""
    store.delete(run_keys.drained(host))


def drained(store: Store) -> frozenset[str]:
    """The hosts that are granted nothing."""
    return frozenset(stat.key.removeprefix(run_keys.drained()) for stat in store.list(run_keys.drained()))


def said(host: str) -> str:
    """As messages say it."""
    return f"{host} is drained: `farm drain --undo {host}` gives it cells again"
