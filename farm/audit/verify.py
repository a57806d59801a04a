"""A whole store, held against itself: every hash, signature and index entry, and what nothing names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.audit import builds, channels, orphans, registry
from farm.audit.survey import Against, Survey
from farm.sign.keys import keys_in
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.sign.keys import Verifier
    from farm.store.protocol import Store


def verify(store: Store, against: Against, now: float) -> Survey:
    """What is wrong with a store; `now` is in seconds since the epoch. Changes nothing. Raises StoreUnavailable."""
    survey = Survey(store, against, now, {stat.key: stat for stat in store.list("")})
    builds.look(survey)
    channels.look(survey)
    registry.look(survey)
    orphans.look(survey)
    return survey


def own_keys(store: Store) -> Mapping[str, Verifier]:
    """The public keys that lie in the store itself: enough to find damage, and no proof of who signed."""
    found: dict[str, Verifier] = {}
    for stat in store.list(keys.public_keys()):
        if data := store.get(stat.key):
            found |= keys_in(data[0])
    return found
