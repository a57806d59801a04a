"""The digest of the code that builds: part of every recipe, so that a change of it makes what it built stale."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_SUFFIXES = {".py", ".sh"}


@cache
def build_code() -> str:
    """sha256 over the names and bytes of `workers/build`, as hex. Does not import it."""
    spec = find_spec("workers")  # finding a top-level package runs none of its code
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the package 'workers' is not installed")
    return digest_of_folder(Path(next(iter(spec.submodule_search_locations))) / "build")


def digest_of_folder(folder: Path) -> str:
    """sha256 over the names and bytes of all Python and shell files below a folder, as hex."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES and path.is_file()):
        total.update(f"{path.relative_to(folder).as_posix()}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
