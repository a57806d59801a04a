"""`python -m workers reproduce FOLDER`: build a published artifact again, from its own metadata, and compare file by file.

FOLDER has the artifact's metadata as artifact.json, and its archives under their names; what is made is kept in `again/` there.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import zstandard

from farm.errors import EXIT_OK, BadInput, FarmError
from farm.plan.buildcode import build_code
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.recipe import BaseImage, Inputs
from farm.settings import Settings
from farm.store import members
from farm.store.artifact import Artifact, StepTime
from farm.wire.reproduction import FileDifference, Reproduction, options_of
from workers.build.image import ImageMaker
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import limits_of
from workers.pipeline import Effects, make
from workers.verify.elf import MAGIC
from workers.verify.unpack import TOP, tar_stream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farm.plan.recipe import ArchiveKind
    from farm.store.artifact import ArchiveInfo
    from workers.engine.protocol import Engine

_AGAIN = "again"
_DIFFOSCOPE, _DIFFOSCOPE_S = "diffoscope", 1800


@dataclass(frozen=True)
class Member:
    """What two archives are compared by: all that a tar says of an entry, and its bytes as sha256."""

    kind: bytes
    mode: int
    link: str
    sha256: str
    machine_code: bool


@dataclass
class Told:
    """Says each step and line on standard error; nobody cancels but by Ctrl-C."""

    steps: tuple[StepTime, ...] = field(default=())

    def step(self, name: str) -> None:
        """A step begins."""
        self.line(f"=== {name}")

    def line(self, text: str) -> None:
        """A line of output."""
        sys.stderr.write(f"{text}\n")

    def cancelled(self) -> bool:
        """Never."""
        return False


def reproduce(arguments: Sequence[str]) -> int:
    """Build it again and print the Reproduction, or {"error": Failure}; gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m workers reproduce", description="Build a published artifact again.")
    parser.add_argument("folder", type=Path, help="with artifact.json and the archives that it names")
    folder = parser.parse_args(arguments).folder
    try:
        settings = Settings()
        artifact = Artifact.model_validate_json((folder / "artifact.json").read_bytes())
        done = again(artifact, folder, DockerEngine(require(settings).url), settings)
    except FarmError as error:
        sys.stdout.write(json.dumps({"error": asdict(error.failure("reproduce"))}) + "\n")
        return error.exit_code
    sys.stdout.write(done.model_dump_json() + "\n")
    return EXIT_OK


def again(artifact: Artifact, folder: Path, engine: Engine, settings: Settings) -> Reproduction:
    """Build the artifact's cell by the recipe that our facts and code give now. Raises FarmError."""
    cell, facts, told = Cell.parse(artifact.build.cell), load_facts(settings.facts), Told()
    recipe = compose(cell, options_of(artifact), facts, build_code())
    maker = ImageMaker(facts.distros[cell.distro], cell.arch, engine, settings, told.line)
    target = folder / _AGAIN
    target.mkdir(exist_ok=True)
    made = make(
        recipe,
        _granted(artifact, maker),
        maker,
        Effects(engine, told, settings),
        target,
        limits=limits_of(settings, settings.cell_deadline_s),
        labels={"farm.reproduce": artifact.build.cell},
    )
    same, files = compared(artifact.archives, made.archives, folder, target)
    for kind in {one.kind for one in files}:
        told_apart(
            _file(artifact.archives, kind, folder), _file(made.archives, kind, target), folder / f"{kind}.diffoscope.txt"
        )
    return Reproduction(
        cell=artifact.build.cell,
        build_id=artifact.build_id,
        recipe=recipe.digest,
        inputs=made.images.inputs,
        same=tuple(same),
        files=tuple(files),
        kept=str(folder),
    )


def _granted(artifact: Artifact, maker: ImageMaker) -> Inputs | None:
    """The inputs of the published build if this engine still has its base image; its builder image is used if that is there."""
    build = artifact.build
    packages = tuple((package.name, package.version) for package in build.builder_packages)
    image = maker.kept_base(build.base_image.layers)
    if not image:
        return None
    return Inputs(BaseImage(image, build.base_image.how, build.base_image.layers), packages, build.built)


def compared(
    published: Sequence[ArchiveInfo], made: Sequence[ArchiveInfo], folder: Path, target: Path
) -> tuple[list[ArchiveKind], list[FileDifference]]:
    """The kinds whose bytes agree, and the files of the others that do not."""
    before, after = ({archive.kind: archive.tar_sha256 for archive in archives} for archives in (published, made))
    same = [kind for kind in before if before[kind] == after.get(kind)]
    differences: list[FileDifference] = []
    for kind in dict.fromkeys((*before, *after)):
        if kind not in same:
            old = contents(_file(published, kind, folder)) if kind in before else {}
            new = contents(_file(made, kind, target)) if kind in after else {}
            differences += _differences(kind, old, new)
    return same, differences


def _differences(kind: ArchiveKind, old: Mapping[str, Member], new: Mapping[str, Member]) -> Iterator[FileDifference]:
    for path in sorted({*old, *new}):
        was, now = old.get(path), new.get(path)
        if was == now:
            continue
        if was is None or now is None:
            said = "only in the published archive" if now is None else "only in the one that was made now"
        else:
            parts = (
                ("kind", was.kind, now.kind),
                ("mode", was.mode, now.mode),
                ("target", was.link, now.link),
                ("bytes", was.sha256, now.sha256),
            )
            said = "other " + ", ".join(name for name, one, other in parts if one != other)
        code = any(member is not None and member.machine_code for member in (was, now))
        yield FileDifference(kind=kind, path=path, said=said, machine_code=code)


def contents(archive: Path) -> dict[str, Member]:
    """What an archive has, by its path below the top folder; nothing of it is unpacked. Raises BadInput."""
    found: dict[str, Member] = {}
    try:
        with tar_stream(archive) as stream, members.opened(stream, "r|*") as tar:
            for info in members.bounded(tar, members.LIMITS):
                file = tar.extractfile(info) if info.isreg() else None
                data = file.read() if file else b""
                sha256 = hashlib.sha256(data).hexdigest() if file else ""
                found[info.name.removeprefix(f"{TOP}/")] = Member(
                    info.type, info.mode, info.linkname, sha256, data.startswith((MAGIC, b"!<arch>"))
                )
    except (OSError, EOFError, ValueError, tarfile.TarError, zstandard.ZstdError, members.TooMuch) as problem:
        raise BadInput(
            f"{archive.name} cannot be read: {problem}", hint="farm verify-store looks at the whole store"
        ) from problem
    return found


def _file(archives: Sequence[ArchiveInfo], kind: ArchiveKind, folder: Path) -> Path:
    """The archive of a kind; of several forms the one that is quickest to read."""
    names = sorted(archive.name for archive in archives if archive.kind == kind)
    return folder / names[-1]


def told_apart(published: Path, made: Path, target: Path) -> None:
    """Keep what diffoscope says, where it is installed."""
    if program := shutil.which(_DIFFOSCOPE):
        argv = [program, "--text", str(target), str(published), str(made)]
        try:
            subprocess.run(argv, check=False, timeout=_DIFFOSCOPE_S)  # noqa: S603 - found by name, with paths of ours
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"diffoscope took longer than {_DIFFOSCOPE_S} s and was ended\n")
