"""The dual build: two out-of-tree builds of one source in one box, the second giving only the executable.

Pass 1 (`shared`) is built and installed whole, so that headers, sysconfig and libpython are those of a shared build, which
is what embedders need. Pass 2 (`static`) gives the executable with the interpreter linked in, which is what is fast and
needs no run path; `altbininstall` puts it over pass 1's.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from farm.errors import BuildFailed
from farm.plan.recipe import Recipe
from workers.build.tree import Tree, read_tar
from workers.engine.protocol import Box

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from farm.plan.recipe import Library, Optimize

# What pass 2 has to make. Profiling trains the interpreter on its own test suite, which needs all the extension modules.
_STATIC_TARGETS: Mapping[Optimize, tuple[str, ...]] = {"none": ("python",), "pgo": (), "pgo+lto": ()}
_BYTECODE_PARTS = 2
_SCRIPTS = ("unpack.sh", "library.sh", "finish.sh", "bytecode.py", "facts.py")
_TREE = "/work/tree/install"
_BARE: Mapping[str, str] = {"LC_ALL": "C.UTF-8", "TZ": "UTC"}


@dataclass(frozen=True)
class Compiled:
    """What came out of the box: the tree as it was installed, and what compiler and Python say of themselves."""

    tree: Tree
    compiler: str
    openssl: str
    sqlite: str


@dataclass(frozen=True)
class Passes:
    """Runs the steps of a dual build in a box; every step either succeeds or raises BuildFailed with its last lines."""

    box: Box
    recipe: Recipe
    jobs: int
    on_step: Callable[[str], None]
    on_line: Callable[[str], None]

    def run(self, sources: Sequence[Path], patches: Mapping[str, bytes], spool: Path) -> Compiled:
        """Build from source archives (Python's, then those of `recipe.libraries`) and patches.

        The tree's contents are kept in the new file `spool`.
        """
        self.on_step("unpack")
        self.box.put("/work", _bundle(sources, patches))
        self._do("sh", "/work/scripts/unpack.sh", f"/work/{self.recipe.source.file}")
        for library in self.recipe.libraries:
            self._library(library)
        self._prepare()
        self._shared()
        self._static()
        self._finish()
        return self._export(spool)

    def _prepare(self) -> None:
        """What has to be there before configure runs."""

    def _library(self, library: Library) -> None:
        """Headers and libraries into /work/private/install; what is shipped into /work/private/ship."""
        self.on_step(f"make {library.name}")
        folder = f"/work/private/{library.name}"
        ship = ["sh", "/work/scripts/library.sh"]
        self._do(*ship, "unpack", f"/work/{library.source.file}", folder)
        self.box.put(folder, _files(dict(library.files)))
        for command in library.commands:
            self._do(*(word.replace("{jobs}", str(self.jobs)) for word in command), cwd=folder, library=library)
        self._do(*ship, "ship", folder, library.license, *library.sonames)

    def _shared(self) -> None:
        self.on_step("configure shared")
        self._configure("shared", self.recipe.configure_shared)
        self.on_step("make shared")
        self._make("shared")
        self.on_step("install")
        # one job: parallel installs race in some versions (python/cpython#109796)
        self._do("make", "install", *self.recipe.make, "DESTDIR=/work/tree", cwd="/work/shared")

    def _static(self) -> None:
        self.on_step("configure static")
        self._configure("static", self.recipe.configure_static)
        self.on_step("make static")
        self._make("static", *_STATIC_TARGETS[self.recipe.optimize])
        self.on_step("overlay")
        self._do("make", "altbininstall", *self.recipe.make, "DESTDIR=/work/tree", cwd="/work/static")

    def _finish(self) -> None:
        self.on_step("split debug")
        self._do("sh", "/work/scripts/finish.sh", self.recipe.layout.lib, self.recipe.strip)
        if self.recipe.bytecode != "none":
            self.on_step("bytecode")
            command = self._python(self._interpreter, "bytecode.py", _TREE, self.recipe.layout.lib)
            self._do("sh", "-c", _parallel(command))

    def _export(self, spool: Path) -> Compiled:
        self.on_step("export")
        said = json.loads(self._do(*self._python(self._built, "facts.py")).splitlines()[-1])
        compiler = self._do("gcc", "--version").splitlines()[0]
        with spool.open("wb") as file:
            file.writelines(self.box.get(_TREE))
        return Compiled(read_tar(spool, "install"), compiler, str(said["openssl"]), str(said["sqlite"]))

    @property
    def _built(self) -> str:
        return f"{_TREE}/bin/{self.recipe.layout.executable}"

    @property
    def _interpreter(self) -> str:
        """A Python of this very version that runs on this machine."""
        return self._built

    @property
    def _environment(self) -> dict[str, str]:
        """Of every command of Python's own build."""
        return dict(self.recipe.environment)

    @staticmethod
    def _python(interpreter: str, script: str, *arguments: str) -> tuple[str, ...]:
        return (interpreter, "-B", "-E", "-s", f"/work/scripts/{script}", *arguments)

    def _configure(self, folder: str, arguments: Sequence[str]) -> None:
        self._do("../src/configure", *arguments, cwd=f"/work/{folder}")

    def _make(self, folder: str, *targets: str) -> None:
        self._do("make", f"-j{self.jobs}", *targets, *self.recipe.make, cwd=f"/work/{folder}")

    def _do(
        self, *argv: str, cwd: str = "/work", library: Library | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        """Runs a command; for a library without the recipe's environment, which is for Python's own build."""
        env = {
            **(_BARE if library else environment or self._environment),
            "SOURCE_DATE_EPOCH": str((library or self.recipe).source.epoch),
            "CONFIG_SITE": "/work/config.site",
        }
        done = self.box.run(argv, env=env, cwd=cwd, on_line=self.on_line)
        if not done.ok:
            tail = "\n".join(done.output.splitlines()[-20:])
            raise BuildFailed(f"'{' '.join(argv)[:200]}' ended with code {done.exit_code}:\n{tail}")
        return done.output


def _parallel(argv: Sequence[str]) -> str:
    """One shell command that runs all parts at once and fails when one of them fails."""
    starts = "\n".join(f'{" ".join(argv)} {part} {_BYTECODE_PARTS} & pids="$pids $!"' for part in range(_BYTECODE_PARTS))
    return f'{starts}\nfor pid in $pids; do wait "$pid" || exit 1; done'


def _files(texts: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in texts.items():
            _add(tar, name, text.encode())
    return stream.getvalue()


def _bundle(sources: Sequence[Path], patches: Mapping[str, bytes]) -> bytes:
    """What goes into the box: the source archives, the patches and the scripts, as one tar."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for source in sources:
            tar.add(source, arcname=source.name, filter=_plain)
        for name, data in sorted(patches.items()):
            _add(tar, f"patches/{name}", data)
        for name in _SCRIPTS:
            _add(tar, f"scripts/{name}", files("workers.build").joinpath("scripts", name).read_bytes())
    return stream.getvalue()


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid, info.gid, info.mode, info.uname, info.gname = 1000, 1000, 0o644, "", ""
    return info


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = _plain(tarfile.TarInfo(name))
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
