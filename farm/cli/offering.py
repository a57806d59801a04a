"""How every verb that drives a run publishes: by itself, or not at all because a `farm publisher` does."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from farm.dispatch.offer import publisher, relister
from farm.publish.second import agree
from farm.sign.keys import signing
from farm.store.open import base_url

if TYPE_CHECKING:
    from farm.dispatch.drive import Relist
    from farm.dispatch.settle import Publish
    from farm.settings import Settings
    from farm.store.protocol import Measured


def publishing(settings: Settings, store: Measured) -> tuple[Publish | None, Relist]:
    """What publishes, and what lists again what is published. Raises BadInput for a signing key that is none."""
    if settings.publisher == "service":
        return None, attrgetter("published")
    where, signer = base_url(settings), signing(settings)
    return publisher(store, where, signer, agree if settings.second_verifier else None), relister(store, where, signer)
