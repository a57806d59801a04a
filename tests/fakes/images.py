"""An engine's images, and a registry that it may pull from."""

from __future__ import annotations

import hashlib
from contextlib import nullcontext
from typing import IO, TYPE_CHECKING

from farm.errors import BuildFailed, Transient
from workers.engine.protocol import USUAL, Bounds, Box, BoxSpec, Completed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager


class ImageShelf:
    """An engine that only has images. `registry` holds what it can pull: name -> layers."""

    name = "Image Shelf 1.0"

    def __init__(self, registry: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.registry = dict(registry or {})
        self.images: dict[str, tuple[str, ...]] = {}
        self.pulls: list[str] = []

    def layers(self, image: str) -> tuple[str, ...] | None:
        return self.images.get(image)

    def identity(self, image: str) -> str:
        return "".join(self.images.get(image, ()))

    def load_base(self, rootfs: IO[bytes] | None, image: str, *, arch: str, bounds: Bounds = USUAL) -> None:
        if rootfs is not None:
            self.images[image] = (f"sha256:{hashlib.sha256(rootfs.read()).hexdigest()}",)
            return
        self.pulls.append(image)
        if image not in self.registry:
            raise Transient(f"no registry has {image} for {arch}")
        self.images[image] = self.registry[image]

    def tags(self, repository: str) -> tuple[str, ...]:
        return tuple(sorted(tag for name, _, tag in (image.rpartition(":") for image in self.images) if name == repository))

    def tag(self, image: str, new: str) -> None:
        self.images[new] = self.images[image]

    def drop(self, image: str) -> None:
        self.images.pop(image, None)

    def build(
        self, image: str, dockerfile: str, *, on_line: Callable[[str], None] | None = None, bounds: Bounds = USUAL
    ) -> None:
        raise NotImplementedError(image)

    def box(self, spec: BoxSpec) -> AbstractContextManager[Box]:
        raise NotImplementedError(spec)


class BuildingShelf(ImageShelf):
    """An engine that has every base image, keeps what it is told to build, and whose boxes answer every command alike.

    `outdated`: what asks whether an image is still current is told that it isn't. `refused`: what a build prints that fails.
    """

    def __init__(self, layers, answer):
        super().__init__()
        self._layers = layers
        self._answer = answer
        self.built = {}
        self.asked = 0
        self.outdated = False
        self.refused = ""

    def layers(self, image):
        return self._layers if "base-" in image else self.images.get(image)

    def build(self, image, text, *, on_line=None, bounds=USUAL):
        self.bounds = bounds
        if "--simulate" in text:
            self.asked += 1
            if self.outdated:
                raise BuildFailed("it is not current")
        elif self.refused:
            failed = BuildFailed("it could not be built")
            failed.output = self.refused
            raise failed
        else:
            self.built[image] = text
        self.images[image] = self._layers

    def box(self, spec):
        return nullcontext(self)

    def run(self, argv, **_):
        return Completed(0, self._answer)
