"""The images a cell needs: the base as the distro ships it, the builder (base and toolchain), the run-time image.

Images are named by what is in them, so that one is reused while its base and packages are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.errors import Transient
from farm.plan.facts import Distro
from farm.plan.recipe import BaseImage, Inputs, digest_of
from farm.settings import Settings
from workers.build.base import Release, ensure_base
from workers.engine.protocol import BoxSpec, Engine, Limits

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Images:
    """The images of a cell, in the engine, and the inputs that they are."""

    base: BaseImage
    builder: str
    runtime: str
    inputs: Inputs


def dockerfile(base: str, install: str, packages: Iterable[str]) -> str:
    """A Dockerfile that adds packages to a base image, and the folder that boxes work in.

    `install` is the distro family's command, with `{packages}` in it.
    """
    command = install.format(packages=" ".join(packages))
    return f"FROM {base}\nRUN {command}\nRUN mkdir -p /work && chown 1000:1000 /work\n"


@dataclass(frozen=True)
class ImageMaker:
    """Makes images of one distro and arch in one engine."""

    distro: Distro
    arch: str
    engine: Engine
    settings: Settings
    on_line: Callable[[str], None]

    def resolve(self, packages: tuple[str, ...], granted: Inputs | None = None) -> tuple[str, Inputs]:
        """The builder image with these packages, and what exactly is in it; on the granted base while the engine has it.

        A run that crosses midnight so goes on with the images that it began with.
        """
        if granted and self.engine.layers(granted.base.name) == granted.base.layers:
            base = granted.base
        else:
            base = ensure_base(release_of(self.distro), self.arch, self.engine, self.settings, self.on_line)
        builder = self._with_packages("builder", base, packages)
        return builder, Inputs(base, self.installed(builder))

    def images(self, packages: tuple[str, ...], runtime: tuple[str, ...], wanted: Inputs | None) -> Images:
        """All images of a cell. Raises Transient when the distro is not any more what the plan was made for."""
        builder, inputs = self.resolve(packages, wanted)
        if wanted is not None and inputs.digest != wanted.digest:
            raise Transient(
                f"{self.distro.id} has changed since the plan was made: {_difference(wanted, inputs)}",
                hint="submit again: the inputs are then resolved anew",
            )
        return Images(inputs.base, builder, self._with_packages("runtime", inputs.base, runtime), inputs)

    def _with_packages(self, role: str, base: BaseImage, packages: tuple[str, ...]) -> str:
        """An image of the base and packages; built once a day, because a day is what a lock is good for."""
        content = dockerfile(base.name, self.distro.family.install, packages)
        image = f"python-farm/{role}-{self.distro.id}-{self.arch}:{digest_of([base.layers, content])[:16]}"
        if self.engine.layers(image) is None:
            self.on_line(f"building the {role} image of {self.distro.id}: {len(packages)} packages")
            self.engine.build(image, content, on_line=self.on_line)
        return image

    def installed(self, image: str) -> tuple[tuple[str, str], ...]:
        """Name and exact version of every package in an image, sorted."""
        with self.engine.box(BoxSpec(image, Limits(deadline_s=120))) as box:
            done = box.run(["sh", "-c", self.distro.family.query])
        if not done.ok:
            raise Transient(f"{image} does not say what is in it: {done.output[-300:]}")
        pairs = (line.split() for line in done.output.splitlines() if line.strip())
        return tuple(sorted((pair[0], pair[1]) for pair in pairs))


def release_of(distro: Distro) -> Release:
    """A distro as its base image needs it."""
    facts = distro.facts
    suites = (*facts.suites, *((facts.security_suite,) if facts.security_suite else ()))
    return Release(name=distro.id, image=facts.image, suites=suites, keyring=distro.family.keyring)


def _difference(wanted: Inputs, found: Inputs) -> str:
    if wanted.base.layers != found.base.layers:
        return "the base image has other contents"
    before, now = dict(wanted.packages), dict(found.packages)
    changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    shown = ", ".join(f"{name} {before.get(name, 'absent')} -> {now.get(name, 'absent')}" for name in changed[:5])
    return f"{shown}{', …' if len(changed) > 5 else ''}"  # noqa: PLR2004 - enough to see what it is about
