"""One cell from recipe to staged archives: the steps in order. The table of contents of the product."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from farm import __version__
from farm.errors import EngineUnavailable, Failure
from farm.plan.facts import load_facts
from farm.plan.patches import patch_texts
from farm.settings import Settings
from farm.store.artifact import BUILD_INFO_PATH, ArchiveInfo, BuildInfo, PackageVersion, VerifiedIn
from farm.store.upload import upload
from farm.wire.messages import Grant, Result
from workers.build.compile import Compiled, Passes
from workers.build.cross import CrossPasses
from workers.build.describe import describe
from workers.build.image import ImageMaker, Images
from workers.build.modules import expected, source_lists
from workers.build.pack import divide, pack
from workers.build.relocate import edits
from workers.build.sources import Patience, fetch
from workers.build.tree import Content, Entry
from workers.engine.host import require
from workers.engine.isolation import isolation
from workers.engine.metered import MeteredEngine
from workers.engine.protocol import BoxSpec, Engine, Limits, limits_of
from workers.verify.run import Ground, verify_archive

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.plan.cell import Cell
    from farm.plan.facts import Distro
    from farm.plan.recipe import How, Inputs, Recipe
    from farm.store.artifact import StepTime
    from farm.wire.verification import Verification
    from workers.reporter import BeatingReporter


class Reporter(Protocol):
    """Whom the pipeline tells its progress. Every method raises Cancelled once somebody wants the attempt to end."""

    @property
    def steps(self) -> tuple[StepTime, ...]:
        """How long each step took so far."""
        ...

    def step(self, name: str) -> None:
        """A step begins, and the one before it is over."""
        ...

    def line(self, text: str) -> None:
        """A line of output."""
        ...

    def cancelled(self) -> bool:
        """Whether somebody wants the attempt to end."""
        ...


@dataclass(frozen=True)
class Effects:
    """What the pipeline acts with."""

    engine: Engine
    reporter: Reporter
    settings: Settings


@dataclass(frozen=True)
class BuildRequest:
    """An attempt that was granted."""

    run: str
    grant: Grant
    worker: str


def build_cell(request: BuildRequest, effects: Effects) -> Result:
    """Build, verify and stage one cell. Raises FarmError; an archive that fails its verification is staged all the same."""
    recipe, reporter, facts = request.grant.recipe, effects.reporter, load_facts(effects.settings.facts)
    with tempfile.TemporaryDirectory(prefix="farm-cell-") as folder:
        work = Path(folder)
        maker = _maker(facts.distros[recipe.cell.distro], recipe.cell.arch, effects)
        limits = limits_of(effects.settings, request.grant.deadline_s)
        made = make(recipe, request.grant.inputs, maker, effects, work, limits=limits, labels=_labels(request))
        reporter.step("verify")
        verification = _verify(request, effects, maker, made, work / "install_only.tar.gz")
        reporter.step("stage")
        for archive in made.archives:
            address, settings = request.grant.uploads[archive.name], effects.settings
            upload(address, work / archive.name, ca_bundle=settings.ca_bundle, below=settings.staging_folder)
        return Result(
            run=request.run,
            cell=str(recipe.cell),
            attempt=request.grant.attempt,
            worker=request.worker,
            engine=effects.engine.name,
            recipe=recipe.digest,
            inputs=made.images.inputs.digest,
            failure=_refusal(verification, recipe.cell),
            build=made.build,
            archives=made.archives,
            findings=verification.findings,
            steps=reporter.steps,
            verified=_verified_in(maker, made.images, verification),
            farm=__version__,
            isolation=isolation(limits),
        )


@dataclass(frozen=True)
class Made:
    """What came of a recipe: its metadata, its archives as files in a folder, and the images they were made in."""

    build: BuildInfo
    archives: tuple[ArchiveInfo, ...]
    images: Images


def make(
    recipe: Recipe,
    granted: Inputs | None,
    maker: ImageMaker,
    effects: Effects,
    work: Path,
    *,
    limits: Limits,
    labels: Mapping[str, str],
) -> Made:
    """From a recipe to archives in the folder `work`. Raises FarmError."""
    reporter, facts = effects.reporter, load_facts(effects.settings.facts)
    reporter.step("sources")
    patience = Patience(cancelled=reporter.cancelled)
    source = fetch(recipe.source, effects.settings, reporter.line, patience)
    modules = expected(source_lists(source), recipe)
    private = [fetch(library.source, effects.settings, reporter.line, patience) for library in recipe.libraries]
    reporter.step("images")
    images = _images(maker, recipe, granted)
    spec = BoxSpec(images.workshop, limits, labels=labels, cancelled=reporter.cancelled)
    compiled = _compile(recipe, effects, images, spec, (source, *private), work)
    reporter.step("relocate")
    tree = compiled.tree.with_entries(edits(compiled.tree, recipe.layout, recipe.words))
    build = describe(recipe, images.inputs, compiled, modules, tree, facts)
    reporter.step("pack")
    kinds = divide(tree, recipe.trims, recipe.layout.lib)
    archives = pack(kinds, _metadata(build), recipe.source.epoch, work, tight=recipe.optimize != "none")
    return Made(build, archives, images)


def resolve(distro: str, arch: str, packages: tuple[str, ...], effects: Effects, how: How = "native") -> Inputs:
    """What the distro decides today: the base image, and the version of every package in the builder image."""
    facts = load_facts(effects.settings.facts).distros[distro]
    maker = _maker(facts, arch, effects)
    return (maker.across(facts.facts.cross[arch].on) if how == "cross" else maker).resolve(packages)[1]


def _maker(distro: Distro, arch: str, effects: Effects) -> ImageMaker:
    reporter = effects.reporter
    return ImageMaker(distro, arch, effects.engine, effects.settings, reporter.line, reporter.cancelled)


def _images(maker: ImageMaker, recipe: Recipe, granted: Inputs | None) -> Images:
    """The images of a cell, which is cross-compiled if the inputs that were granted say so."""
    if granted and granted.how == "cross" and recipe.cross:
        return maker.images_across(recipe.cross, recipe.build_packages, recipe.required_packages, granted)
    return maker.images(recipe.build_packages, recipe.required_packages, granted)


def _compile(
    recipe: Recipe, effects: Effects, images: Images, spec: BoxSpec, sources: tuple[Path, ...], work: Path
) -> Compiled:
    reporter = effects.reporter
    with effects.engine.box(spec) as box:
        kind = CrossPasses if images.inputs.how == "cross" else Passes
        passes = kind(box, recipe, effects.settings.make_jobs, reporter.step, reporter.line)
        return passes.run(sources, patch_texts(recipe.patches, effects.settings.facts), work / "tree.tar")


def _metadata(build: BuildInfo) -> Mapping[str, Entry]:
    return {BUILD_INFO_PATH: Entry("file", Content.of((build.model_dump_json(indent=1) + "\n").encode()))}


def _labels(request: BuildRequest) -> Mapping[str, str]:
    """By which every box of an attempt is found."""
    grant = request.grant
    return {"farm.run": request.run, "farm.cell": str(grant.recipe.cell), "farm.attempt": str(grant.attempt)}


def _verify(request: BuildRequest, effects: Effects, maker: ImageMaker, made: Made, archive: Path) -> Verification:
    ground = Ground(
        effects.engine,
        made.images.runtime,
        made.images.builder,
        limits_of(effects.settings, effects.settings.verify_deadline_s),
        maker.distro.family,
        labels=_labels(request),
        cancelled=effects.reporter.cancelled,
        facts=effects.settings.facts,
    )
    return verify_archive(archive, made.build, ground, effects.reporter.line)


def _verified_in(maker: ImageMaker, images: Images, verification: Verification) -> VerifiedIn:
    """What the verification ran in, as the engine and the image themselves tell it, and which checks it had."""
    packages = tuple(PackageVersion(name=name, version=version) for name, version in maker.installed(images.runtime))
    identity = maker.engine.identity
    return VerifiedIn(
        runtime_image=identity(images.runtime),
        builder_image=identity(images.builder),
        packages=packages,
        passed=verification.passed,
        without=verification.without,
    )


def _refusal(verification: Verification, cell: Cell) -> Failure | None:
    """Why an archive may not be published; None when it may."""
    if not verification.objection:
        return None
    return Failure(
        "verification-failed",
        f"{cell}: {verification.objection}",
        hint="the archive is kept in staging; try it with: farm verify FILE",
        step="verify",
    )


def effects(reporter: BeatingReporter, settings: Settings) -> Effects:
    """What the pipeline acts with on this host, where steps are told with their CPU seconds. Raises EngineUnavailable."""
    engine = MeteredEngine(require(settings).url)
    reporter.counts(engine.cpu_seconds)
    return Effects(engine, reporter, settings)


def unfit(settings: Settings) -> str:
    """Why no engine answers this host; '' when one does."""
    try:
        require(settings)
    except EngineUnavailable as error:
        return error.message
    return ""
