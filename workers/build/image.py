"""The images a cell needs: the base as the distro ships it, the builder (base and toolchain), the run-time image.

An image's tag is a digest of its base and package names, and the day on which its packages were the newest ones. On another
day the distro is asked whether they still are: then the image gets that day's tag too, else it is built anew.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from farm.errors import BadInput, BuildFailed, DistroMoved, Transient
from farm.plan.facts import Distro
from farm.plan.recipe import PACKAGE, BaseImage, Cross, How, Inputs, digest_of
from farm.settings import Settings
from workers import metrics
from workers.build.base import Release, ensure_base, repository_of
from workers.build.days import drop_old, today
from workers.engine.protocol import BoxSpec, Engine, Limits, bounds_of

if TYPE_CHECKING:
    from collections.abc import Iterable

_PACKAGE = re.compile(PACKAGE)


@dataclass(frozen=True)
class Images:
    """The images of a cell, in the engine, and the inputs that they are.

    Python is compiled in `workshop`; checks compile in `builder`, which is the same image unless that one cross-compiles.
    """

    base: BaseImage
    workshop: str
    builder: str
    runtime: str
    inputs: Inputs


def dockerfile(base: str, install: str, packages: Iterable[str], *prepare: str) -> str:
    """A Dockerfile that adds packages to a base image, and the folder that boxes work in.

    `install` is the distro family's command, with `{packages}` in it; `prepare` are commands to run before, '' for none.

    Raises BadInput for what is no name of a package: it would be a command, and run outside of any box.
    """
    packages = tuple(packages)
    if strange := [name for name in packages if not _PACKAGE.fullmatch(name)]:
        raise BadInput(f"{strange[0][:80]!r} is no name of a package", hint="letters, digits, and . _ + : - between them")
    command = " && ".join([*filter(None, prepare), install.format(packages=" ".join(packages))])
    return f"FROM {base}\nRUN {command}\nRUN mkdir -p /work && chown 1000:1000 /work\n"


@dataclass(frozen=True)
class ImageMaker:
    """Makes images of one distro and arch in one engine; with `foreign`, builder images that cross-compile for that arch.

    `cancelled` is asked while an image is made; every method then raises Cancelled.
    """

    distro: Distro
    arch: str
    engine: Engine
    settings: Settings
    on_line: Callable[[str], None]
    cancelled: Callable[[], bool] = bool
    foreign: str = ""

    def resolve(self, packages: tuple[str, ...], granted: Inputs | None = None) -> tuple[str, Inputs]:
        """The builder image with these packages, and what exactly is in it; the granted one while the engine has it.

        A run that crosses midnight so goes on with the images that it began with.
        """
        if granted and self.engine.layers(granted.base.name) == granted.base.layers:
            base = granted.base
            for image in self._there("builder", base, packages):
                inputs = Inputs(base, self.installed(image), self._how)
                if inputs.digest == granted.digest:
                    return image, inputs
        else:
            base = self._base(granted.base.how if granted else "auto")
        builder = self._with_packages("builder", base, packages)
        return builder, Inputs(base, self.installed(builder), self._how)

    def kept_base(self, layers: tuple[str, ...]) -> str:
        """The name of a base image with these layers that the engine still has, of any day; '' when it has none."""
        repository = repository_of(self.distro.id, self.arch)
        names = [f"{repository}:{tag}" for tag in self.engine.tags(repository)]
        return next((name for name in names if self.engine.layers(name) == layers), "")

    def images(self, packages: tuple[str, ...], runtime: tuple[str, ...], wanted: Inputs | None) -> Images:
        """All images of a cell. Raises DistroMoved when the distro is not any more what the plan was made for."""
        builder, inputs = self.granted(packages, wanted)
        return Images(inputs.base, builder, builder, self._with_packages("runtime", inputs.base, runtime), inputs)

    def images_across(self, cross: Cross, packages: tuple[str, ...], runtime: tuple[str, ...], wanted: Inputs | None) -> Images:
        """The same where a machine of another arch cross-compiles the cell, and runs what came out under emulation."""
        workshop, inputs = self.across(cross.on).granted(cross.packages, wanted)
        base = self._base()
        builder, tried = (self._with_packages(*role) for role in (("builder", base, packages), ("runtime", base, runtime)))
        return Images(base, workshop, builder, tried, inputs)

    def across(self, on: str) -> ImageMaker:
        """The maker of builder images that run on another arch and cross-compile for this one."""
        return replace(self, arch=on, foreign=self.arch)

    @property
    def _how(self) -> How:
        return "cross" if self.foreign else "native"

    def _base(self, how: Literal["auto", "pull", "bootstrap"] = "auto") -> BaseImage:
        """The base image, had as the plan's own was where the settings leave it open: no other would be its base."""
        ours = self.settings.base_image != "auto"
        settings = self.settings if ours else self.settings.model_copy(update={"base_image": how})
        try:
            return ensure_base(release_of(self.distro), self.arch, self.engine, settings, self.on_line, self.cancelled)
        except BadInput as error:
            if ours or how == "auto":
                raise
            raise Transient(f"this host cannot have the base image of the plan: {error.message}", hint=error.hint) from error

    def granted(self, packages: tuple[str, ...], wanted: Inputs | None) -> tuple[str, Inputs]:
        """`resolve`, but of what is wanted. Raises DistroMoved when the distro is not any more what the plan was made for."""
        builder, inputs = self.resolve(packages, wanted)
        if wanted is not None and inputs.digest != wanted.digest:
            raise DistroMoved(
                f"{self.distro.id} has changed since the plan was made: {_difference(wanted, inputs)}",
                hint="submit again: the inputs are then resolved anew",
            )
        return builder, inputs

    def with_packages(self, role: str, packages: tuple[str, ...]) -> str:
        """The base image and these packages, for a role of its own, e.g. 'yardstick'."""
        return self._with_packages(role, self._base(), packages)

    def _with_packages(self, role: str, base: BaseImage, packages: tuple[str, ...]) -> str:
        """An image of the base and packages, with the packages of today: a day is what a lock is good for."""
        day = today()
        image = f"{self._repository(role)}:{self._key(base, packages)}-{day}"
        there = self.engine.layers(image) is not None
        metrics.cache("image", hit=there)
        if there:
            return image
        kept = next(iter(self._there(role, base, packages)), "")
        if kept and self._current(kept):
            self.on_line(f"the {role} image of {self.distro.id} is still what the distro gives")
            self.engine.tag(kept, image)
        else:
            self.on_line(f"building the {role} image of {self.distro.id}: {len(packages)} packages")
            prepare = self.distro.family.foreign.format(arch=self.foreign) if self.foreign else ""
            family = self.distro.family
            text = dockerfile(base.name, family.install, packages, prepare, family.lists)
            self._install(image, text)
        drop_old(self.engine, self._repository(role), day)
        return image

    def _repository(self, role: str) -> str:
        arch = f"{self.arch}-for-{self.foreign}" if self.foreign else self.arch
        return f"python-farm/{role}-{self.distro.id}-{arch}"

    def _key(self, base: BaseImage, packages: tuple[str, ...]) -> str:
        return digest_of([base.layers, self.distro.family.lists, self.distro.family.install, packages])[:16]

    def _there(self, role: str, base: BaseImage, packages: tuple[str, ...]) -> list[str]:
        """Images of this base and these packages that the engine has, of any day, newest first."""
        key, repository = self._key(base, packages), self._repository(role)
        return [f"{repository}:{tag}" for tag in reversed(self.engine.tags(repository)) if tag.startswith(f"{key}-")]

    def _install(self, image: str, text: str) -> None:
        """Build an image with packages. Raises BuildFailed for one that the distro lacks, Transient for a mirror in trouble."""
        try:
            self._build(image, text)
        except BuildFailed as error:
            if re.search(self.distro.family.missing, error.output or error.message):
                raise
            raise Transient(error.message, hint="does the distro's mirror answer in containers of this host?") from error

    def _current(self, image: str) -> bool:
        """Whether the distro has nothing newer than what is in an image. Raises Transient when the engine is lost."""
        trial = f"python-farm/current:{image.rpartition(':')[2]}"
        try:
            self._build(trial, f"FROM {image}\nRUN {self.distro.family.current}\n")
        except BuildFailed:
            return False
        self.engine.drop(trial)
        return True

    def _build(self, image: str, text: str) -> None:
        self.engine.build(image, text, on_line=self.on_line, bounds=bounds_of(self.settings, self.cancelled))

    def installed(self, image: str) -> tuple[tuple[str, str], ...]:
        """Name and exact version of every package in an image, sorted."""
        with self.engine.box(BoxSpec(image, Limits(deadline_s=120), cancelled=self.cancelled)) as box:
            done = box.run(["sh", "-c", self.distro.family.query])
        if not done.ok:
            raise Transient(f"{image} does not say what is in it: {done.output[-300:]}")
        pairs = (line.split() for line in done.output.splitlines() if line.strip())
        return tuple(sorted((pair[0], pair[1]) for pair in pairs))


def release_of(distro: Distro) -> Release:
    """A distro as its base image needs it."""
    facts = distro.facts
    suites = (*facts.suites, *((facts.security_suite,) if facts.security_suite else ()))
    return Release(name=distro.id, image=facts.image, suites=suites, keyring=facts.keyring)


def _difference(wanted: Inputs, found: Inputs) -> str:
    if wanted.base.layers != found.base.layers:
        return "the base image has other contents"
    before, now = dict(wanted.packages), dict(found.packages)
    changed = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    shown = ", ".join(f"{name} {before.get(name, 'absent')} -> {now.get(name, 'absent')}" for name in changed[:5])
    return f"{shown}{', …' if len(changed) > 5 else ''}"  # noqa: PLR2004 - enough to see what it is about
