"""`python -m workers verify FILE`: verify an archive on this host, and print the outcome as one JSON document."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.errors import EXIT_OK, BadInput, EngineUnavailable, FarmError, no_room
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from farm.wire.verification import Depth
from workers.build.image import ImageMaker
from workers.build.sources import fetch
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import limits_of
from workers.verify import strangers, wheels
from workers.verify.expected import sources
from workers.verify.run import Ground, matching, of_depth, verify_archive, verify_without_boxes
from workers.verify.unpack import TOP, read_member

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.plan.facts import Facts
    from farm.wire.verification import Verification
    from workers.engine.protocol import Engine
    from workers.verify.strangers import Stranger
    from workers.verify.table import Check


_LONGER = 4  # the suite of CPython alone takes a quarter of an hour on two idle cores


@dataclass(frozen=True)
class Wanted:
    """What of an archive is verified: which checks, in boxes or not, and against which earlier build."""

    depth: Depth = "standard"
    only: tuple[str, ...] = ()
    boxes: bool = True
    earlier: Path | None = None

    @property
    def rows(self) -> tuple[Check, ...]:
        """The checks. Raises BadInput for a glob that no check matches."""
        for text in self.only:
            if not matching((text,)):
                raise BadInput(f"no check has the id {text}", hint="`farm verify` prints the ids; globs such as 'embed.*' work")
        return matching(self.only) if self.only else of_depth(self.depth)

    @property
    def full(self) -> bool:
        """Whether a check needs what only the full depth has: packages and sources of programs that embed and build."""
        return any(check.depth == "full" for check in self.rows)


def verify(arguments: Sequence[str]) -> int:
    """Verify the archive named in the arguments; progress goes to standard error.

    Prints the Verification and gives 0, whatever it found; or prints {"error": Failure} and gives that error's exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m workers verify", description="Verify an archive of this farm.")
    parser.add_argument("file", type=Path, help="an install_only .tar.gz or .tar.zst")
    parser.add_argument(
        "--tree", action="store_true", help="the file is a distro, or plain:CELL: a Python that is not of this farm"
    )
    parser.add_argument(
        "--like", default="", help="an archive that somebody else made, of the same Python and distro as this cell"
    )
    parser.add_argument("--no-engine", action="store_true", help="only look at the archive: run nothing of it")
    parser.add_argument("--depth", choices=("standard", "full"), default="standard", help="how much to check")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="only this check; a glob, may be repeated")
    parser.add_argument("--earlier", type=Path, help="the install_only archive of the build before, for what compares the two")
    chosen = parser.parse_args(arguments)
    wanted = Wanted(chosen.depth, tuple(chosen.only), boxes=not chosen.no_engine, earlier=chosen.earlier)
    try:
        settings, facts = Settings(), load_facts(Settings().facts)
        if chosen.tree or chosen.like:
            others = strangers.peer(chosen.file, chosen.like, facts) if chosen.like else strangers.find(str(chosen.file), facts)
            outcome = verify_stranger(others, facts, settings, wanted)
        else:
            outcome = verify_file(chosen.file, settings, wanted)
    except (FarmError, OSError) as error:
        told = error if isinstance(error, FarmError) else no_room(error)
        if told is None:
            raise
        sys.stdout.write(json.dumps({"error": asdict(told.failure("verify"))}) + "\n")
        return told.exit_code
    sys.stdout.write(outcome.model_dump_json(indent=1) + "\n")
    return EXIT_OK


def verify_file(archive: Path, settings: Settings, wanted: Wanted) -> Verification:
    """Verify an archive against the metadata that lies in it, in boxes if an engine answers. Raises FarmError.

    The build's other archives are verified too, as far as they lie beside it under their own names.
    """
    rows, build = wanted.rows, build_info(archive)
    if not wanted.boxes:
        return verify_without_boxes(archive, build, "no engine was wanted", _say, rows, wanted.earlier)
    try:
        engine = DockerEngine(require(settings).url)
    except EngineUnavailable as missing:
        reason = f"no container engine answers ({missing.hint or missing.message})"
        return verify_without_boxes(archive, build, reason, _say, rows, wanted.earlier)
    return verify_archive(archive, build, _ground(build, engine, settings, wanted), _say, rows)


def verify_stranger(stranger: Stranger, facts: Facts, settings: Settings, wanted: Wanted) -> Verification:
    """Verify a Python that is not of this farm as though we had built it. Raises FarmError."""
    engine = DockerEngine(require(settings).url)
    with tempfile.TemporaryDirectory(prefix="farm-stranger-") as folder:
        archive, build = strangers.Packer(facts, engine, settings, _say).pack(stranger, Path(folder))
        ground = replace(_ground(build, engine, settings, wanted), stranger=True)
        outcome = verify_archive(archive, build, ground, _say, wanted.rows)
    return outcome.model_copy(update={"archive": stranger.name, "optimize": ""})


def build_info(archive: Path) -> BuildInfo:
    """The metadata inside an archive. Raises BadInput when it is not an archive of this farm."""
    data = read_member(archive, f"{TOP}/{BUILD_INFO_PATH}")
    hint = "the metadata in archives of this farm says what they should be; for one of others --like CELL says it"
    if data is None:
        raise BadInput(f"{archive.name} has no {BUILD_INFO_PATH}", hint=hint)
    try:
        return BuildInfo.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{archive.name}: {BUILD_INFO_PATH} is wrong at {where or 'its top'}: {first['msg']}", hint=hint
        ) from error


def _ground(build: BuildInfo, engine: Engine, settings: Settings, wanted: Wanted) -> Ground:
    """The images as a build makes them: the packages to run with are those that the metadata promises to users.

    For depth 'full', what embeds Python for real: the distro's packages are in the builder image, sources are fetched here.
    """
    cell, facts = Cell.parse(build.cell), load_facts(settings.facts)
    builder = compose(cell, Options(optimize="none"), facts, code="").build_packages
    required = tuple(package.name for package in build.runtime if not package.optional)
    distro = facts.distros[cell.distro]
    if wanted.full:
        builder = tuple(sorted({*builder, *distro.facts.embedders}))
    maker = ImageMaker(distro, cell.arch, engine, settings, _say)
    images = maker.images(builder, required, None)
    own = distro.facts.yardsticks.get(build.series) if wanted.full and not build.abiflags else None
    limits = limits_of(settings, settings.verify_deadline_s * (_LONGER if wanted.full else 1))
    programs = {**_sources(cell, settings), **wheels.had(build, numbers(cell), settings, _say)} if wanted.full else {}
    return Ground(
        engine,
        images.runtime,
        images.builder,
        limits,
        distro.family,
        sources=programs,
        facts=settings.facts,
        earlier=wanted.earlier,
        distro=maker.with_packages("distro", tuple(sorted({*builder, *own.packages}))) if own else "",
        distro_python=own.executable if own else "",
    )


def numbers(cell: Cell) -> tuple[int, int, int]:
    """A cell's version, as the limits of rows are."""
    return cell.python.major, cell.python.minor, cell.python.patch


def _sources(cell: Cell, settings: Settings) -> dict[str, Path]:
    """The programs that embed this Python, as far as they can be had; which could not, the checks say."""
    found: dict[str, Path] = {}
    for name, row in sources(numbers(cell)).items():
        try:
            found[name] = fetch(row.source, settings, _say)
        except FarmError as error:
            _say(f"{name}: {error.message}")
    return found


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
