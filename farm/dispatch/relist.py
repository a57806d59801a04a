"""Seeing to it that channels list what is published already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.index import reading
from farm.store.keys import Published

if TYPE_CHECKING:
    from farm.dispatch.known import Relist
    from farm.dispatch.records import PlannedCell
    from farm.sign.keys import Signer
    from farm.store.protocol import Store


def relister(store: Store, base_url: str, signer: Signer | None = None) -> Relist:
    """What sees to it that a cell's channel lists the build of it that is published already; gives its catalog key.

    A channel's index is read once for each distro, and written only when the build is not in it.
    """
    listed: dict[tuple[str, str], set[tuple[str, str]]] = {}

    def relist(planned: PlannedCell) -> str:
        build = Published.parse(planned.published)
        if build is None:
            return planned.published
        place = (planned.channel, build.cell.distro)
        if place not in listed:
            listed[place] = {(entry.cell, entry.build_id) for entry in reading.current(store, *place)}
        if (planned.cell, build.build_id) in listed[place]:
            return planned.published
        from farm.dispatch.offer import list_again  # noqa: PLC0415 - it takes long to load, and nearly always all is listed

        return list_again(store, planned, base_url, signer)

    return relist
