"""One PUT of a file to an address that a grant gave: all that a builder ever does to the store."""

from __future__ import annotations

import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from farm.errors import BadInput, Transient
from farm.store.md5 import content_md5
from farm.store.urls import without_secrets

if TYPE_CHECKING:
    from tenacity.wait import wait_base

_ATTEMPTS = 5
_TIMEOUT_S = (10, 300)
_BACK_OFF = wait_random_exponential(0.5, max=15)


class _Busy(Exception):  # noqa: N818 - named for what happened
    """The server failed in a way that may pass."""


def upload(url: str, path: Path, *, ca_bundle: str = "", below: Path | None = None, wait: wait_base = _BACK_OFF) -> None:
    """Send the file to a file://, http:// or https:// address. Retries what may pass; raises Transient at the end.

    `ca_bundle` is a file of CA certificates; empty takes the usual ones. A file:// address is good in the folder `below` only.
    """
    scheme = urlsplit(url).scheme
    if scheme == "file":
        _copy(path, _allowed(Path(unquote(urlsplit(url).path)), below))
    elif scheme in ("http", "https"):
        _send(url, path, ca_bundle, wait)
    else:
        raise BadInput(f"'{without_secrets(url)}' is no address to upload to")


def _allowed(target: Path, below: Path | None) -> Path:
    """The same path. Whoever forges an answer in Redis could otherwise have any file of a build host written, as root."""
    if below is None or not target.resolve().is_relative_to(below.resolve()):
        raise Transient(
            f"{target} is no place that this worker stages to",
            hint="where the store is a folder, FARM_STORE must name it for the worker too, at the same path",
        )
    return target


def _copy(path: Path, target: Path) -> None:
    fresh = target.with_name(f"{target.name}~{secrets.token_hex(8)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, fresh)
        fresh.replace(target)
    except OSError as error:
        raise Transient(
            f"cannot stage {path.name} in {target.parent}: {error.strerror}",
            hint="the store is a folder: this worker must see it at the same path, and may write there",
        ) from error
    finally:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)


def _send(url: str, path: Path, ca_bundle: str, wait: wait_base) -> None:
    shown = without_secrets(url)
    again = Retrying(
        retry=retry_if_exception_type((requests.ConnectionError, requests.Timeout, _Busy)),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait,
        reraise=True,
    )
    try:
        status = again(_put, url, path, ca_bundle)
    except (requests.RequestException, _Busy) as error:
        # Not the error's own text: it repeats the address with its signature.
        said = str(error) if isinstance(error, _Busy) else type(error).__name__
        raise Transient(
            f"cannot upload {path.name} to {shown}: {said}", hint="check that this host reaches the store, and its proxy"
        ) from None
    if status >= requests.codes.bad_request:
        raise Transient(
            f"the store refused {path.name} at {shown}: HTTP {status}",
            hint="403 means that the address is out of date, or this host's clock is: a new attempt gets a new one. An address "
            "that a role's session signed ends with that session",
        )


def _put(url: str, path: Path, ca_bundle: str) -> int:
    with path.open("rb") as file:
        # An empty file would go out chunked, which S3 refuses.
        body: IO[bytes] | bytes = file if path.stat().st_size else b""
        headers = {"Content-MD5": content_md5(file)}
        with requests.put(
            url, data=body, headers=headers, timeout=_TIMEOUT_S, allow_redirects=False, verify=ca_bundle or True
        ) as answer:
            if answer.status_code >= requests.codes.server_error or answer.status_code == requests.codes.bad_request:
                raise _Busy(f"HTTP {answer.status_code}")
            return answer.status_code
