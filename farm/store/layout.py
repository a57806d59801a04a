"""The object `layout`: which version of our key names a store holds. Its first writing is also the test of the store.

Everything rests on conditional writes: an attempt's fence, a build id, a channel's pointer. Some S3 servers accept the
conditions and silently ignore them, so no store is written to before it has shown that it honours them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.errors import BadInput, Conflict
from farm.store.keys import LAYOUT_KEY, LAYOUT_VERSION

if TYPE_CHECKING:
    from farm.store.protocol import Store

_CONTENT = f"{LAYOUT_VERSION}\n".encode()
_NO_ETAG = "0" * 32


def check(store: Store) -> bool:
    """Whether the store has a layout (an empty one has none). Raises BadInput when it is not one that we can read."""
    if (found := store.get(LAYOUT_KEY)) is None:
        return False
    version = found[0].decode(errors="replace").strip()
    if version != LAYOUT_VERSION:
        raise BadInput(
            f"the store {store.name} has layout '{version[:20]}', and this farm knows layout {LAYOUT_VERSION}",
            hint="a newer farm wrote it: upgrade this one, or set FARM_STORE to another place",
        )
    return True


def prepare(store: Store, *, prove: bool = True) -> None:
    """Make a store ready to be written to: layout written or checked, conditional writes proven. Raises BadInput.

    `prove` is False only where a lock stands in for the server's conditions (`farm.store.single`).
    """
    if not prove:
        if not check(store):
            store.put(LAYOUT_KEY, _CONTENT)
        return
    try:
        store.put(LAYOUT_KEY, _CONTENT, if_absent=True)
    except Conflict:
        check(store)
    _prove(store, "If-None-Match", if_absent=True)
    _prove(store, "If-Match", if_match=_NO_ETAG)


def _prove(store: Store, condition: str, *, if_absent: bool = False, if_match: str = "") -> None:
    # Writes the bytes that are there already: a store that ignores the condition comes to no harm.
    try:
        store.put(LAYOUT_KEY, _CONTENT, if_absent=if_absent, if_match=if_match)
    except Conflict:
        return
    raise BadInput(
        f"the store {store.name} ignores {condition}: it overwrote an object that it was told not to",
        hint="two publishers would destroy each other's work there. Use a server that honours conditional writes "
        "(AWS S3, Cloudflare R2, SeaweedFS 4.48 or later), or a folder; or set FARM_SINGLE_PUBLISHER=1 on every host that has "
        "the store's keys: a lock then lets one of them write at a time. `farm store check` says more",
    )
