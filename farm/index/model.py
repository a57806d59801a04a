"""What a channel's index says. Published JSON: a small pointer that changes, and shards that never do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from farm.plan.cell import Cell
from farm.plan.recipe import ArchiveKind, Form
from farm.store import keys
from farm.store.artifact import Model, PackageName

if TYPE_CHECKING:
    from farm.store.artifact import Artifact


INSTALLABLE: ArchiveKind = "install_only"
LAYERED: Form = "tar.gz"  # what the layer of an image is, which the hash of the tar names, too


class Listed(Model):
    """An archive of a build. `key` is its path below the store's root."""

    kind: ArchiveKind
    format: Form
    key: str
    size: int
    sha256: str
    tar_sha256: str = Field(default="", description="sha256 of the uncompressed tar, of a `.tar.gz` only")


class Entry(Model):
    """A published build, as a channel lists it."""

    cell: str
    build_id: str
    created: str
    triple: str = Field(description="e.g. 'x86_64-unknown-linux-gnu'")
    recipe: str = Field(description="how the digest of its recipe begins, as in the catalog's names")
    inputs: str = Field(description="the same of its inputs")
    uv: bool = Field(description="whether uv can install it")
    metadata: str = Field(description="path of the build's metadata below the store's root")
    runtime: tuple[PackageName, ...] = Field(default=(), description="distro packages that it needs at run time")
    yanked: str = Field(default="", description="why no client should get it any more; '' for what is offered")
    archives: tuple[Listed, ...] = Field(description="what clients install from; the metadata has all other archives")

    def lean(self) -> Entry:
        """The same with nothing that the metadata alone is asked for. Older indexes list all."""
        found = (archive for archive in self.archives if archive.kind == INSTALLABLE)
        lean = tuple(a if a.format == LAYERED else a.model_copy(update={"tar_sha256": ""}) for a in found)
        return self.model_copy(update={"archives": lean, "recipe": keys.short(self.recipe), "inputs": keys.short(self.inputs)})


class Older(Model):
    """Where older builds of a cell lie: a shard with them alone. `first` and `last` are its lowest and highest build id."""

    cell: str
    first: str
    last: str
    key: str
    sha256: str


class Shard(Model):
    """The builds of one series for one distro in a channel, ordered by cell and build id. Never changes.

    It holds what clients are offered and the last builds before that; `older` says where all others are, so that its size
    does not grow with every rebuild (`farm.index.growth`).
    """

    schema_version: Literal[1] = 1
    channel: str
    distro: str
    series: str
    entries: tuple[Entry, ...] = ()
    older: tuple[Older, ...] = ()


class ShardRef(Model):
    """Where a shard lies; its name is the sha256 of its content."""

    distro: str
    series: str
    key: str
    sha256: str


class Pointer(Model):
    """The one object of a channel that changes. `serial` rises with every change."""

    schema_version: Literal[1] = 1
    channel: str
    serial: int = 0
    updated: str = ""
    shards: tuple[ShardRef, ...] = ()

    def shard(self, distro: str, series: str) -> ShardRef | None:
        """Where the shard of a distro and series lies; None before its first build."""
        return next((ref for ref in self.shards if (ref.distro, ref.series) == (distro, series)), None)

    def moved(self, ref: ShardRef, updated: str) -> Pointer:
        """The next pointer, with this shard in the place of the older one."""
        others = [each for each in self.shards if (each.distro, each.series) != (ref.distro, ref.series)]
        shards = tuple(sorted([*others, ref], key=lambda each: (each.distro, each.series)))
        return self.model_copy(update={"serial": self.serial + 1, "updated": updated, "shards": shards})


def entry_of(artifact: Artifact, triple: str, *, uv: bool) -> Entry:
    """The entry of an artifact in a channel's index: an index of 5,000 builds with every hash of theirs would be some MB."""
    build = artifact.build
    cell = Cell.parse(build.cell)
    folder = keys.artifact_folder(cell, artifact.build_id)
    return Entry(
        cell=build.cell,
        build_id=artifact.build_id,
        created=artifact.created,
        triple=triple,
        recipe=build.recipe,
        inputs=build.inputs,
        uv=uv,
        metadata=f"{folder}/{keys.metadata_name(cell, triple, artifact.build_id)}",
        runtime=tuple(dict.fromkeys(package.name for package in build.runtime if not package.optional)),
        archives=tuple(
            Listed(
                kind=a.kind, format=a.format, key=f"{folder}/{a.name}", size=a.size, sha256=a.sha256, tar_sha256=a.tar_sha256
            )
            for a in artifact.archives
        ),
    ).lean()
