"""A published store over http(s), as every client sees it: whole objects, read-only."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from farm.errors import StoreUnavailable
from farm.store.sink import arriving
from farm.store.urls import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from farm.store.sink import Content

_T = TypeVar("_T")
_ATTEMPTS = 4
_TIMEOUT_S = (10, 120)
_CHUNK = 1 << 20
_SMALL_BYTES = 64 << 20
_LONGEST_WAIT_S = 5.0
_ABSENT = (403, 404)  # a bucket that may not be listed says 403 of what is not there


class _Passing(Exception):  # noqa: N818 - named for what it is
    """Something that may pass."""


class HttpStore:
    """A store at an http(s) address. `ca_bundle` is a file with certificates, '' takes the usual ones."""

    def __init__(self, url: str, *, ca_bundle: str = "") -> None:
        """Nothing is asked yet."""
        self._url = url.rstrip("/")
        self._verify: str | bool = ca_bundle or True

    @property
    def name(self) -> str:
        """The address, without secrets."""
        return without_secrets(self._url)

    def get(self, key: str) -> tuple[bytes, str] | None:
        """A small object's bytes and etag; None when there is none. Raises StoreUnavailable."""

        def attempt() -> tuple[bytes, str] | None:
            with self._answer(key) as answer:
                if answer.status_code in _ABSENT:
                    return None
                return b"".join(_bounded(answer)), answer.headers.get("ETag", "")

        return self._again(key, attempt)

    def fetch(self, key: str, target: Path, content: Content) -> bool:
        """Stream an object into a file that appears whole or not at all; False when there is none. Raises StoreUnavailable."""

        def attempt() -> bool:
            with self._answer(key) as answer:
                if answer.status_code in _ABSENT:
                    return False
                with arriving(key, target, content) as sink:
                    for chunk in answer.iter_content(_CHUNK):
                        sink.write(chunk)
                return True

        return self._again(key, attempt)

    @contextmanager
    def _answer(self, key: str) -> Iterator[requests.Response]:
        # No Accept-Encoding: a proxy that compresses on the way would change the bytes that were hashed.
        headers = {"Accept-Encoding": "identity"}
        with requests.get(
            f"{self._url}/{key}", stream=True, timeout=_TIMEOUT_S, headers=headers, verify=self._verify
        ) as answer:
            if answer.status_code >= requests.codes.server_error:
                raise _Passing(f"HTTP {answer.status_code}")
            if answer.status_code != requests.codes.ok and answer.status_code not in _ABSENT:
                raise StoreUnavailable(f"{self.name} answers HTTP {answer.status_code} for {key}", hint="check the address")
            yield answer

    def _again(self, key: str, attempt: Callable[[], _T]) -> _T:
        again = Retrying(
            retry=retry_if_exception_type((requests.RequestException, _Passing)),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(0.2, max=_LONGEST_WAIT_S),
            reraise=True,
        )
        try:
            return again(attempt)
        except (requests.RequestException, _Passing) as error:
            # Not a request's own text: it repeats the address, which may hold a secret.
            said = str(error) if isinstance(error, _Passing) else type(error).__name__
            raise StoreUnavailable(
                f"{key} cannot be read from {self.name}: {said}", hint="check the address, and try again"
            ) from None


def _bounded(answer: requests.Response) -> Iterator[bytes]:
    total = 0
    for chunk in answer.iter_content(_CHUNK):
        total += len(chunk)
        if total > _SMALL_BYTES:
            raise StoreUnavailable(f"an object of more than {_SMALL_BYTES} bytes was sent", hint="that is no store of ours")
        yield chunk
