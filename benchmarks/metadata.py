"""The metadata of made-up builds: as much of it as real ones have, some 45 KB each, and a package newer in each rebuild."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from farm.index import growth
from farm.plan.cell import Cell
from farm.store.artifact import (
    ArchiveInfo,
    Artifact,
    BaseImageInfo,
    BuildInfo,
    ConfigureInfo,
    ElfInfo,
    ModulesInfo,
    PackageVersion,
    RuntimePackageInfo,
    SourceInfo,
    StepTime,
    VerifiedIn,
)

if TYPE_CHECKING:
    from farm.index.model import Entry
    from farm.plan.recipe import ArchiveKind

OTHERS: tuple[ArchiveKind, ...] = ("debugsymbols", "tests", "static-lib")  # archives that no index lists


def rendered(entry: Entry) -> bytes:
    """The same as it is stored."""
    return growth.rendered(of(entry))


def of(entry: Entry) -> Artifact:
    """What lies beside the archives of an entry."""
    listed = [ArchiveInfo(name=each.key.rpartition("/")[2], **each.model_dump(exclude={"key"})) for each in entry.archives]
    stem = entry.metadata.rpartition("/")[2].removesuffix(".json")
    others = [
        ArchiveInfo(
            kind=kind,
            format="tar.zst",
            name=f"{stem}-{kind}.tar.zst",
            size=21_000_000,
            sha256=_sha256(f"{stem} {kind}"),
            tar_sha256=_sha256(f"{stem} {kind} tar"),
        )
        for kind in OTHERS
    ]
    newer = PackageVersion(name="gcc-14-base", version=f"14.2.0-19+{entry.build_id}")
    about = {"cell": entry.cell, "recipe": _sha256(entry.recipe), "inputs": _sha256(entry.inputs)}
    packages = (newer, *_BUILD.builder_packages)
    return _ARTIFACT.model_copy(
        update={
            "build_id": entry.build_id,
            "created": entry.created,
            "build": _BUILD.model_copy(update={**about, "builder_packages": packages}),
            "archives": (*listed, *others),
        }
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _packages(count: int) -> tuple[PackageVersion, ...]:
    return tuple(PackageVersion(name=f"libsomething{at}-dev", version="1:2.41-12+deb13u1") for at in range(count))


def _names(what: str, count: int) -> tuple[str, ...]:
    return tuple(f"{what}_{at}" for at in range(count))


_CELL = Cell.parse("3.13.5-debian13-amd64")
_BUILD = BuildInfo(
    cell=str(_CELL),
    python=str(_CELL.python),
    series=_CELL.python.series,
    distro=_CELL.distro,
    arch=_CELL.arch,
    variant=_CELL.variant,
    abiflags="",
    lib="python3.13",
    executable="python3.13",
    soname="libpython3.13.so.1.0",
    optimize="pgo+lto",
    bytecode="unchecked-hash",
    recipe=_sha256("recipe"),
    inputs=_sha256("inputs"),
    source=SourceInfo(url="https://www.python.org/ftp/python/3.13.5/Python-3.13.5.tar.xz", sha256="a" * 64, epoch=1749600000),
    patches=(),
    base_image=BaseImageInfo(name="debian:13-slim", how="bootstrap", layers=("sha256:" + "c" * 64,)),
    builder_packages=_packages(292),
    compiler="gcc (Debian 14.2.0-19) 14.2.0",
    configure=ConfigureInfo(shared=_names("--with-something", 10), static=_names("STATIC", 3), make=_names("MAKE", 6)),
    runtime=tuple(RuntimePackageInfo(name=f"libneeded{at}", modules=("_ssl",), sonames=("libx.so.3",)) for at in range(19)),
    modules=ModulesInfo(
        builtin=_names("builtin", 33), shared=_names("_shared", 63), tests=_names("_test", 15), stdlib=_names("stdlib", 289)
    ),
    elf=ElfInfo(sonames=_names("libsomething.so", 20), glibc="2.38"),
    openssl="OpenSSL 3.5.1 1 Jul 2025",
    sqlite="3.46.1",
)
_ARTIFACT = Artifact(
    build_id="2026112201",
    channel="stable",
    created="2026-11-22T15:30:00Z",
    worker="builder-1",
    engine="Docker 28.5.2",
    run="20261122-153000-a1b2c3",
    attempt=1,
    build=_BUILD,
    archives=(),
    findings=(),
    steps=tuple(StepTime(step=f"step {at}", seconds=1.5) for at in range(16)),
    verified=VerifiedIn(
        runtime_image="sha256:" + "a" * 64,
        builder_image="sha256:" + "b" * 64,
        packages=_packages(105),
        passed=tuple(f"modules.check-{at}" for at in range(52)),
    ),
)
