"""The dual build: one out-of-tree build of one source in one box, linked twice.

Pass 1 is `--enable-shared`, built and installed whole, so that headers, sysconfig and libpython are those of a shared build,
which is what embedders need. Pass 2 links the objects of pass 1 once more, into an executable that has the interpreter in it,
which is what is fast and needs no run path; `altbininstall` puts it over pass 1's. Both are of the same objects: one training
run serves both, and what link-time optimisation makes of them is decided by each link.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from farm.errors import BuildFailed, Transient
from farm.plan.recipe import Recipe
from workers.build.tree import Tree, read_tar
from workers.engine.protocol import Box, Completed, no_room

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from farm.plan.recipe import Library

_BYTECODE_PARTS = 2
_AVAILABLE, _ROOM_KB = 3, 1024  # the column of `df -P`; with less than that a compiler fails in many odd ways
_SCRIPTS = files("workers.build").joinpath("scripts")
BUILD = "/work/build"
_DESTDIR = "DESTDIR=/work/tree"
TREE = "/work/tree/install"
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
        self._unpack(sources, patches)
        for library in self.recipe.libraries:
            self._library(library)
        self._prepare()
        self._configured()
        self._shared()
        self._static()
        self._finish()
        return self._export(spool)

    def _unpack(self, sources: Sequence[Path], patches: Mapping[str, bytes]) -> None:
        """The source as it is to be configured."""
        self.on_step("unpack")
        self.box.put("/work", _bundle(sources, patches))
        self.box.put("/work", _files({"missing-stdlib.json": json.dumps(dict(self.recipe.missing_stdlib))}))
        self._do("sh", "/work/scripts/unpack.sh", f"/work/{self.recipe.source.file}")
        for advice in self.recipe.advice:
            self._do("sh", "/work/scripts/advise.sh", f"/work/src/{advice.file}", advice.module, advice.sentence)
        if self.recipe.linked:
            lists = "/work/src/Modules/Setup.stdlib.in", f"{BUILD}/Modules/Setup.local"
            self._do("sh", "/work/scripts/linked.sh", *lists, *self.recipe.linked)

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

    def _configured(self) -> None:
        self.on_step("configure")
        self._do("../src/configure", *self._configure, cwd=BUILD)

    def _shared(self) -> None:
        self.on_step("make shared")
        self._make(f"-j{self.jobs}")
        self.on_step("install")
        self._make("install", _DESTDIR)  # one job: parallel installs race in some versions (python/cpython#109796)

    def _static(self) -> None:
        self.on_step("link static")
        self._make("altbininstall", *self.recipe.make_static, _DESTDIR)

    def _finish(self) -> None:
        self.on_step("split debug")
        self._do("sh", "/work/scripts/finish.sh", self.recipe.layout.lib, self.recipe.strip)
        if self.recipe.bytecode != "none":
            self.on_step("bytecode")
            command = self._python(self._interpreter, "bytecode.py", TREE, self.recipe.layout.lib)
            self._do("sh", "-c", _parallel(command))

    def _export(self, spool: Path) -> Compiled:
        self.on_step("export")
        said = json.loads(self._lines(*self._python(self._built, "facts.py"))[-1])
        compiler = self._lines(self._environment.get("CC", "gcc"), "--version")[0]
        with spool.open("wb") as file:
            file.writelines(self.box.get(TREE))
        return Compiled(read_tar(spool, "install"), compiler, str(said["openssl"]), str(said["sqlite"]))

    @property
    def _configure(self) -> tuple[str, ...]:
        """Arguments of configure."""
        return self.recipe.configure

    @property
    def _environment(self) -> dict[str, str]:
        """Of every command of Python's own build."""
        return dict(self.recipe.environment)

    @property
    def _built(self) -> str:
        return f"{TREE}/bin/{self.recipe.layout.executable}"

    @property
    def _interpreter(self) -> str:
        """A Python of this very version that runs on this machine."""
        return self._built

    @staticmethod
    def _python(interpreter: str, script: str, *arguments: str) -> tuple[str, ...]:
        return (interpreter, "-B", "-E", "-s", f"/work/scripts/{script}", *arguments)

    def _lines(self, *argv: str) -> list[str]:
        """What a command that always prints something prints."""
        lines = self._do(*argv).splitlines()
        if not lines:
            raise Transient(f"the engine lost what '{argv[0]}' printed", hint="is the machine overloaded?")
        return lines

    def _make(self, *words: str) -> None:
        self._do("make", *words, *(word.replace("{jobs}", str(self.jobs)) for word in self.recipe.make), cwd=BUILD)

    def _do(
        self, *argv: str, cwd: str = "/work", library: Library | None = None, environment: Mapping[str, str] | None = None
    ) -> str:
        """Runs a command; for a library without the recipe's environment, which is for Python's own build."""
        env = {
            **(_BARE if library else environment or self._environment),
            "SOURCE_DATE_EPOCH": str((library or self.recipe).source.epoch),
        }
        done = self.box.run(argv, env=env, cwd=cwd, on_line=self.on_line)
        if not done.ok:
            self._check_disk(done, argv[0])
            if done.emulator_crashed:
                raise Transient(f"the emulator crashed in '{' '.join(argv)[:200]}'", hint="a native worker needs none")
            tail = "\n".join(done.output.splitlines()[-20:])
            raise BuildFailed(f"'{' '.join(argv)[:200]}' ended with code {done.exit_code}:\n{tail}")
        return done.output

    def _check_disk(self, done: Completed, what: str) -> None:
        """Raise Transient when the engine has no room, or had none: then it is not the cell that failed."""
        if done.disk_full:
            raise no_room(what)
        lines = self.box.run(["df", "-Pk", "/work"]).output.splitlines()
        fields = lines[-1].split() if lines else []
        if len(fields) > _AVAILABLE and fields[_AVAILABLE].isdecimal() and int(fields[_AVAILABLE]) < _ROOM_KB:
            raise Transient(
                f"the engine's disk is full: {fields[_AVAILABLE]} KiB are left in the box",
                hint="make room, e.g. docker system prune",
            )


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
        for script in sorted(_SCRIPTS.iterdir(), key=lambda script: script.name):
            if script.name.endswith((".py", ".sh")):
                _add(tar, f"scripts/{script.name}", script.read_bytes())
    return stream.getvalue()


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid, info.gid, info.mode, info.uname, info.gname = 1000, 1000, 0o644, "", ""
    return info


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    info = _plain(tarfile.TarInfo(name))
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))
