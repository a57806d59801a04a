"""A verifier of signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.pins.signature import BundleRefused

if TYPE_CHECKING:
    from farm.plan.rows import SignerRow


def plain_words(bundle: bytes, sha256: str, signer: SignerRow) -> None:
    """A verifier of bundles that say in plain words who signed what: 'IDENTITY SHA256'."""
    if bundle.decode() != f"{signer.identity} {sha256}":
        raise BundleRefused("it says something else")
