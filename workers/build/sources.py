"""Source archives: fetched from wherever they can be had, and used only when their sha256 is the one we know."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import TYPE_CHECKING

import requests

from farm.errors import BadInput, FarmError, Transient
from farm.store import scratch
from farm.store.urls import without_secrets
from workers import metrics
from workers.build.mirror import mirror_roots
from workers.engine.protocol import Bounds
from workers.engine.watch import hang_up, watched

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from farm.plan.recipe import Source
    from farm.settings import Settings


@dataclass(frozen=True)
class Patience:
    """How long a download may take and how large it may be: seconds, bytes, and tries at one place. `cancelled` ends it."""

    connect_s: float = 10
    stall_s: float = 30
    whole_s: float = 15 * 60
    pause_s: float = 2
    tries: int = 2
    redirects: int = 5
    bytes: int = 256 << 20
    cancelled: Callable[[], bool] = bool


class _Absent(Exception):  # noqa: N818 - named for what happened
    """This place does not have the archive, or has another file under its name. Asking again is no use."""


class _Trouble(Exception):  # noqa: N818 - named for what happened
    """This place failed in a way that may pass."""


class _Unreachable(_Trouble):
    """Nobody answers at this place: not worth a second try before the next place has had its turn."""


def fetch(source: Source, settings: Settings, on_line: Callable[[str], None], patience: Patience | None = None) -> Path:
    """A file in the cache that has the source's sha256, fetched if it is not there or no longer what it was.

    Looks in the cache, the folder `sources`, `source_mirror`, python.org, then the pool of this host's Debian mirror.
    `on_line` gets one line for each try. Raises BadInput when every place answered that it has no such file, and
    Transient when a place could not be asked; Cancelled.
    """
    if here := at_hand(source, settings, on_line):
        return here
    target = place(source, settings)
    troubles: list[str] = []
    misses: list[str] = []
    for url in places(source, settings):
        shown = without_secrets(url)
        try:
            _download(url, source, target, settings, patience or Patience())
        except _Absent as absent:
            misses.append(_told(f"{shown}: {absent}", on_line))
        except _Trouble as trouble:
            troubles.append(_told(f"{shown}: {trouble}".replace(url, shown), on_line))
        else:
            on_line(f"{source.file}: fetched from {shown}, sha256 is right")
            return target
    raise _nowhere(source, misses, troubles)


def at_hand(source: Source, settings: Settings, on_line: Callable[[str], None]) -> Path | None:
    """The file, where no network is needed for it: from the cache, or the folder `sources`; None when it is in neither."""
    target = place(source, settings)
    there = _cached(target, source, on_line)
    metrics.cache("source", hit=there)
    if there:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    if settings.sources and _from_folder(source, settings.sources, target, settings, on_line):
        return target
    return None


def place(source: Source, settings: Settings) -> Path:
    """Where the file lies in the cache once it was fetched."""
    return settings.cache / "sources" / source.sha256 / source.file


def places(source: Source, settings: Settings) -> Iterator[str]:
    """The urls at which an archive may be, best first. This host's apt is only asked when the others had nothing."""
    if settings.source_mirror and source.path:
        yield f"{settings.source_mirror.rstrip('/')}/{source.path}"
    if source.url:
        yield source.url
    if source.pool:
        for root in mirror_roots(settings):
            yield f"{root}/{source.pool}"


def _nowhere(source: Source, misses: list[str], troubles: list[str]) -> FarmError:
    message = f"{source.file} could not be had. Tried:\n  " + "\n  ".join(misses + troubles)
    hint = f"put the file whose sha256 is {source.sha256} into a folder, under any name, and name it in FARM_SOURCES"
    if troubles:
        return Transient(message, hint=f"try again; or {hint}")
    return BadInput(f"impossible here, for no place has its source: {message}", hint=hint)


def _cached(target: Path, source: Source, on_line: Callable[[str], None]) -> bool:
    found = _sha256_of(target)
    if found == source.sha256:
        on_line(f"{source.file}: in the cache, sha256 is right")
    elif found:
        on_line(f"{target}: damaged (sha256 {found}, not {source.sha256}); removed, fetching it again")
        target.unlink(missing_ok=True)
    return found == source.sha256


def _from_folder(source: Source, folder: Path, target: Path, settings: Settings, on_line: Callable[[str], None]) -> bool:
    if not folder.is_dir():
        raise BadInput(f"FARM_SOURCES names {folder}, which is no folder", hint="name a folder, or unset it")
    files = (entry for entry in folder.iterdir() if entry.is_file())
    for entry in sorted(files, key=lambda entry: (entry.name != source.file, entry.name)):
        if _sha256_of(entry) != source.sha256:
            continue
        with entry.open("rb") as stream, _appearing(target, source, settings.cache) as write:
            while block := stream.read(1 << 20):
                write(block)
        on_line(f"{source.file}: taken from {entry}, sha256 is right")
        return True
    on_line(f"{source.file}: no file in {folder} has sha256 {source.sha256}")
    return False


def _download(url: str, source: Source, target: Path, settings: Settings, patience: Patience) -> None:
    for remaining in reversed(range(patience.tries)):
        try:
            _download_once(url, source, target, settings, patience)
        except _Unreachable:
            raise
        except _Trouble:
            if not remaining:
                raise
            time.sleep(patience.pause_s)
        else:
            return


def _download_once(url: str, source: Source, target: Path, settings: Settings, patience: Patience) -> None:
    with _answer(url, settings, patience) as response, _appearing(target, source, settings.cache) as write:
        bounds = Bounds(inf, inf, patience.cancelled)  # the times are ours: when they are over, the next place is asked
        body = watched("the download", bounds, partial(_body, response, patience), partial(hang_up, response))
        with closing(body) as blocks:
            for block in blocks:
                write(block)


@contextmanager
def _answer(url: str, settings: Settings, patience: Patience) -> Iterator[requests.Response]:
    """The answer to a GET when it is a good one. `requests` finds proxies and .netrc by itself."""
    with requests.Session() as session, _named_troubles(patience):
        session.max_redirects = patience.redirects
        asked = session.get(
            url,
            stream=True,
            timeout=(patience.connect_s, patience.stall_s),
            verify=settings.ca_bundle or True,
            headers={"Accept-Encoding": "identity"},
        )
        with asked as response:
            status = response.status_code
            if status in (requests.codes.too_many_requests, requests.codes.request_timeout) or status >= 500:  # noqa: PLR2004 - HTTP
                raise _Trouble(f"the server answered {status} {response.reason}")
            if status != requests.codes.ok:
                raise _Absent(f"the server answered {status} {response.reason}")
            yield response


@contextmanager
def _named_troubles(patience: Patience) -> Iterator[None]:
    try:
        yield
    except requests.TooManyRedirects as error:
        raise _Absent(f"more than {patience.redirects} redirects") from error
    except (requests.exceptions.SSLError, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema) as error:
        raise _Unreachable(f"{error} (FARM_CA_BUNDLE names a private CA)") from error
    except requests.Timeout as error:
        raise _Trouble(f"nothing came for {patience.stall_s:.0f} s") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise _Trouble("the connection broke off half way") from error
    except requests.ConnectionError as error:
        if "timed out" in str(error).lower():
            raise _Trouble(f"nothing came for {patience.stall_s:.0f} s") from error
        raise _Unreachable(f"no connection ({_root_cause(error)})") from error
    except requests.RequestException as error:
        raise _Trouble(f"{type(error).__name__}: {error}") from error


def _root_cause(error: BaseException) -> str:
    while error.__context__ is not None:
        error = error.__context__
    return str(error) or type(error).__name__


def _body(response: requests.Response, patience: Patience) -> Iterable[bytes]:
    """The blocks of an answer, which end with an error when it is too long, too slow, or shorter than it said."""
    size, deadline = 0, time.monotonic() + patience.whole_s
    for block in response.iter_content(1 << 18):
        size += len(block)
        if size > patience.bytes:
            raise _Absent(f"larger than {patience.bytes} bytes: no source archive")
        if time.monotonic() > deadline:
            raise _Trouble(f"not finished after {patience.whole_s:.0f} s ({size} bytes came)")
        yield block
    said = response.headers.get("Content-Length", "")
    if said.isdecimal() and size != int(said):
        raise _Trouble(f"broke off after {size} of {said} bytes")


@contextmanager
def _appearing(target: Path, source: Source, cache: Path) -> Iterator[Callable[[bytes], None]]:
    """Takes the bytes of a file that appears whole with the right sha256, or not at all."""
    digest = hashlib.sha256()
    with scratch.part(cache) as private:
        partial = private / target.name
        with partial.open("wb") as file:

            def write(block: bytes) -> None:
                file.write(block)
                digest.update(block)

            yield write
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != source.sha256:
            raise _Absent(f"wrong file, not kept: wanted sha256 {source.sha256}, got {digest.hexdigest()}")
        partial.replace(target)


def _sha256_of(path: Path) -> str:
    """As hex; empty when there is no such file."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def _told(line: str, on_line: Callable[[str], None]) -> str:
    on_line(line)
    return line
