"""A small staged attempt, right in every part: what the tests of publishing then break."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import zstandard

from farm.plan.cell import Cell
from farm.plan.recipe import BaseImage, How, Inputs, Layout, Recipe, RuntimePackage, Source
from farm.publish.order import Order
from farm.publish.publisher import publish
from farm.store import run_keys
from farm.store.artifact import (
    BUILD_INFO_PATH,
    ArchiveInfo,
    BaseImageInfo,
    BuildInfo,
    ConfigureInfo,
    ElfInfo,
    ModulesInfo,
    PackageVersion,
    RuntimePackageInfo,
    SourceInfo,
)
from farm.wire.messages import Result

if TYPE_CHECKING:
    from tests.fakes import MemoryStore

RUN = "20261122-153000-a1b2c3"
CELL = Cell.parse("3.13.5-debian13-amd64")
FOLDER = "artifacts/debian13/3.13.5/amd64/2026112201"  # where it is published
STEM = "cpython-3.13.5-x86_64-unknown-linux-gnu-debian13.2026112201"
BASE_IMAGE = BaseImage("debian:13-slim", "bootstrap", ("sha256:0",))
_MADE: dict[str, Inputs] = {}


def inputs(gcc: str = "14", how: How = "native") -> str:
    """The digest of inputs with that version of gcc, which `build_info` can then tell of."""
    made = Inputs(BASE_IMAGE, (("gcc", gcc),), how)
    _MADE[made.digest] = made
    return made.digest


INPUTS = inputs()
RUNTIME = (
    RuntimePackage("libssl3t64", ("_ssl",), ("libssl.so.3",)),
    RuntimePackage("libtk8.6", ("_tkinter",), ("libtk8.6.so",), optional=True),
)
TRIPLE = "x86_64-unknown-linux-gnu"
BASE = "https://python.example.org"


def now() -> datetime:
    return datetime(2026, 11, 22, 15, 30, tzinfo=UTC)


def recipe(cell: Cell = CELL, **changes) -> Recipe:
    fields = {
        "cell": cell,
        "source": Source("Python-3.13.5.tar.xz", "a" * 64, "3.13.5/Python-3.13.5.tar.xz", "", 1749600000),
        "patches": (),
        "layout": Layout(
            cell.python.series, "", f"python{cell.python.series}", f"python{cell.python.series}", "libpython.so.1"
        ),
        "optimize": "none",
        "bytecode": "none",
        "strip": "split",
        "configure": (),
        "make": (),
        "make_static": (),
        "environment": (),
        "build_packages": (),
        "runtime": RUNTIME,
        "trims": (),
        "modules": (),
        "scrub": (),
        "code": "c",
    }
    return Recipe(**(fields | changes))


def order(cell: Cell = CELL, **changes) -> Order:
    made = recipe(cell)
    fields = {"run": RUN, "attempt": 1, "recipe": made, "inputs": INPUTS, "channel": "dev", "triple": TRIPLE, "base_url": BASE}
    return Order(**(fields | changes))


def build_info(of: Order) -> BuildInfo:
    cell, made = of.cell, of.recipe
    return BuildInfo(
        cell=str(cell),
        python=str(cell.python),
        series=cell.python.series,
        distro=cell.distro,
        arch=cell.arch,
        variant=cell.variant,
        abiflags="",
        lib=made.layout.lib,
        executable=made.layout.executable,
        soname=made.layout.soname,
        names=made.layout.names,
        optimize=made.optimize,
        bytecode=made.bytecode,
        recipe=made.digest,
        inputs=of.inputs,
        source=SourceInfo(url=made.source.url, sha256=made.source.sha256, epoch=made.source.epoch),
        patches=(),
        base_image=BaseImageInfo(**asdict(BASE_IMAGE)),
        builder_packages=tuple(PackageVersion(name=name, version=version) for name, version in _MADE[of.inputs].packages),
        built=_MADE[of.inputs].how,
        compiler="gcc 14",
        configure=ConfigureInfo(shared=(), static=(), make=()),
        runtime=tuple(RuntimePackageInfo(**asdict(package)) for package in made.runtime),
        modules=ModulesInfo(builtin=(), shared=(), tests=(), stdlib=()),
        elf=ElfInfo(sonames=(), glibc="2.38"),
        openssl="OpenSSL 3.5.1",
        sqlite="3.46.1",
    )


def member(name: str, content: bytes = b"", **attributes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info, content


def tar_of(members) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def good_members(build: BuildInfo, mark: bytes = b""):
    return [
        member("python", type=tarfile.DIRTYPE, mode=0o755),
        member("python/bin", type=tarfile.DIRTYPE, mode=0o755),
        member("python/bin/python3.13", b"\x7fELF" + mark, mode=0o755),
        member("python/bin/python3", type=tarfile.SYMTYPE, linkname="python3.13", mode=0o777),
        member("python/lib/libpython3.13.so", type=tarfile.SYMTYPE, linkname="../bin/python3.13", mode=0o777),
        member(f"python/{BUILD_INFO_PATH}", build.model_dump_json().encode()),
    ]


PACK = {"tar.gz": lambda data: gzip.compress(data, mtime=0), "tar.zst": zstandard.compress}


def archives_of(tar: bytes, kind: str = "install_only", forms=("tar.zst", "tar.gz")) -> dict[str, tuple[ArchiveInfo, bytes]]:
    tar_sha256 = hashlib.sha256(tar).hexdigest()
    made = {}
    for form in forms:
        data = PACK[form](tar)
        sha256 = hashlib.sha256(data).hexdigest()
        name = f"{kind}.{form}"
        made[name] = (
            ArchiveInfo(kind=kind, format=form, name=name, size=len(data), sha256=sha256, tar_sha256=tar_sha256),
            data,
        )
    return made


def stage(store: MemoryStore, of: Order, *, members=None, mark: bytes = b"", **changes) -> Result:
    """Grant the attempt and stage an archive of these members; `changes` are what the builder says otherwise."""
    build = build_info(of)
    made = archives_of(tar_of(members or good_members(build, mark)))
    made |= archives_of(tar_of(members or good_members(build, b"debug" + mark)), "debugsymbols", ["tar.zst"])
    store.put(run_keys.attempt(of.run, of.cell, of.attempt), b"{}")
    for name, (_, data) in made.items():
        store.put(run_keys.staging(of.run, of.cell, of.attempt, name), data)
    fields = {
        "run": of.run,
        "cell": str(of.cell),
        "attempt": of.attempt,
        "worker": "w1",
        "engine": "Docker",
        "recipe": of.recipe.digest,
        "inputs": of.inputs,
        "build": build,
        "archives": tuple(info for info, _ in made.values()),
    }
    return Result(**(fields | changes))


def published(store, of=None, **changes):
    of = of or order()
    return publish(store, stage(store, of, **changes), of, clock=now)
