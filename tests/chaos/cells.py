"""Small cells: a real little source archive for each, and the facts that make the farm's own pipeline build them.

Nothing of the farm is replaced: only rows differ. A cell takes seconds, and what a right build of it holds is known beforehand.
"""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path

from farm.plan.facts import load_facts
from farm.wire.queue import host_arch
from workers.verify.run import of_depth

SOURCE = Path(__file__).with_name("small")
PROOF = "share/small/proof"
# No row of ours is about it alone: neither what ended with 2.7 nor what came with 3.9.
SERIES = "3.5"
DISTRO = "small13"
LIKE = "debian13"
EPOCH = 1_700_000_000
# What every archive is checked for, whatever is in it; the rest asks for a Python.
APPLICABLE = (
    *("archive.layout", "archive.metadata", "linkage.executable", "linkage.runpath", "linkage.machine", "linkage.policy"),
    "paths.text",
)
_TOOLCHAIN = ("gcc", "libc6-dev", "make", "patchelf")


@dataclass(frozen=True)
class SmallCells:
    """A folder with the facts, the source archives and the matrix of some small cells."""

    folder: Path
    count: int

    @property
    def facts(self) -> Path:
        return self.folder / "facts"

    @property
    def sources(self) -> Path:
        return self.folder / "sources"

    @property
    def matrix(self) -> Path:
        return self.folder / "matrix.yaml"

    @property
    def versions(self) -> tuple[str, ...]:
        return tuple(f"{SERIES}.{number}" for number in range(101, 101 + self.count))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{version}-{DISTRO}-{host_arch()}" for version in self.versions)

    @staticmethod
    def proof(cell: str) -> bytes:
        """What a right archive of a cell holds at `PROOF`, found without the farm."""
        version = cell.partition("-")[0]
        return hashlib.sha256(f"small {version}".encode()).hexdigest().encode() + b"\n"


def small_cells(folder: Path, count: int) -> SmallCells:
    """Write all of it."""
    made = SmallCells(folder, count)
    for part in (made.facts / "distros", made.sources):
        part.mkdir(parents=True)
    (made.facts / "sources.toml").write_text("\n".join(_source_row(made.sources, version) for version in made.versions))
    (made.facts / "pythons.toml").write_text(_SERIES_ROW)
    (made.facts / "distros" / f"{DISTRO}.toml").write_text(_distro())
    (made.facts / "expected.toml").write_text(_expected())
    versions = ", ".join(f'"{version}"' for version in made.versions)
    made.matrix.write_text(
        f"pythons: [{versions}]\ndistros: [{DISTRO}]\narches: [{host_arch()}]\noptimize: none\nchannel: dev\n"
    )
    return made


_SERIES_ROW = f"""
["{SERIES}"]
status = "prerelease"
eol = 2099-12-31
lib = "small{{series}}"
executable = "small{{series}}"
soname = "libsmall{{series}}.so.1.0"
names = ["small"]
bytecode = "none"
bytecode_why = "a small cell has no modules in Python"
uv = false
"""


def _source_row(folder: Path, version: str) -> str:
    name = f"Small-{version}.tar.gz"
    data = source_archive(version)
    (folder / name).write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    return f'["{version}"]\nfile = "{name}"\nsha256 = "{digest}"\npath = "{version}/{name}"\nepoch = {EPOCH}\n'


def source_archive(version: str) -> bytes:
    """The source of a version, as its upstream would pack it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        files = {path.relative_to(SOURCE).as_posix(): path.read_bytes() for path in SOURCE.rglob("*") if path.is_file()}
        for name, data in sorted({**files, "VERSION": f"{version}\n".encode()}.items()):
            info = tarfile.TarInfo(f"Small-{version}/{name}")
            info.size, info.mtime, info.mode = len(data), EPOCH, 0o755 if name == "configure" else 0o644
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def _distro() -> str:
    """Debian with nothing but what a C program takes: its images are small, and made in seconds."""
    needless = [name for name in load_facts().distros[LIKE].facts.provides if name != "libc"]
    empty = "\n".join(f"[provides.{name}]\nbuild = []\nruntime = []\n" for name in needless)
    return f'inherits = "{LIKE}"\ntoolchain = {list(_TOOLCHAIN)}\n\n{empty}'.replace("'", '"')


def _expected() -> str:
    asks_for_python = [check.id for check in of_depth("full") if check.id not in APPLICABLE]
    names = ", ".join(f'"{name}"' for name in asks_for_python)
    return f'[[inapplicable]]\nchecks = [{names}]\nsince = "{SERIES}"\nuntil = "{SERIES}"\nwhy = "a small cell is no Python"\n'
