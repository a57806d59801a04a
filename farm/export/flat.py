"""The same tree without its top folder. Equal archives give equal bytes."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

import zstandard

from farm.errors import VerificationFailed
from farm.store import members

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from farm.plan.recipe import Form

TOP = "python"
_GZIP_LEVEL = 6
_ZSTD_LEVEL = 12
_CHUNK = 1 << 20


def flatten(archive: Path, target: Path, form: Form, programs: Mapping[str, bytes]) -> str:
    """Write the `.tar.gz` archive to `target` without its top folder, with `programs` at its root; gives the sha256.

    Raises VerificationFailed for an archive that is none of ours.
    """
    rules = members.Rules(TOP)
    try:
        with (
            gzip.open(archive) as plain,
            members.opened(cast("IO[bytes]", plain)) as source,
            _packed(target, form) as stream,
            tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as made,
        ):
            for name, data in sorted(programs.items()):
                made.addfile(_program(name, data), io.BytesIO(data))
            for member in members.bounded(source, members.LIMITS):
                rules.add(member)
                if member.name != TOP:
                    content = source.extractfile(member) if member.isreg() else None
                    made.addfile(_lifted(member), content)
        rules.check()
    except (members.Unsafe, tarfile.TarError, EOFError, ValueError) as error:
        target.unlink(missing_ok=True)
        raise VerificationFailed(f"{archive.name} cannot be exported: {error}") from error
    with target.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _lifted(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.name = member.name.removeprefix(f"{TOP}/")
    if member.islnk():
        member.linkname = member.linkname.removeprefix(f"{TOP}/")
    member.pax_headers = {}
    return member


def _program(name: str, data: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(data), 0o755
    return info


@contextmanager
def _packed(target: Path, form: Form) -> Iterator[IO[bytes]]:
    with target.open("wb") as file:
        if form == "tar.gz":
            with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0, compresslevel=_GZIP_LEVEL) as packed:
                yield cast("IO[bytes]", packed)
        else:
            with zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(file, closefd=False) as packed:
                yield cast("IO[bytes]", packed)
