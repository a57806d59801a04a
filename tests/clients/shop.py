"""A small store of Pythons that are shell scripts, served over HTTP on loopback: enough for every client that only installs."""

from __future__ import annotations

import hashlib
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from farm.index import update
from farm.index.model import Entry, Listed
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.store import keys
from farm.store.artifact import BUILD_INFO_PATH, RuntimePackageInfo
from farm.store.folder import FolderStore
from farm.store.http import server
from farm.store.protocol import Store
from tests.publish.staging import PACK, member, tar_of

if TYPE_CHECKING:
    from pathlib import Path

CHANNEL = "stable"
LINK, FOLDER = b"2", b"5"
FORMS = ("tar.gz", "tar.zst")


def now() -> datetime:
    return datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


@dataclass
class Shop:
    """The store, where clients reach it, and what they asked it for."""

    store: Store
    base_url: str
    asked: list[str] = field(default_factory=list)

    def offer(
        self,
        name: str,
        build_id: str = "2026112201",
        signer=None,
        runtime: tuple[str, ...] = (),
        clock=now,
        extra=(),
        behind="",
    ) -> Entry:
        """Publish a Python that prints its version and build, and that is said to need these packages.

        `extra` are further members of its archive; `behind` is a real Python that it hands on to.
        """
        cell = Cell.parse(name)
        triple = f"{load_facts().arches[cell.arch].cpu}-unknown-linux-gnu"
        tar = tar_of([*python(cell, build_id, behind, runtime), *extra])
        folder = keys.artifact_folder(cell, build_id)
        archives = []
        for form in FORMS:
            data = PACK[form](tar)
            key = f"{folder}/{keys.archive_name(cell, triple, build_id, 'install_only', form)}"
            self.store.put(key, data)
            sha256 = hashlib.sha256(data).hexdigest()
            self.store.put(f"{key}.sha256", f"{sha256}  {key.rpartition('/')[2]}\n".encode())
            tar_sha256 = hashlib.sha256(tar).hexdigest()
            archives.append(
                Listed(kind="install_only", format=form, key=key, size=len(data), sha256=sha256, tar_sha256=tar_sha256)
            )
        entry = Entry(
            cell=name,
            build_id=build_id,
            created="2026-11-22T15:30:00Z",
            triple=triple,
            recipe="r",
            inputs=build_id,
            uv=True,
            runtime=runtime,
            metadata=f"{folder}/{keys.metadata_name(cell, triple, build_id)}",
            archives=tuple(archives),
        )
        update.add(self.store, CHANNEL, entry, base_url=self.base_url, clock=clock, signer=signer)
        return entry

    def text(self, key: str) -> str:
        """A file that clients read."""
        return self.store.get(key)[0].decode()

    def url(self, key: str) -> str:
        """Its address."""
        return f"{self.base_url}/{key}"

    def spoil(self, key: str) -> None:
        """Change an archive behind its checksum."""
        path = self.store.root / key
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)


def python(cell: Cell, build_id: str, behind: str = "", runtime: tuple[str, ...] = ()):
    """The members of its archive: what clients look for, and nothing else."""
    series = cell.python.series + ("t" if "freethreaded" in cell.variant else "")
    does = f'exec {behind} "$@"' if behind else f'echo "Python {cell.python} {build_id}"'
    script = f"#!/bin/sh\n{does}\n".encode()
    data = b"# system configuration generated and used by the sysconfig module\nbuild_time_vars = {'VERSION': '3'}\n"
    needed = [RuntimePackageInfo(name=name, modules=("_x",), sonames=("libx.so.1",)) for name in runtime]
    without = RuntimePackageInfo(name="libtk8.6", modules=("_tkinter",), sonames=(), optional=True)
    told = {"cell": str(cell), "recipe": "r", "inputs": build_id, "source": {"name": "x"}}
    told["runtime"] = [package.model_dump(mode="json") for package in (*needed, without)]
    folders = ("python", "python/bin", "python/lib", f"python/lib/python{series}")
    return [
        *(member(name, type=FOLDER, mode=0o755) for name in folders),
        member(f"python/bin/python{series}", script, mode=0o755),
        member("python/bin/python3", type=LINK, linkname=f"python{series}", mode=0o777),
        member("python/bin/python", type=LINK, linkname="python3", mode=0o777),
        member(f"python/lib/python{series}/_sysconfigdata__linux_x86_64-linux-gnu.py", data, mode=0o644),
        member(f"python/lib/python{series}/os.py", b"", mode=0o644),
        member(f"python/{BUILD_INFO_PATH}", json.dumps(told, indent=1).encode()),
    ]


@contextmanager
def serving(root: Path):
    """A shop at a free port of loopback."""
    store = FolderStore(root)
    lines: list[str] = []
    with server(store, "127.0.0.1", 0, log=lines.append) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield Shop(store, f"http://127.0.0.1:{running.server_port}", lines)
        finally:
            running.shutdown()
            thread.join()
