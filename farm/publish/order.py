"""What was granted to an attempt, and whether what it staged is that. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from farm.errors import BadInput, VerificationFailed
from farm.plan.recipe import PACKS, BaseImage, Inputs, Layout, Recipe, RuntimePackage
from farm.sign.keys import Signer
from farm.wire.plain import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.plan.cell import Cell
    from farm.store.artifact import BuildInfo, Finding, RuntimePackageInfo
    from farm.wire.messages import Result

_NO_PGO_CHANNELS = ("dev",)  # a slow Python is for trying things out; nobody should get one by following a channel
_SHOWN = 3


@dataclass(frozen=True)
class Order:
    """One attempt as the trusted side granted it, and how its artifact is to be offered.

    `inputs` is the granted inputs' digest, `triple` e.g. 'x86_64-unknown-linux-gnu'; `uv` says whether uv can install it.
    `second` raises when a second verifier does not agree with the staged `install_only.tar.gz`, beside which the others lie.
    `granted` is when that was, in UTC.
    """

    run: str
    attempt: int
    recipe: Recipe
    inputs: str
    channel: str
    triple: str
    base_url: str
    uv: bool = True
    signer: Signer | None = None
    second: Callable[[Path], None] | None = None
    granted: datetime | None = None

    @property
    def cell(self) -> Cell:
        """What was to be built."""
        return self.recipe.cell

    def __str__(self) -> str:
        """As messages call it."""
        return f"{self.cell} (run {self.run}, attempt {self.attempt})"


def check_channel(order: Order) -> None:
    """Raise BadInput when the order's channel may not list such a build."""
    check_may_list(order.cell, order.recipe.optimize, order.channel)


def check_may_list(cell: Cell, optimize: str, channel: str) -> None:
    """Raise BadInput when a channel may not list a build of this optimisation."""
    if optimize == "none" and channel not in _NO_PGO_CHANNELS:
        raise BadInput(
            f"{cell} was built with optimize 'none', which may not go to the channel '{channel}'",
            hint="set 'channel: dev' for it, or 'optimize: pgo+lto'",
        )


def check(order: Order, staged: Result) -> BuildInfo:
    """What the builder says it built, once it is what was granted. Raises BadInput for the order, else VerificationFailed."""
    check_channel(order)
    if staged.failure or staged.build is None:
        raise VerificationFailed(f"{order} staged a failure, and nothing to publish", hint="read its log")
    _refuse(order, _differences(order, staged, staged.build))
    _refuse(order, _objections(staged.findings))
    _refuse(order, _shapes(staged))
    _refuse(
        order, (f"{text!r} is nothing that a terminal may have" for text in _texts(staged.model_dump()) if plain(text) != text)
    )
    return staged.build


def _refuse(order: Order, reasons: Iterable[str]) -> None:
    if said := list(reasons):
        more = f" (and {len(said) - _SHOWN} more)" if len(said) > _SHOWN else ""
        raise VerificationFailed(
            f"{order} is not published: {'; '.join(said[:_SHOWN])}{more}", hint="what it staged is kept in the store's staging/"
        )


def _differences(order: Order, staged: Result, build: BuildInfo) -> Iterator[str]:
    """Everything that we decided and the builder only repeats."""
    recipe, cell = order.recipe, order.cell
    pairs = {
        "run": (staged.run, order.run),
        "attempt": (staged.attempt, order.attempt),
        "cell": (staged.cell, str(cell)),
        "recipe": (staged.recipe, recipe.digest),
        "inputs": (staged.inputs, order.inputs),
        "recipe of the build": (build.recipe, recipe.digest),
        "inputs of the build": (build.inputs, order.inputs),
        "cell of the build": (build.cell, str(cell)),
        "python": (build.python, str(cell.python)),
        "distro": (build.distro, cell.distro),
        "arch": (build.arch, cell.arch),
        "variant": (build.variant, cell.variant),
        "optimize": (build.optimize, recipe.optimize),
        "bytecode": (build.bytecode, recipe.bytecode),
        "layout": (Layout(build.series, build.abiflags, build.lib, build.executable, build.soname, build.names), recipe.layout),
        "source": (
            (build.source.url, build.source.sha256, build.source.epoch),
            (recipe.source.url, recipe.source.sha256, recipe.source.epoch),
        ),
        "patches": ([patch.sha256 for patch in build.patches], [patch.sha256 for patch in recipe.patches]),
        "configure": (
            (build.configure.shared, build.configure.static, build.configure.make),
            (recipe.configure, recipe.make_static, recipe.make),
        ),
        "run-time packages": (tuple(_package(package) for package in build.runtime), recipe.runtime),
        "what the inputs are made of": (_inputs(build).digest, order.inputs),
    }
    for what, (said, granted) in pairs.items():
        if said != granted:
            yield f"{what} is {said!r}, and {granted!r} was granted"


def _package(said: RuntimePackageInfo) -> RuntimePackage:
    return RuntimePackage(said.name, said.modules, said.sonames, said.optional)


def _inputs(build: BuildInfo) -> Inputs:
    """The inputs that the base image and the package versions of a build's metadata add up to."""
    base = BaseImage(build.base_image.name, build.base_image.how, build.base_image.layers)
    packages = tuple((package.name, package.version) for package in build.builder_packages)
    return Inputs(base, packages, build.built)


def _objections(findings: Iterable[Finding]) -> Iterator[str]:
    for finding in findings:
        if finding.severity == "error":
            yield f"{finding.check}: {finding.message}"


def _texts(told: object) -> Iterator[str]:
    """Every text that the metadata will hold."""
    if isinstance(told, str):
        yield told
    elif isinstance(told, Mapping):
        yield from (text for part in told.values() for text in _texts(part))
    elif isinstance(told, list | tuple):
        yield from (text for part in told for text in _texts(part))


def _shapes(staged: Result) -> Iterator[str]:
    """Whether every kind comes in the formats that it must, once, and formats of one kind hold one tar."""
    tars: dict[str, set[str]] = {}
    for archive in staged.archives:
        tars.setdefault(archive.kind, set()).add(archive.tar_sha256)
    forms = sorted((archive.kind, archive.format) for archive in staged.archives)
    wanted = sorted(pack for pack in PACKS if pack[0] in tars or pack[0] == "install_only")
    if forms != wanted:
        shown = [", ".join(f"{kind}.{form}" for kind, form in packs) or "none" for packs in (forms, wanted)]
        yield f"its archives are {shown[0]}, and should be {shown[1]}"
    if len({archive.name for archive in staged.archives}) != len(staged.archives):
        yield "two archives have one name"
    yield from (f"the formats of {kind} hold different tars" for kind, hashes in tars.items() if len(hashes) > 1)
