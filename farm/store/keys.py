"""Names of everything in the store, and of published files. State stands in key names, so that one listing answers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from farm.plan.cell import Cell

if TYPE_CHECKING:
    from farm.plan.recipe import ArchiveKind

LAYOUT_KEY = "layout"
LAYOUT_VERSION = "1"

# What stands first in every key that a farm writes.
PLACES = (
    *(LAYOUT_KEY, "artifacts", "catalog", "claims", "yanked", "retired", "channels", "v2", "keys"),
    *("get-python.sh", "get-python.sh.sig", "asked", "open", "runs", "staging", "drained"),
    *("locks", "collecting", "publisher", "probe"),
)

_DIGEST = 16  # hex digits of a digest in a key: 64 bits are plenty among the builds of one cell

_PART = r"(?:[A-Za-z0-9._-]+|sha256:[0-9a-f]{64})"  # the latter only in a registry's names
_KEY_RE = re.compile(rf"{_PART}(?:/{_PART})*")
_CATALOG_RE = re.compile(
    r"^catalog/(?P<cell>[^/]+)/(?P<build>\d{10})\.(?P<recipe>[0-9a-f]{16})\.(?P<inputs>[0-9a-f]{16})\.(?P<channel>[a-z]+)\.json$"
)


def short(digest: str) -> str:
    """How a digest begins, as names have it."""
    return digest[:_DIGEST]


def valid(key: str) -> bool:
    """Whether a text may be a key: relative, no empty part, none that climbs, only characters that every url keeps."""
    return bool(_KEY_RE.fullmatch(key)) and not {".", ".."} & set(key.split("/"))


@dataclass(frozen=True)
class Published:
    """A published build as its catalog key tells it: no object needs to be read."""

    cell: Cell
    build_id: str
    recipe: str
    inputs: str
    channel: str

    @property
    def key(self) -> str:
        """The catalog key, whose being there is what makes a build published."""
        return f"catalog/{self.cell}/{self.build_id}.{self.recipe}.{self.inputs}.{self.channel}.json"

    @classmethod
    def parse(cls, key: str) -> Self | None:
        """The build that a key of the catalog names; None when it is no such key."""
        if not (found := _CATALOG_RE.match(key)):
            return None
        cell, build_id, recipe, inputs, channel = found.groups()
        return cls(Cell.parse(cell), build_id, recipe, inputs, channel)

    def same(self, recipe: str, inputs: str) -> bool:
        """Whether it was built from this recipe and these inputs (full or shortened digests)."""
        return (self.recipe, self.inputs) == (short(recipe), short(inputs))


def published(cell: Cell, build_id: str, recipe: str, inputs: str, channel: str) -> Published:
    """The catalog's name of a build, from full digests."""
    return Published(cell, build_id, short(recipe), short(inputs), channel)


def catalog(cell: Cell | None = None) -> str:
    """Prefix of all published builds, or of one cell's."""
    return f"catalog/{cell}/" if cell else "catalog/"


def claim(cell: Cell, recipe: str, inputs: str) -> str:
    """Created once per recipe and inputs of a cell; holds the build id, so that nothing is published twice."""
    return f"claims/{cell}/{short(recipe)}.{short(inputs)}"


def reservation(cell: Cell, build_id: str) -> str:
    """Created once per build id of a cell, before the id is used, so that no two builds share one."""
    return f"claims/{cell}/{build_id}"


def reservations(cell: Cell) -> str:
    """Prefix of all build ids of a cell that were ever reserved (and of its claims)."""
    return f"claims/{cell}/"


def claims_like(distro: str, python: str, arch: str) -> str:
    """Prefix of the claims of a cell's builds, whatever the variant."""
    return f"claims/{python}-{distro}-{arch}"


def artifacts(distro: str) -> str:
    """Prefix of the files of all builds for a distro."""
    return f"artifacts/{distro}/"


def artifact_folder(cell: Cell, build_id: str) -> str:
    """Where the files of a build lie."""
    return f"artifacts/{cell.distro}/{cell.python}/{cell.arch}/{build_id}"


def flavour(kind: ArchiveKind, variant: str) -> str:
    """What stands last in an archive's name: the variant where there is one, then the kind."""
    return kind if variant == "default" else f"{variant}-{kind}"


def archive_name(cell: Cell, triple: str, build_id: str, kind: ArchiveKind, form: str) -> str:
    """`{stem}-install_only.tar.gz`; triple is e.g. 'x86_64-unknown-linux-gnu'."""
    return f"{artifact_stem(cell, triple, build_id)}-{flavour(kind, cell.variant)}.{form}"


def artifact_stem(cell: Cell, triple: str, build_id: str) -> str:
    """The part of an archive's name that all files of a build share."""
    return f"cpython-{cell.python}-{triple}-{cell.distro}.{build_id}"


def metadata_name(cell: Cell, triple: str, build_id: str) -> str:
    """The file with a build's metadata: `{stem}.json`, or `{stem}-{variant}.json`."""
    suffix = "" if cell.variant == "default" else f"-{cell.variant}"
    return f"{artifact_stem(cell, triple, build_id)}{suffix}.json"


def yank(cell: Cell, build_id: str) -> str:
    """The mark of a build that no channel offers any more."""
    return f"yanked/{cell}/{build_id}.json"


def yanks(cell: Cell | None = None) -> str:
    """Prefix of all such marks, or of one cell's."""
    return f"yanked/{cell}/" if cell else "yanked/"


def retired(name: str = "") -> str:
    """The note that the files of a build are to go; with no name the prefix of all such notes."""
    return f"retired/{name}.json" if name else "retired/"


def collecting() -> str:
    """There while somebody removes what is not needed any more."""
    return "collecting"


def is_shard(key: str) -> bool:
    """Whether it is a part of a channel's index."""
    return key.startswith(channels()) and "/shards/" in key


def lock(distro: str, arch: str, date: str) -> str:
    """The inputs that a resolve step found for a distro and arch on a day (YYYYMMDD)."""
    return f"locks/{distro}-{arch}/{date}.json"


def locks(distro: str, arch: str) -> str:
    """Prefix of all locks of a distro and arch; the last one in key order is the newest."""
    return f"locks/{distro}-{arch}/"


def channels() -> str:
    """Prefix of all that channels have."""
    return "channels/"


def channel_pointer(channel: str) -> str:
    """The small mutable object from which a channel's shards are reached."""
    return f"channels/{channel}/index.json"


def shard(channel: str, distro: str, series: str, digest: str) -> str:
    """An immutable part of a channel's index, named by the digest of its content."""
    return f"channels/{channel}/shards/{distro}/{series}/{digest}.json"


def uv_index(channel: str, distro: str) -> str:
    """The list of downloads that uv reads."""
    return f"channels/{channel}/uv/{distro}.json"


def signed_pointer(channel: str) -> str:
    """The channel's pointer in a signed envelope."""
    return f"channels/{channel}/index.dsse.json"


def signed_sums(channel: str, distro: str) -> str:
    """The bare signature of the checksums, as openssl verifies it."""
    return f"{sums(channel, distro)}.sig"


def public_key(key_id: str) -> str:
    """A public key that something in the store is, or was, signed with."""
    return f"keys/farm-{short(key_id)}.pem"


def endorsement(key_id: str) -> str:
    """A public key, signed by the one that it takes the place of."""
    return f"keys/farm-{short(key_id)}.dsse.json"


def public_keys() -> str:
    """Prefix of all public keys."""
    return "keys/"


def provenance_name(cell: Cell, triple: str, build_id: str) -> str:
    """The file with a build's signed provenance, beside its metadata."""
    return f"{metadata_name(cell, triple, build_id).removesuffix('.json')}.intoto.json"


def sbom_name(cell: Cell, triple: str, build_id: str) -> str:
    """The file with a build's SBOM, beside its metadata."""
    return f"{metadata_name(cell, triple, build_id).removesuffix('.json')}.spdx.json"


def sums(channel: str, distro: str) -> str:
    """The checksums of what a channel offers for a distro."""
    return f"channels/{channel}/{distro}/SHA256SUMS"


def bazel(channel: str, distro: str) -> str:
    """The runtime manifest that rules_python reads."""
    return f"channels/{channel}/bazel/{distro}/SHA256SUMS"


def bzlmod(channel: str, distro: str) -> str:
    """The same as lines of a MODULE.bazel."""
    return f"channels/{channel}/bazel/{distro}/{distro}.MODULE.bazel"


def mise(channel: str, cell: Cell) -> str:
    """The table of a mise.toml for one Python, for all arches."""
    return f"channels/{channel}/mise/{cell.distro}/{client_version(cell)}.toml"


def pyenv(channel: str, cell: Cell) -> str:
    """The definition that python-build reads for one Python, for all arches; the file's name is the version's."""
    return f"channels/{channel}/pyenv/{cell.distro}/{client_version(cell)}-{cell.distro}"


def hatch(channel: str, distro: str, arch: str) -> str:
    """The environment that sends hatch to this store."""
    return f"channels/{channel}/hatch/{distro}-{arch}.sh"


def pants(channel: str, distro: str) -> str:
    """The part of a pants.toml with the Pythons that Pants may take."""
    return f"channels/{channel}/pants/{distro}.toml"


def paketo(channel: str, distro: str) -> str:
    """The dependencies of a Paketo buildpack.toml."""
    return f"channels/{channel}/paketo/{distro}.toml"


def site(channel: str, name: str) -> str:
    """A file of the pages that people look at; '' is their folder."""
    return f"channels/{channel}/site/{name}"


def oci() -> str:
    """Prefix of all of the registry."""
    return "v2/python/"


def oci_manifest(name: str) -> str:
    """A document of the registry: by tag, or by digest ('sha256:…')."""
    return f"v2/python/manifests/{name}"


def oci_blob(digest: str) -> str:
    """A layer or configuration of the registry, by digest ('sha256:…')."""
    return f"v2/python/blobs/{digest}"


def get_python() -> str:
    """The script that installs on hosts that have neither Python nor a client."""
    return "get-python.sh"


def client_version(cell: Cell) -> str:
    """A Python as file names of clients have it: the version, and the variant where there is one."""
    return str(cell.python) if cell.variant == "default" else f"{cell.python}-{cell.variant}"
