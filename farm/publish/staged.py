"""What an attempt staged, believed only after it was read: the fence, sizes, hashes, the tars and the metadata inside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.errors import Conflict, Transient, VerificationFailed
from farm.publish.tarball import Contents, inspect
from farm.store import run_keys
from farm.store.artifact import BUILD_INFO_PATH, ArchiveInfo, BuildInfo
from farm.store.sink import Content

if TYPE_CHECKING:
    from farm.publish.order import Order
    from farm.store.protocol import Measured, Store
    from farm.wire.messages import Result

ARCHIVE_BYTES = 2 << 30
_CUT_OFF = "an upload may have been damaged on its way, so it is built again; a builder that lies only spoils its own attempts"
_NAME_RE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Checked:
    """An archive that is what it says, as a private file, and what was read off it."""

    info: ArchiveInfo
    path: Path
    contents: Contents


def check_fence(store: Store, order: Order) -> None:
    """Return when the attempt is the newest one that was granted for its cell. Raises Conflict."""
    # Asked by name: an old listing would hide the attempt that was granted after this one.
    newer = store.get(run_keys.attempt(order.run, order.cell, order.attempt + 1))
    if newer or store.get(run_keys.attempt(order.run, order.cell, order.attempt)) is None:
        why = f"attempt {order.attempt + 1} was granted after it" if newer else "it was never granted"
        raise Conflict(f"{order} is not published: {why}", hint="nothing to do: the newer attempt will be published")


def fetch_checked(store: Measured, order: Order, staged: Result, folder: Path) -> tuple[Checked, ...]:
    """The staged archives, fetched into `folder` and checked. Raises VerificationFailed, Transient, StoreUnavailable."""
    for archive in staged.archives:
        _check_size(store, order, archive)
    return tuple(_checked(store, order, staged, archive, folder) for archive in staged.archives)


def _check_size(store: Measured, order: Order, archive: ArchiveInfo) -> None:
    """Before a byte is read: a size that lies, or is too big, costs nothing."""
    named = _NAME_RE.fullmatch(archive.name)
    there = store.stat(run_keys.staging(order.run, order.cell, order.attempt, archive.name)) if named else None
    if there is None:
        raise VerificationFailed(f"{order} did not stage the archive {archive.name!r}")
    if archive.size > ARCHIVE_BYTES:
        raise VerificationFailed(f"{order} staged {archive.name} of {archive.size} bytes (at most {ARCHIVE_BYTES})")
    if there.size != archive.size:
        said = f"{archive.name} of {there.size} bytes, and said {archive.size}"
        raise Transient(f"{order} staged {said}", hint=_CUT_OFF)


def _checked(store: Store, order: Order, staged: Result, archive: ArchiveInfo, folder: Path) -> Checked:
    path = folder / archive.name
    # The hash first: nothing reads an archive that is not the one that was verified.
    try:
        key = run_keys.staging(order.run, order.cell, order.attempt, archive.name)
        there = store.fetch(key, path, Content(archive.size, archive.sha256))
    except VerificationFailed as error:
        raise Transient(f"{order} staged something else, and said {archive.name}: {error.message}", hint=_CUT_OFF) from error
    if not there:
        raise VerificationFailed(f"{order}: {archive.name} left the staging folder while it was checked")
    contents = inspect(path, archive.format)
    if contents.tar_sha256 != archive.tar_sha256:
        raise VerificationFailed(f"{order}: the tar in {archive.name} has sha256 {contents.tar_sha256}, not as said")
    _check_info(order, staged, archive, contents.build_info)
    return Checked(archive, path, contents)


def _check_info(order: Order, staged: Result, archive: ArchiveInfo, inside: bytes | None) -> None:
    where = f"{order}: {BUILD_INFO_PATH} in {archive.name}"
    if inside is None:
        raise VerificationFailed(f"{where} is missing")
    try:
        info = BuildInfo.model_validate_json(inside)
    except ValidationError as error:
        raise VerificationFailed(f"{where} cannot be read: {error.errors()[0]['msg']}") from error
    if info != staged.build:
        raise VerificationFailed(f"{where} is not what the builder reported")
