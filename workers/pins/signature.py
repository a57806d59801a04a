"""Whose sigstore signature an archive has: python.org's bundle of it, held against who is said to sign its series."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from farm.errors import Transient
from farm.plan.rows import SignerRow
from farm.store.urls import without_secrets

if TYPE_CHECKING:
    from farm.settings import Settings
    from workers.pins.release import Release

# Takes a bundle, a sha256 and who may have signed that; raises BundleRefused when it was not them.
Verifier = Callable[[bytes, str, SignerRow], None]

_LARGEST = 1 << 20  # bytes; python.org's bundles have about 5,000


class BundleRefused(Exception):  # noqa: N818 - named for what happened
    """The bundle is no signature of these bytes by this signer."""


class NotLookedAt(Exception):  # noqa: N818 - named for what happened
    """Why nobody can say whether there is a signature."""


@dataclass(frozen=True)
class Seen:
    """Whose signature was verified ('' if nobody looked), and a sentence that says so, or why not."""

    signed_by: str
    said: str


def sigstore_verifier(*, offline: bool = False) -> Verifier:
    """A verifier by the package sigstore and its root of trust: the newest one, or `offline` the one that came with it.

    Raises NotLookedAt without the package, or when the root of trust cannot be refreshed.
    """
    try:
        from sigstore.errors import Error  # noqa: PLC0415 - an extra, which need not be there
        from sigstore.hashes import Hashed  # noqa: PLC0415
        from sigstore.models import Bundle  # noqa: PLC0415
        from sigstore.verify import Verifier as Sigstore  # noqa: PLC0415
        from sigstore.verify import policy  # noqa: PLC0415
        from sigstore_models.common.v1 import HashAlgorithm  # noqa: PLC0415
    except ImportError as error:
        raise NotLookedAt(f"its package cannot be imported ({error}): pip install 'sigstore>=4'") from error
    try:
        trusted = Sigstore.production(offline=offline)
    except Error as error:
        raise NotLookedAt(f"sigstore's root of trust cannot be refreshed: {error}") from error

    def verify(bundle: bytes, sha256: str, signer: SignerRow) -> None:
        digest = Hashed(algorithm=HashAlgorithm.SHA2_256, digest=bytes.fromhex(sha256))
        wanted = policy.Identity(identity=signer.identity, issuer=signer.issuer)
        try:
            trusted.verify_artifact(digest, Bundle.from_json(bundle), wanted)
        except (Error, ValueError) as error:
            raise BundleRefused(str(error)) from error

    return verify


def look_at(
    release: Release, signers: Iterable[SignerRow], settings: Settings, verifier: Callable[[], Verifier] = sigstore_verifier
) -> Seen:
    """What the release's bundle says, where there is one and the package sigstore and the network allow to look.

    Raises Transient when the bundle does not verify: then nothing may be pinned.
    """
    try:
        signer = _signer(release, signers, settings, verifier)
    except NotLookedAt as why:
        return Seen("", f"sigstore was not looked at: {why}")
    signed_by = f"{signer.identity} ({signer.issuer})"
    return Seen(signed_by, f"sigstore: its bundle was verified, signed by {signed_by}")


def _signer(release: Release, signers: Iterable[SignerRow], settings: Settings, verifier: Callable[[], Verifier]) -> SignerRow:
    version = release.version
    if not release.bundle:
        raise NotLookedAt(f"{release.where} names no bundle")
    known = [row for row in signers if row.spans((version.major, version.minor, version.patch))]
    if not known:
        raise NotLookedAt(f"signers.toml does not say who signs {version.series}")
    verify = verifier()
    bundle = _fetched(release.bundle, settings)
    refusals = []
    for row in known:
        try:
            verify(bundle, release.sha256, row)
        except BundleRefused as refusal:
            refusals.append(f"{row.identity}: {refusal}")
        else:
            return row
    raise Transient(
        f"{without_secrets(release.bundle)} does not verify: {'; '.join(refusals)}",
        hint="do not pin it by hand; if another release manager signed it, a row in signers.toml says so",
    )


def _fetched(url: str, settings: Settings) -> bytes:
    shown = without_secrets(url)
    try:
        with requests.get(url, timeout=(10, 60), stream=True, verify=settings.ca_bundle or True) as answer:
            answer.raise_for_status()
            data = answer.raw.read(_LARGEST + 1, decode_content=True)
    except requests.RequestException as error:
        raise NotLookedAt(f"{shown} cannot be fetched: {type(error).__name__}") from error
    if len(data) > _LARGEST:
        raise NotLookedAt(f"{shown} has more than {_LARGEST} bytes: no bundle")
    return bytes(data)
