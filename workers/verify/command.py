"""`python -m workers verify FILE`: verify an archive on this host, and print the outcome as one JSON document."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.errors import EXIT_OK, BadInput, EngineUnavailable, FarmError
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from workers.build.image import ImageMaker
from workers.build.sources import fetch
from workers.engine.docker import DockerEngine
from workers.engine.host import require
from workers.engine.protocol import limits_of
from workers.verify.expected import sources
from workers.verify.run import Ground, verify_archive, verify_without_boxes
from workers.verify.unpack import TOP, read_member

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.wire.verification import Depth, Verification
    from workers.engine.protocol import Engine


def verify(arguments: Sequence[str]) -> int:
    """Verify the archive named in the arguments; progress goes to standard error.

    Prints the Verification and gives 0, whatever it found; or prints {"error": Failure} and gives that error's exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m workers verify", description="Verify an archive of this farm.")
    parser.add_argument("file", type=Path, help="an install_only .tar.gz or .tar.zst")
    parser.add_argument("--no-engine", action="store_true", help="only look at the archive: run nothing of it")
    parser.add_argument("--depth", choices=("standard", "full"), default="standard", help="how much to check")
    chosen = parser.parse_args(arguments)
    try:
        outcome = verify_file(chosen.file, Settings(), boxes=not chosen.no_engine, depth=chosen.depth)
    except FarmError as error:
        sys.stdout.write(json.dumps({"error": asdict(error.failure("verify"))}) + "\n")
        return error.exit_code
    sys.stdout.write(outcome.model_dump_json(indent=1) + "\n")
    return EXIT_OK


def verify_file(archive: Path, settings: Settings, *, boxes: bool, depth: Depth = "standard") -> Verification:
    """Verify an archive against the metadata that lies in it, in boxes if an engine answers. Raises FarmError.

    The build's other archives are verified too, as far as they lie beside it under their own names.
    """
    build = build_info(archive)
    if not boxes:
        return verify_without_boxes(archive, build, "no engine was wanted", _say, depth)
    try:
        engine = DockerEngine(require(settings).url)
    except EngineUnavailable as missing:
        reason = f"no container engine answers ({missing.hint or missing.message})"
        return verify_without_boxes(archive, build, reason, _say, depth)
    return verify_archive(archive, build, _ground(build, engine, settings, depth), _say, depth)


def build_info(archive: Path) -> BuildInfo:
    """The metadata inside an archive. Raises BadInput when it is not an archive of this farm."""
    data = read_member(archive, f"{TOP}/{BUILD_INFO_PATH}")
    hint = "only install_only archives of this farm can be verified: the metadata in them says what they should be"
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


def _ground(build: BuildInfo, engine: Engine, settings: Settings, depth: Depth) -> Ground:
    """The images as a build makes them: the packages to run with are those that the metadata promises to users.

    For depth 'full', what embeds Python for real: the distro's packages are in the builder image, sources are fetched here.
    """
    cell, facts = Cell.parse(build.cell), load_facts(settings.facts)
    builder = compose(cell, Options(optimize="none"), facts, code="").build_packages
    required = tuple(package.name for package in build.runtime if not package.optional)
    distro = facts.distros[cell.distro]
    if depth == "full":
        builder = tuple(sorted({*builder, *distro.facts.embedders}))
    images = ImageMaker(distro, cell.arch, engine, settings, _say).images(builder, required, None)
    limits = limits_of(settings, settings.verify_deadline_s)
    programs = _sources(cell, settings) if depth == "full" else {}
    return Ground(engine, images.runtime, images.builder, limits, distro.family, sources=programs, facts=settings.facts)


def _sources(cell: Cell, settings: Settings) -> dict[str, Path]:
    """The programs that embed this Python, as far as they can be had; which could not, the checks say."""
    found: dict[str, Path] = {}
    for name, row in sources((cell.python.major, cell.python.minor, cell.python.patch)).items():
        try:
            found[name] = fetch(row.source, settings, _say)
        except FarmError as error:
            _say(f"{name}: {error.message}")
    return found


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
