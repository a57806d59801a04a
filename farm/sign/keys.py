"""Ed25519 keys in PEM files, as openssl, cosign and securesystemslib read them."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from farm.errors import BadInput

if TYPE_CHECKING:
    from pathlib import Path

    from farm.settings import Settings

_BLOCK_RE = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True)
class Verifier:
    """A public key. `id` is the sha256 of its SubjectPublicKeyInfo, in hex."""

    key: Ed25519PublicKey

    @property
    def id(self) -> str:
        """How envelopes name the key."""
        der = self.key.public_bytes(forms.Encoding.DER, forms.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(der).hexdigest()

    @property
    def pem(self) -> bytes:
        """The key as a file."""
        return self.key.public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)

    def accepts(self, signature: bytes, data: bytes) -> bool:
        """Whether this key signed the data."""
        try:
            self.key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key."""

    key: Ed25519PrivateKey

    @classmethod
    def new(cls) -> Signer:
        """A fresh key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, path: Path) -> Signer:
        """The key in a PEM file. Raises BadInput."""
        try:
            key = forms.load_pem_private_key(path.read_bytes(), password=None)
        except OSError as error:
            raise BadInput(
                f"the signing key {path} cannot be read: {error.strerror}", hint="`farm keys new` makes one"
            ) from None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise BadInput(f"{path} is no unencrypted private key in PEM", hint="`farm keys new` makes one") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise BadInput(f"{path} is no Ed25519 key", hint="`farm keys new` makes one")
        return cls(key)

    @property
    def verifier(self) -> Verifier:
        """Its public half."""
        return Verifier(self.key.public_key())

    def sign(self, data: bytes) -> bytes:
        """64 bytes, always the same for the same data."""
        return self.key.sign(data)

    def save(self, path: Path) -> None:
        """Write the key to a new file that only its owner reads. Raises BadInput when there is one."""
        data = self.key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
        except FileExistsError:
            raise BadInput(f"{path} is there already", hint="a key is never overwritten: choose another name") from None
        except OSError as error:
            raise BadInput(f"{path} cannot be written: {error.strerror}") from None


def signing(settings: Settings) -> Signer | None:
    """The key that the settings name; None when they name none. Raises BadInput."""
    return Signer.load(settings.signing_key) if settings.signing_key else None


def trusted(path: Path) -> dict[str, Verifier]:
    """The public keys in a PEM file, one or several, by their id. Raises BadInput."""
    try:
        data = path.read_bytes()
        found = keys_in(data)
    except OSError as error:
        raise BadInput(f"the trusted keys {path} cannot be read: {error.strerror}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadInput(f"{path} has a public key that cannot be read", hint="`farm keys show` prints one") from None
    if not found or len(found) != len(set(_BLOCK_RE.findall(data))):
        raise BadInput(f"{path} does not hold Ed25519 public keys in PEM", hint="`farm keys show` prints one")
    return found


def keys_in(data: bytes) -> dict[str, Verifier]:
    """The Ed25519 public keys in a PEM text, by their id. Raises ValueError, UnsupportedAlgorithm."""
    keys = [forms.load_pem_public_key(block) for block in _BLOCK_RE.findall(data)]
    return {made.id: made for made in (Verifier(key) for key in keys if isinstance(key, Ed25519PublicKey))}
