"""Trees that are not of this farm, as archives that can be verified like ours: the distro's own Python, and a plain build.

What they are compared with is what a build of ours of the same version says of itself, so that a report tells what they lack.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import BadInput, BuildFailed
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.distro_rows import YardstickRow
from farm.plan.facts import Facts
from farm.plan.options import Options
from farm.plan.yardstick import choose
from farm.settings import Settings
from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from farm.wire.queue import host_arch
from workers.build.compile import Compiled
from workers.build.describe import describe
from workers.build.image import ImageMaker
from workers.build.modules import expected, source_lists
from workers.build.pack import divide, pack
from workers.build.sources import fetch
from workers.build.tree import Content, Entry, read_tar
from workers.engine.protocol import BoxSpec, Engine, limits_of
from workers.verify.facts import Itself
from workers.verify.probe import ProbeFailed, ask, parcel, probe_files, script
from workers.verify.unpack import TOP, tar_stream

if TYPE_CHECKING:
    from farm.plan.recipe import Recipe
    from workers.engine.protocol import Box

_PLAIN = "plain:"
_STAGED = "/work/installed"
_PEERS = f"/work/scratch/{TOP}"
_USR, _LOCAL = "/usr", "/usr/local"


@dataclass(frozen=True)
class Stranger:
    """Which tree is meant, and our cell like it: the distro's own (`row`), one that lies in an `archive` of somebody else, or
    one that is built by the commands of CPython's README.
    """

    name: str
    cell: Cell
    row: YardstickRow | None = None
    archive: Path | None = None


@dataclass(frozen=True)
class Packer:
    """Packs a stranger's tree with an engine of this host."""

    facts: Facts
    engine: Engine
    settings: Settings
    on_line: Callable[[str], None]

    def pack(self, stranger: Stranger, folder: Path) -> tuple[Path, BuildInfo]:
        """An `install_only.tar.gz` in the folder, and the metadata that a build of ours would have. Raises FarmError."""
        recipe = compose(stranger.cell, Options(optimize="none"), self.facts, code="")
        source = fetch(recipe.source, self.settings, self.on_line)
        own = (*stranger.row.packages, *stranger.row.besides) if stranger.row else ()
        maker = ImageMaker(
            self.facts.distros[stranger.cell.distro], stranger.cell.arch, self.engine, self.settings, self.on_line
        )
        builder, inputs = maker.resolve(recipe.build_packages)
        image = maker.with_packages("stranger", tuple(sorted({*recipe.build_packages, *own}))) if own else builder
        spool = folder / "tree.tar"
        with self.engine.box(BoxSpec(image, limits_of(self.settings, self.settings.cell_deadline_s))) as box:
            box.put("/work", parcel(probe_files(), ["scratch"]))
            told = self._gathered(box, stranger, recipe, source)
            with spool.open("wb") as file:
                file.writelines(box.get("/work/tree"))
        tree = divide(read_tar(spool, "tree"), recipe.trims, recipe.layout.lib)["install_only"]
        compiled = Compiled(tree, "", told.openssl, told.sqlite)
        ours = describe(recipe, inputs, compiled, expected(source_lists(source), recipe), tree, self.facts)
        build = alike(ours, frozenset(told.builtin))
        metadata = Entry("file", Content.of((build.model_dump_json(indent=1) + "\n").encode()))
        pack({"install_only": tree}, {BUILD_INFO_PATH: metadata}, recipe.source.epoch, folder, tight=False)
        return folder / "install_only.tar.gz", build

    def _gathered(self, box: Box, stranger: Stranger, recipe: Recipe, source: Path) -> Itself:
        """Have its files in /work/tree; gives what it says of itself."""
        if stranger.archive:
            return self._peers(box, recipe, stranger.archive)
        return self._distros(box, stranger.cell, stranger.row) if stranger.row else self._built(box, recipe, source)

    def _peers(self, box: Box, recipe: Recipe, archive: Path) -> Itself:
        """Unpack an archive that somebody else made."""
        try:
            with tar_stream(archive) as stream:
                box.put("/work/scratch", stream)
        except OSError as problem:
            raise BadInput(
                f"{archive} cannot be read: {problem.strerror}", hint="give the path of a .tar.gz or .tar.zst"
            ) from problem
        self._do(box, 'find "$1" > /tmp/listed && sh /work/probes/gather.sh "$1" none /work/tree < /tmp/listed', _PEERS)
        return _told(box, f"/work/tree/bin/{recipe.layout.executable}", {})

    def _distros(self, box: Box, cell: Cell, row: YardstickRow) -> Itself:
        """Gather what the distro's packages of its Python have under /usr; gives what it says of itself."""
        listing = self.facts.distros[cell.distro].family.files
        if not listing:
            raise BadInput(
                f"the facts do not say how {cell.distro} lists the files of packages", hint="see 'files' in families.toml"
            )
        self._do(box, f"{listing} > /tmp/listed", *row.sources, *row.besides_sources)
        self._do(
            box, 'sh /work/probes/gather.sh "$1" "$2" /work/tree < /tmp/listed', _USR, self.facts.arches[cell.arch].multiarch
        )
        return _told(box, row.executable, {})

    def _built(self, box: Box, recipe: Recipe, source: Path) -> Itself:
        """Build and install it as CPython's README says; gives what it says of itself."""
        jobs = f"-j{self.settings.make_jobs}"
        box.put("/work", parcel({source.name: source.read_bytes()}))
        self._do(box, 'mkdir src && tar -xf "$1" -C src --strip-components=1', source.name)
        self._do(box, 'cd src && ./configure --enable-shared && make "$1"', jobs)
        self._do(box, 'cd src && make install DESTDIR="$1"', _STAGED)  # a box's own folders cannot be written
        place = f"{_STAGED}{_LOCAL}"
        self._do(box, 'find "$1" > /tmp/listed && sh /work/probes/gather.sh "$1" "$2" /work/tree < /tmp/listed', place, "none")
        environment = {"LD_LIBRARY_PATH": f"{place}/lib"}  # without it nothing runs: the loader does not look there by itself
        return _told(box, f"{place}/bin/{recipe.layout.executable}", environment)

    def _do(self, box: Box, text: str, *arguments: str) -> None:
        done = box.run(["sh", "-ec", text, "sh", *arguments], on_line=self.on_line)
        if not done.ok:
            raise BuildFailed(f"a tree could not be had: {' | '.join(done.output.splitlines()[-5:])}")


def _told(box: Box, executable: str, environment: dict[str, str]) -> Itself:
    try:
        return ask(box, [executable, "-B", "-E", "-s", script("itself.py")], Itself, env=environment)
    except ProbeFailed as problem:
        raise BuildFailed(f"{executable} does not run: {problem}") from problem


def alike(ours: BuildInfo, builtin: frozenset[str]) -> BuildInfo:
    """The metadata of a build of ours that has these modules linked in.

    Which modules that are is everybody's own choice, and so which libraries the interpreter itself needs; one that nothing
    needs is then in the tree itself. That a module is nowhere, or a library of nobody, is still seen.
    """
    modules = ours.modules
    linked_in = builtin & {*modules.shared, *modules.tests}
    needed = set(ours.elf.sonames)
    runtime = [
        package.model_copy(
            update={"modules": (*package.modules, "") if linked_in.intersection(package.modules) else package.modules}
        )
        for package in ours.runtime
        if not package.sonames or needed.intersection(package.sonames)
    ]
    update = {"builtin": tuple(sorted({*modules.builtin, *linked_in})), "shared": tuple(sorted({*modules.shared} - builtin))}
    return ours.model_copy(update={"modules": modules.model_copy(update=update), "runtime": tuple(runtime)})


def peer(archive: Path, like: str, facts: Facts) -> Stranger:
    """The tree in an archive that somebody else made, and the cell of ours that it is compared with. Raises BadInput."""
    cell = Cell.parse(like)
    facts.check(cell)
    return Stranger(archive.name, cell, archive=archive)


def find(text: str, facts: Facts) -> Stranger:
    """The tree that words name: a distro ('debian13'), or 'plain:' and a cell. Raises BadInput."""
    if text.startswith(_PLAIN):
        cell = Cell.parse(text.removeprefix(_PLAIN))
        facts.check(cell)
        return Stranger(f"a plain build of {cell}", cell)
    chosen = choose(facts, text, "", host_arch())
    return Stranger(f"the own Python of {text}", chosen.cell, chosen.row)
