"""The archive under test, unpacked and put in its boxes: all that a check may look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from farm.errors import BadInput
from farm.plan.cell import Version
from farm.plan.distro_rows import FamilyRow
from farm.plan.recipe import ArchiveKind
from farm.store.artifact import BuildInfo
from farm.wire.queue import host_arch
from workers.engine.protocol import Box
from workers.verify import elf, facts, symbols
from workers.verify.probe import SOURCES, ProbeFailed, ask, script
from workers.verify.unpack import Member, Unpacked, unpack

# A space and a letter that is not ASCII: every quoting mistake of a script shows. The builder's place has neither, because
# the words that `python3-config` prints, and make, cannot carry a space for any Python.
RUNTIME_PLACE = "a place/py thön"
BUILDER_PLACE = "elsewhere/opt"


@dataclass(frozen=True)
class Before:
    """The build before the one under test: its archive, and a safe copy of its tree on this host."""

    archive: Path
    tree: Path


@dataclass(frozen=True)
class Subject:
    """What is verified. `tree` is a safe copy on this host, only to be read; a box is None when no engine answers.
    `others` are the build's other archives, as far as they are there; `earlier` is that of the build before.
    `twins` are second boxes, by the table's names for them.

    `root` is where the tree lies in the runtime box, `builder_root` in the builder box. What several checks need is
    gathered once, when the first asks. `overlay` is the operator's own folder of facts. `distro_python` is the distro's own
    executable of the same series, in the box of that name. A `stranger` is not of this farm.
    """

    archive: Path
    members: tuple[Member, ...]
    tree: Path
    build: BuildInfo
    runtime: Box | None = None
    builder: Box | None = None
    family: FamilyRow | None = None
    others: Mapping[ArchiveKind, Path] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    earlier: Path | None = None
    twins: Mapping[str, Box] = field(default_factory=dict)
    overlay: Path | None = None
    distro_python: str = ""
    stranger: bool = False
    root: str = f"/work/{RUNTIME_PLACE}/python"
    builder_root: str = f"/work/{BUILDER_PLACE}/python"

    @property
    def python(self) -> str:
        """The executable in the runtime box."""
        return f"{self.root}/bin/{self.build.executable}"

    @property
    def version(self) -> tuple[int, int, int]:
        """The Python's version in numbers, as the limits of rows are."""
        version = Version.parse(self.build.python)
        return (version.major, version.minor, version.patch)

    @property
    def library(self) -> Path:
        """The library folder of the tree on this host."""
        return self.tree / "lib" / self.build.lib

    @property
    def emulated(self) -> bool:
        """Whether its programs run here by an emulator only."""
        return self.build.arch != host_arch()

    def source(self, name: str) -> str:
        """Where a source archive lies in the builder box. Raises ProbeFailed when it is not there."""
        if name not in self.sources:
            raise ProbeFailed(f"the source of {name} is not there")
        return f"{SOURCES}/{name}"

    @property
    def in_runtime(self) -> Box:
        """The runtime box; a check that asks for it stands in the table as 'runtime', and runs only when there is one."""
        if self.runtime is None:
            raise ProbeFailed("there is no runtime box")
        return self.runtime

    @property
    def in_builder(self) -> Box:
        """The builder box; as above."""
        if self.builder is None:
            raise ProbeFailed("there is no builder box")
        return self.builder

    def twin(self, name: str) -> Box:
        """A second box that sees the first one's folder read-only. Raises ProbeFailed when there is none."""
        if name not in self.twins:
            raise ProbeFailed(f"there is no {name} box")
        return self.twins[name]

    @cached_property
    def before(self) -> Before:
        """The build before this one, unpacked. Raises ProbeFailed when there is none, or nobody can unpack it."""
        if self.earlier is None:
            raise ProbeFailed("there is no earlier build")
        try:
            return Before(self.earlier, unpack(self.earlier, self.tree.parent / "earlier").tree)
        except BadInput as problem:
            raise ProbeFailed(f"the build before: {problem.message}") from problem

    def companion(self, kind: ArchiveKind) -> Unpacked:
        """Another archive of the build, unpacked when the first check asks. Raises ProbeFailed when nobody can unpack it."""
        if kind not in self._companions:
            try:
                self._companions[kind] = unpack(self.others[kind], self.tree.parent / f"beside {kind}")
            except BadInput as problem:
                raise ProbeFailed(f"the {kind} archive: {problem.message}") from problem
        return self._companions[kind]

    @cached_property
    def _companions(self) -> dict[ArchiveKind, Unpacked]:
        return {}

    @cached_property
    def elf(self) -> elf.Scan:
        """Every ELF file of the tree."""
        return elf.scan(self.tree)

    @cached_property
    def symbols(self) -> dict[str, symbols.Symbols]:
        """The dynamic symbols of every ELF file, by its path in the tree."""
        return {elf.path: symbols.read(self.tree / elf.path) for elf in self.elf.elves}

    @cached_property
    def imports(self) -> facts.Imports:
        """What the interpreter could import. Raises ProbeFailed."""
        modules = self.build.modules
        names = json.dumps(sorted({*modules.stdlib, *modules.shared, *modules.builtin}))
        return ask(self.in_runtime, [self.python, script("imports.py"), names], facts.Imports)

    @cached_property
    def linked(self) -> facts.Linked:
        """What the loader of the runtime box says of every ELF file. Raises ProbeFailed."""
        paths = json.dumps([f"{self.root}/{elf.path}" for elf in self.elf.elves])
        return ask(self.in_runtime, [self.python, script("linked.py"), paths], facts.Linked)

    @cached_property
    def optional_sonames(self) -> frozenset[str]:
        """Libraries that may be absent at run time."""
        return frozenset(soname for package in self.build.runtime if package.optional for soname in package.sonames)
