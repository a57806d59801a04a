"""How every verb that drives a run publishes: by itself, or not at all because a `farm publisher` does."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from farm.dispatch.relist import relister
from farm.sign.keys import signing
from farm.store.open import base_url

if TYPE_CHECKING:
    from farm.dispatch.known import Relist
    from farm.dispatch.settle import Publish
    from farm.settings import Settings
    from farm.store.protocol import Measured, Store


def publishing(settings: Settings, store: Measured) -> Publish | None:
    """What publishes; None where a `farm publisher` does. Raises BadInput for a signing key that is none."""
    if settings.publisher == "service":
        return None
    from farm.dispatch import offer  # noqa: PLC0415 - it takes long to load where everything is published
    from farm.publish.second import agree  # noqa: PLC0415 - as above

    return offer.publisher(store, base_url(settings), signing(settings), agree if settings.second_verifier else None)


def relisting(settings: Settings, store: Store) -> Relist:
    """What lists again what is published already. Raises BadInput for a signing key that is none."""
    if settings.publisher == "service":
        return attrgetter("published")
    return relister(store, base_url(settings), signing(settings))
