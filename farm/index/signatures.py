"""What of a channel is signed: its pointer, which vouches for all that it lists, and the checksums for people."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from farm.errors import BadInput, Conflict
from farm.sign import envelope
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from farm.sign.keys import Signer
    from farm.store.protocol import Store


def check_signer(store: Store, channel: str, signer: Signer | None) -> None:
    """Raise BadInput when this channel is signed and there is no key to sign it with: its readers would see no change."""
    if signer is None and store.get(keys.signed_pointer(channel)) is not None:
        raise BadInput(f"the channel '{channel}' is signed, and there is no key here", hint="set FARM_SIGNING_KEY")


def write(store: Store, channel: str, distro: str, signer: Signer) -> None:
    """One try to sign what the channel says now. Raises Conflict when somebody else did meanwhile."""
    with suppress(Conflict):
        if store.get(public := keys.public_key(signer.verifier.id)) is None:
            store.put(public, signer.verifier.pem, if_absent=True)
    pointer = keys.channel_pointer(channel)
    _sign(store, pointer, keys.signed_pointer(channel), lambda data: envelope.seal(envelope.POINTER, data, signer))
    _sign(store, keys.get_python(), f"{keys.get_python()}.sig", signer.sign)
    _sign(store, keys.sums(channel, distro), keys.signed_sums(channel, distro), signer.sign)


def _sign(store: Store, subject: str, key: str, signed: Callable[[bytes], bytes]) -> None:
    """Read what is there, then what it should be: whoever was overtaken in between gets a Conflict."""
    before = store.get(key)
    found = store.get(subject)
    if found and (data := signed(found[0])) != (before[0] if before else None):
        store.put(key, data, if_absent=not before, if_match=before[1] if before else "")
