"""DSSE envelopes: a document and its signature in one object, so that no reader ever sees one without the other.

https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING

from farm.errors import VerificationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.sign.keys import Signer, Verifier

POINTER = "application/vnd.python-farm.channel+json"
STATEMENT = "application/vnd.in-toto+json"


def seal(payload_type: str, payload: bytes, signer: Signer) -> bytes:
    """The envelope of a document."""
    signature = signer.sign(signed_bytes(payload_type, payload))
    document = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": signer.verifier.id, "sig": base64.b64encode(signature).decode()}],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def unseal(name: str, data: bytes, payload_type: str, trusted: Mapping[str, Verifier]) -> bytes:
    """The document in an envelope that one of these keys signed. Raises VerificationFailed."""
    try:
        document = json.loads(data)
        payload = base64.b64decode(document["payload"], validate=True)
        said = document["payloadType"]
        signatures = [(each["keyid"], base64.b64decode(each["sig"], validate=True)) for each in document["signatures"]]
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise VerificationFailed(
            f"{name} is no signed document: {type(error).__name__}", hint="the store was changed"
        ) from None
    if said != payload_type:
        raise VerificationFailed(f"{name} is signed as {said!r}, and should be {payload_type}", hint="the store was changed")
    signed = signed_bytes(payload_type, payload)
    if not any(key in trusted and trusted[key].accepts(signature, signed) for key, signature in signatures):
        keys = ", ".join(str(key)[:16] for key, _ in signatures) or "nobody"
        raise VerificationFailed(
            f"{name} is not signed by a key that is trusted here (but by {keys})",
            hint="if the farm changed its key, get the new one from where you trust it; else the store was changed",
        )
    return payload


def signed_bytes(payload_type: str, payload: bytes) -> bytes:
    """What is signed: type and document, each with its length."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
