"""A new key in the place of an old one: the old key signs for it, so that who trusts the old one can follow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from farm.errors import VerificationFailed
from farm.sign import envelope
from farm.sign.keys import keys_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from farm.sign.keys import Signer, Verifier

KEY = "application/vnd.python-farm.key"
_MOST = 16  # rotations that a reader follows


def endorsement(new: Verifier, signer: Signer) -> bytes:
    """The new public key, signed by the old one."""
    return envelope.seal(KEY, new.pem, signer)


def followed(sealed: bytes, trusted: Mapping[str, Verifier], read: Callable[[str], bytes | None]) -> dict[str, Verifier]:
    """The trusted keys, and those that one of them, or one they signed for, put in its place and that signed this envelope.

    `read` gives the endorsement of the key with an id, None when there is none. Raises VerificationFailed for a forged one.
    """
    found = dict(trusted)
    for key_id in _signers(sealed):
        _follow(key_id, found, read, _MOST)
    return found


def _follow(key_id: str, found: dict[str, Verifier], read: Callable[[str], bytes | None], left: int) -> None:
    if key_id in found or not left or not (data := read(key_id)):
        return
    for signer in _signers(data):
        _follow(signer, found, read, left - 1)
    if not found.keys() & set(_signers(data)):
        return  # nobody whom we trust signed for it: the caller says so
    pem = envelope.unseal(f"the endorsement of the key {key_id[:16]}", data, KEY, found)
    try:
        found |= {name: key for name, key in keys_in(pem).items() if name == key_id}
    except ValueError:
        raise VerificationFailed(f"the key {key_id[:16]} cannot be read", hint="the store was changed") from None


def _signers(sealed: bytes) -> list[str]:
    try:
        return [str(each["keyid"]) for each in json.loads(sealed)["signatures"]]
    except (ValueError, KeyError, TypeError):
        return []
