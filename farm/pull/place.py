"""From an archive to a folder that appears whole or not at all."""

from __future__ import annotations

import gzip
import json
import shutil
import tarfile
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import zstandard

from farm.errors import BadInput, Transient, VerificationFailed
from farm.store import keys, members
from farm.store.artifact import BUILD_INFO_PATH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.index.model import Entry
    from farm.plan.recipe import Form

TOP = "python"
_WINDOW_BYTES = 128 << 20


def holds(target: Path, entry: Entry) -> bool:
    """Whether a folder holds this build. Raises BadInput when it holds something that is no Python of ours."""
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise BadInput(f"{target} is no folder", hint="--to takes a folder that is new, empty, or a Python of ours")
    if not target.is_dir() or not any(target.iterdir()):
        return False
    try:
        build = json.loads((target / BUILD_INFO_PATH).read_bytes())
        said = build["cell"], keys.short(build["recipe"]), keys.short(build["inputs"])
        return said == (entry.cell, keys.short(entry.recipe), keys.short(entry.inputs))
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(
            f"{target} is not empty, and no Python of ours", hint="--to takes a folder that is new, empty, or a Python of ours"
        ) from None


def place(archive: Path, form: Form, target: Path) -> None:
    """Unpack an archive beside `target`, then give it that name; what was there goes. Raises VerificationFailed, Transient."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
            fresh, old = Path(folder), Path(folder) / "old"
            with _plain(archive, form) as stream:
                members.extract(stream, fresh, TOP)
            if target.exists():
                target.rename(old)
            try:
                (fresh / TOP).rename(target)
            except OSError:
                if old.exists():
                    old.rename(target)
                raise
            if old.exists():
                shutil.rmtree(old)
    except members.Unsafe as error:
        raise VerificationFailed(f"{archive.name} is unsafe: {error}", hint="nothing was installed") from error
    except (tarfile.TarError, EOFError, zlib.error, zstandard.ZstdError, ValueError) as error:
        raise VerificationFailed(f"{archive.name} cannot be unpacked: {error}", hint="nothing was installed") from error
    except OSError as error:
        raise Transient(
            f"cannot install into {target}: {error.strerror or error}", hint="look at the owner and the space of that folder"
        ) from error


@contextmanager
def _plain(archive: Path, form: Form) -> Iterator[IO[bytes]]:
    with archive.open("rb") as packed:
        if form == "tar.gz":
            with gzip.GzipFile(fileobj=packed) as plain:
                yield cast("IO[bytes]", plain)
        else:
            unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW_BYTES)
            with unpacker.stream_reader(packed, read_across_frames=True, closefd=False) as plain:
                yield cast("IO[bytes]", plain)
