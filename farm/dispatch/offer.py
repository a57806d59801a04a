"""Publishing what an attempt staged, as the plan of its run says."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from farm.errors import BadInput
from farm.publish.order import Order
from farm.publish.publisher import publish
from farm.store import catalog

if TYPE_CHECKING:
    from farm.dispatch.journal import PlannedCell
    from farm.dispatch.settle import Publish
    from farm.store.protocol import Store
    from farm.wire.messages import Result


def publisher(store: Store, base_url: str) -> Publish:
    """What publishes into a store whose clients reach it at `base_url`; it gives the catalog key of what it published."""

    def offer(planned: PlannedCell, staged: Result) -> str:
        if planned.recipe is None or planned.inputs is None:
            raise BadInput(f"{planned.cell} was planned without recipe or inputs, so nothing of it can be published")
        order = Order(
            run=staged.run,
            attempt=staged.attempt,
            recipe=planned.recipe,
            inputs=planned.inputs.digest,
            channel=planned.channel,
            triple=planned.triple,
            base_url=base_url,
            uv=planned.uv,
        )
        artifact = publish(store, staged, order, clock=lambda: datetime.now(UTC))
        return catalog.name_of(artifact).key

    return offer
