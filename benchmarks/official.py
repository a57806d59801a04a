"""The official Docker image's recipe in a box: a single shared build, its flags as rows of data (official.toml)."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import BuildFailed
from farm.plan.rows import ConfigureRow, FlagRow
from farm.plan.scope import Place
from workers.engine.protocol import Box
from workers.verify.probe import parcel

if TYPE_CHECKING:
    from farm.plan.cell import Cell
    from farm.plan.recipe import Optimize
    from farm.settings import Settings

RECIPE = Path(__file__).with_name("official.toml").read_text(encoding="utf-8")
_ROWS = tomllib.loads(RECIPE)
TEMPLATE: str = _ROWS["template"]
MOST: dict[str, float] = {name: float(row["most"]) for name, row in _ROWS["goal"].items()}
LEFT_OUT: dict[str, dict[str, str]] = _ROWS["left_out"]
CONFIGURE = tuple(ConfigureRow(**row) for row in _ROWS["configure"].values())
FLAGS = tuple(FlagRow(**row) for row in _ROWS["flags"].values())
PACKAGES = ("dpkg-dev",)  # dpkg-architecture and dpkg-buildflags
ROOT = "/work/single"
INSTALL = f"{ROOT}/install"
_SOURCE = f"{ROOT}/source"


def place(cell: Cell, optimize: Optimize) -> Place:
    """Where rows are asked; what a distro has packages for says nothing to them."""
    version = (cell.python.major, cell.python.minor, cell.python.patch)
    return Place(version, frozenset({cell.distro}), frozenset(), (), (), cell.arch, cell.variant, optimize)


def configure(at: Place, triple: str) -> list[str]:
    """Arguments of configure."""
    return [row.arg.format(triple=triple) for row in CONFIGURE if row.holds(at)]


def words(at: Place, compiling: str, linking: str) -> dict[str, str]:
    """Words for make, of the distro's own flags and the rows."""
    ours = {goes: [row.flag for row in FLAGS if row.goes_to == goes and row.holds(at)] for goes in ("compile", "link")}
    return {"EXTRA_CFLAGS": " ".join([compiling, *ours["compile"]]), "LDFLAGS": ",".join([linking or "-Wl", *ours["link"]])}


def kept_tree(settings: Settings, cell: Cell, optimize: str) -> Path:
    """Where a tree that was built so lies as a tar, so that it can be compared with ours."""
    return settings.cache / "benchmarks" / f"official-{cell}-{optimize}.tar"


@dataclass(frozen=True)
class Single:
    """Runs the steps in a box. Each succeeds or raises BuildFailed."""

    box: Box
    at: Place
    jobs: int
    on_step: Callable[[str], None]
    on_line: Callable[[str], None]

    def run(self, source: Path) -> None:
        """Build and install from the source archive."""
        self.on_step("unpack")
        self.box.put("/work", parcel({source.name: source.read_bytes()}))
        self._do("sh", "-c", f"mkdir -p {_SOURCE} && tar -xf /work/{source.name} -C {_SOURCE} --strip-components=1")
        self.on_step("configure")
        triple = self._do("dpkg-architecture", "--query", "DEB_BUILD_GNU_TYPE").strip()
        self._do("./configure", *configure(self.at, triple), cwd=_SOURCE)
        flags = words(self.at, *(self._do("dpkg-buildflags", "--get", name).strip() for name in ("CFLAGS", "LDFLAGS")))
        self.on_step("make")
        self._make(f"-j{self.jobs}", **flags)
        self.on_step("link again")
        self._do("rm", "python", cwd=_SOURCE)
        self._make(f"-j{self.jobs}", "python", **{**flags, "LDFLAGS": f"{flags['LDFLAGS']},-rpath='$$ORIGIN/../lib'"})
        self.on_step("install")
        self._make("install")
        self.on_step("keep")
        self._do(f"{INSTALL}/bin/python3", "-c", "import ssl, sqlite3")  # what was built finds its libpython, and is whole

    def _make(self, *targets: str, **flags: str) -> None:
        self._do("make", *targets, *(f"{name}={value}" for name, value in flags.items()), cwd=_SOURCE)

    def _do(self, *argv: str, cwd: str = "/work") -> str:
        done = self.box.run(argv, cwd=cwd, on_line=self.on_line)
        if not done.ok:
            tail = "\n".join(done.output.splitlines()[-20:])
            raise BuildFailed(f"'{' '.join(argv)[:200]}' ended with code {done.exit_code}:\n{tail}")
        return done.output
