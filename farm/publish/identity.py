"""Which build id a build gets: decided once for a cell, recipe and inputs, and never shared by two builds."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field

from farm.errors import Conflict, StoreUnavailable
from farm.plan.options import CHANNELS
from farm.store import catalog, keys
from farm.store.artifact import Model

if TYPE_CHECKING:
    from datetime import date

    from farm.plan.cell import Cell
    from farm.store.protocol import Store

_RACES = 50
_ID_LENGTH = 10
_NOBODY = "0" * _ID_LENGTH


class Claim(Model):
    """Who holds a recipe and inputs of a cell: a build id, and the digest of the archives that may take it."""

    build_id: str = Field(pattern=r"^\d{10}$")
    content: str


def settle(store: Store, cell: Cell, recipe: str, inputs: str, content: str, today: date) -> str:
    """The build id for archives of this content.

    An earlier try with the same bytes is gone on with. One with other bytes, which was never published, gives up the claim:
    its id stays reserved, so that what it may have written is never overwritten.
    """
    key = keys.claim(cell, recipe, inputs)
    for _ in range(_RACES):
        held = catalog.load(store, key, Claim)
        if held and held[0].content == content:
            return held[0].build_id
        if held:
            _check_unpublished(store, cell, recipe, inputs, held[0].build_id)
        claim = Claim(build_id=_reserve(store, cell, today), content=content).model_dump_json().encode()
        try:
            store.put(key, claim, if_absent=not held, if_match=held[1] if held else "")
        except Conflict:
            continue
    raise StoreUnavailable(f"the claim {key} changes too often in the store {store.name}", hint="run it again")


def _check_unpublished(store: Store, cell: Cell, recipe: str, inputs: str, build_id: str) -> None:
    """Asked by name, because a listing may be old. Raises StoreUnavailable: what is published is never built a second time."""
    for channel in CHANNELS:
        if store.get(keys.published(cell, build_id, recipe, inputs, channel).key):
            raise StoreUnavailable(
                f"{cell} was published as {build_id}, and the listing of the store {store.name} does not show it yet",
                hint="it is tried again; `farm store check` tells whether the store's listings are old",
            )


def holds(store: Store, cell: Cell, recipe: str, inputs: str, build_id: str) -> bool:
    """Whether the claim is still held by this build id."""
    held = catalog.load(store, keys.claim(cell, recipe, inputs), Claim)
    return held is not None and held[0].build_id == build_id


def give_up(store: Store, cell: Cell, recipe: str, inputs: str, build_id: str) -> None:
    """Let the next try take another build id: under this one lies what could neither be published nor overwritten."""
    key = keys.claim(cell, recipe, inputs)
    held = catalog.load(store, key, Claim)
    if held and held[0].build_id == build_id:
        _free(store, key, held[1])


def take_back(store: Store, prefix: str, build_id: str) -> None:
    """Let nobody go on publishing under a build id: no claim with this prefix is held by it any more. The id stays reserved."""
    for stat in list(store.list(prefix)):
        if "." not in stat.key.rpartition("/")[2]:
            continue
        held = catalog.load(store, stat.key, Claim)
        if held and held[0].build_id == build_id:
            _free(store, stat.key, held[1])


def _free(store: Store, claim: str, etag: str) -> None:
    with suppress(Conflict):
        store.put(claim, Claim(build_id=_NOBODY, content="").model_dump_json().encode(), if_match=etag)


def next_id(used: set[str], today: date) -> str:
    """`YYYYMMDDNN`, above all that were used, even if the clock went back."""
    first = f"{today:%Y%m%d}01"
    return max(first, f"{int(max(used)) + 1:010}") if used else first


def _reserve(store: Store, cell: Cell, today: date) -> str:
    for _ in range(_RACES):
        used = {build.build_id for build in catalog.published(store, cell)}
        names = (stat.key.rpartition("/")[2] for stat in store.list(keys.reservations(cell)))
        build_id = next_id(used | {name for name in names if len(name) == _ID_LENGTH and name.isdecimal()}, today)
        try:
            store.put(keys.reservation(cell, build_id), b"", if_absent=True)
        except Conflict:
            continue
        return build_id
    raise StoreUnavailable(f"no free build id was found for {cell} in the store {store.name}", hint="run it again")
