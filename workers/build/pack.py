"""Packing: a tree to archives with the same bytes every time."""

from __future__ import annotations

import gzip
import hashlib
import io
import posixpath
import shutil
import tarfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from functools import partial
from typing import IO, TYPE_CHECKING, Literal, cast

import zstandard

from farm.plan.recipe import PACKS, staged_name
from farm.store.artifact import ArchiveInfo
from workers.build.tree import Entry, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from farm.plan.recipe import ArchiveKind, Form, Trim

TOP = "python"

# What people download is packed tight; what few people ever fetch is packed fast, and so is a build that is only for trying
# things out (tight takes half a minute more). The window stays within what `zstd` and GNU tar accept without being told
# (128 MiB).
_FAST, _TIGHT = 3, 19
_WINDOW_LOG = 27
_CHUNK = 1 << 20


def divide(tree: Tree, trims: Sequence[Trim], lib: str) -> dict[ArchiveKind, Tree]:
    """The tree as one tree per archive kind, by the rows that say what leaves `install_only`; no file is in two.

    Globs are matched against the path below the prefix with `{lib}` for the library folder; `*` also matches '/'.
    """
    rows = [(trim, trim.glob.format(lib=lib), [keep.format(lib=lib) for keep in trim.keep]) for trim in trims]
    kinds: dict[ArchiveKind, dict[str, Entry]] = {"install_only": {}}
    for path, entry in tree.entries.items():
        kind = _kind(path, rows)
        if kind:
            kinds.setdefault(kind, {})[path] = entry
    return {kind: Tree(entries) for kind, entries in kinds.items()}


def _kind(path: str, rows: Sequence[tuple[Trim, str, list[str]]]) -> ArchiveKind | Literal[""]:
    if any(mark in f"/{path}" for mark in ("/lib/debug/", "/.debug/")):
        return "debugsymbols"
    for trim, glob, keeps in rows:
        if fnmatchcase(path, glob) and not any(fnmatchcase(path, keep) for keep in keeps):
            return trim.archive
    return "install_only"


def pack(
    trees: Mapping[ArchiveKind, Tree], extra: Mapping[str, Entry], epoch: int, target: Path, *, tight: bool = True
) -> tuple[ArchiveInfo, ...]:
    """Every kind as its archives in the folder `target`. `extra` (the metadata) goes into each. Times are all `epoch`.

    `tight`: with what people download as small as it gets.
    """
    made: list[ArchiveInfo] = []
    for kind, tree in trees.items():
        plain = target / f"{kind}.tar"
        write_tar(tree.with_entries(extra), epoch, plain)
        with plain.open("rb") as file:
            tar_sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        forms = [form for packed, form in PACKS if packed == kind]
        level = _TIGHT if tight and kind == "install_only" else _FAST
        with ThreadPoolExecutor(max_workers=2) as pool:
            made += pool.map(partial(_compress, plain, kind, level, tar_sha256), forms)
        plain.unlink()
    return tuple(made)


def write_tar(tree: Tree, epoch: int, target: Path) -> None:
    """A tree as an uncompressed tar under the one top folder: sorted, uid and gid 0, two modes, one time."""
    with target.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, data in _members(tree, epoch):
            tar.addfile(info, data)


def _members(tree: Tree, epoch: int) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    folders = {TOP}
    for path in tree.entries:
        parent = posixpath.dirname(f"{TOP}/{path}")
        while parent not in folders:
            folders.add(parent)
            parent = posixpath.dirname(parent)
    entries: dict[str, Entry] = {folder: Entry("folder") for folder in folders}
    entries.update({f"{TOP}/{path}": entry for path, entry in tree.entries.items()})
    for path, entry in sorted(entries.items()):
        info = tarfile.TarInfo(path)
        info.mtime, info.uid, info.gid, info.uname, info.gname = epoch, 0, 0, "", ""
        if entry.kind == "folder":
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            yield info, None
        elif entry.kind == "link":
            info.type, info.mode, info.linkname = tarfile.SYMTYPE, 0o777, entry.target
            yield info, None
        else:
            info.size, info.mode = entry.content.size, 0o755 if entry.executable else 0o644
            yield info, io.BytesIO(entry.content.read())


def _compress(plain: Path, kind: ArchiveKind, level: int, tar_sha256: str, form: Form) -> ArchiveInfo:
    target = plain.with_name(staged_name(kind, form))
    with plain.open("rb") as source, target.open("wb") as raw:
        if form == "tar.zst":
            _zstd(source, raw, level, plain.stat().st_size)
        else:
            with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=zlib.Z_BEST_COMPRESSION, mtime=0) as packed:
                shutil.copyfileobj(source, cast("IO[bytes]", packed), _CHUNK)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ArchiveInfo(
        kind=kind, format=form, name=target.name, size=target.stat().st_size, sha256=digest, tar_sha256=tar_sha256
    )


def _zstd(source: IO[bytes], target: IO[bytes], level: int, size: int) -> None:
    # zstd's output depends on whether it runs with threads, but not on how many: two, whatever the host has
    parameters = zstandard.ZstdCompressionParameters.from_level(
        level, window_log=min(_WINDOW_LOG, max(10, size.bit_length())), threads=2, write_checksum=1
    )
    zstandard.ZstdCompressor(compression_params=parameters).copy_stream(source, target, size=size, read_size=_CHUNK)
