"""Publishing what an attempt staged, and listing what is published, as the plan of its run says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from farm.dispatch.records import AttemptNote
from farm.errors import BadInput
from farm.publish.order import Order
from farm.publish.publisher import offer_again, publish
from farm.store import catalog, run_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from farm.dispatch.records import PlannedCell
    from farm.dispatch.settle import Publish
    from farm.sign.keys import Signer
    from farm.store.protocol import Measured, Store
    from farm.wire.messages import Result


def publisher(
    store: Measured, base_url: str, signer: Signer | None = None, second: Callable[[Path], None] | None = None
) -> Publish:
    """What publishes into a store whose clients reach it at `base_url`; it gives the catalog key of what it published.

    `second` is a second verifier, which raises when it does not agree.
    """

    def offer(planned: PlannedCell, staged: Result) -> str:
        order = _order(planned, base_url, signer, run=staged.run, attempt=staged.attempt)
        order = replace(order, second=second, granted=_granted(store, order))
        artifact = publish(store, staged, order, clock=_now)
        return catalog.name_of(artifact).key

    return offer


def list_again(store: Store, planned: PlannedCell, base_url: str, signer: Signer | None = None) -> str:
    """Have a cell's channel list the build of it that is published already; gives its catalog key."""
    artifact = offer_again(store, _order(planned, base_url, signer, run="", attempt=0), clock=_now)
    return catalog.name_of(artifact).key if artifact else planned.published


def _granted(store: Store, order: Order) -> datetime | None:
    """When the attempt was granted, as its note says; None when there is none, which the publisher then refuses."""
    found = catalog.load(store, run_keys.attempt(order.run, order.cell, order.attempt), AttemptNote)
    return datetime.fromtimestamp(found[0].granted, UTC) if found else None


def _now() -> datetime:
    return datetime.now(UTC)


def _order(planned: PlannedCell, base_url: str, signer: Signer | None, *, run: str, attempt: int) -> Order:
    if planned.recipe is None or planned.inputs is None:
        raise BadInput(f"{planned.cell} was planned without recipe or inputs, so nothing of it can be published")
    return Order(
        run=run,
        attempt=attempt,
        recipe=planned.recipe,
        inputs=planned.inputs.digest,
        channel=planned.channel,
        triple=planned.triple,
        base_url=base_url,
        uv=planned.uv,
        signer=signer,
    )
