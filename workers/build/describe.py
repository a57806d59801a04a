"""The metadata of a build, from what decided it and from what its binaries say. Pure."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from elftools.common.exceptions import ELFError
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from farm.store.artifact import (
    BaseImageInfo,
    BuildInfo,
    ConfigureInfo,
    ElfInfo,
    LibraryInfo,
    ModulesInfo,
    PackageVersion,
    PatchInfo,
    RuntimePackageInfo,
    SourceInfo,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.plan.facts import Facts
    from farm.plan.recipe import Inputs, Library, Patch, Recipe
    from workers.build.compile import Compiled
    from workers.build.tree import Tree

_GLIBC = re.compile(r"GLIBC_(\d+(?:\.\d+)+)$")
_MAGIC = b"\x7fELF"


def describe(recipe: Recipe, inputs: Inputs, compiled: Compiled, modules: ModulesInfo, tree: Tree, facts: Facts) -> BuildInfo:
    """What lies inside every archive of a build: only what two builds of one recipe and inputs agree on."""
    cell, layout = recipe.cell, recipe.layout
    return BuildInfo(
        cell=str(cell),
        python=str(cell.python),
        series=layout.series,
        distro=cell.distro,
        arch=cell.arch,
        variant=cell.variant,
        abiflags=layout.abiflags,
        lib=layout.lib,
        executable=layout.executable,
        names=layout.names,
        soname=layout.soname,
        optimize=recipe.optimize,
        bytecode=recipe.bytecode,
        recipe=recipe.digest,
        inputs=inputs.digest,
        source=SourceInfo(url=recipe.source.url, sha256=recipe.source.sha256, epoch=recipe.source.epoch),
        patches=tuple(_patch(patch, facts) for patch in recipe.patches),
        base_image=_base(recipe, inputs, facts),
        builder_packages=tuple(PackageVersion(name=name, version=version) for name, version in inputs.packages),
        built=inputs.how,
        compiler=compiled.compiler,
        configure=ConfigureInfo(shared=recipe.configure, static=recipe.make_static, make=recipe.make),
        runtime=_runtime(recipe, dict(inputs.packages)),
        libraries=tuple(_library(library, facts) for library in recipe.libraries),
        untested=facts.distros[recipe.cell.distro].facts.untested,
        modules=modules,
        elf=elf_info(tree),
        openssl=compiled.openssl,
        sqlite=compiled.sqlite,
    )


def _base(recipe: Recipe, inputs: Inputs, facts: Facts) -> BaseImageInfo:
    """The base image by the name that users pull it by; what an engine here calls it has a date."""
    name = facts.distros[recipe.cell.distro].facts.image
    return BaseImageInfo(name=name, how=inputs.base.how, layers=inputs.base.layers)


def _patch(patch: Patch, facts: Facts) -> PatchInfo:
    row = facts.patches[patch.file]
    return PatchInfo(file=patch.file, sha256=patch.sha256, why=row.why, link=row.link)


def _library(library: Library, facts: Facts) -> LibraryInfo:
    row, source = facts.libraries[library.name], library.source
    return LibraryInfo(
        name=library.name,
        version=library.version,
        url=source.url,
        sha256=source.sha256,
        eol=row.eol.isoformat(),
        notice=row.notice,
        why=row.why,
    )


def _runtime(recipe: Recipe, versions: dict[str, str]) -> tuple[RuntimePackageInfo, ...]:
    """The run-time packages; the builder image has most of them too, in the same version, through its development packages.

    In one that cross-compiles they are called `name:arch`.
    """
    arch = recipe.cell.arch
    return tuple(
        RuntimePackageInfo(
            name=package.name,
            version=versions.get(f"{package.name}:{arch}") or versions.get(package.name, ""),
            modules=package.modules,
            sonames=package.sonames,
            optional=package.optional,
        )
        for package in recipe.runtime
    )


def elf_info(tree: Tree) -> ElfInfo:
    """What the tree's binaries need from outside: libraries, and the highest glibc symbol version."""
    needed: set[str] = set()
    versions: set[tuple[int, ...]] = set()
    for elf in _elves(tree):
        needed.update(_needed(elf))
        versions.update(_glibc(elf))
    own = {path.rpartition("/")[2] for path in tree.entries}
    highest = max(versions, default=())
    return ElfInfo(sonames=tuple(sorted(needed - own)), glibc=".".join(str(part) for part in highest))


def _elves(tree: Tree) -> Iterator[ELFFile]:
    for path, entry in tree.files():
        if "/debug/" not in path and (path.startswith("bin/") or ".so" in path):
            data = entry.content.read()
            if data.startswith(_MAGIC):
                try:
                    yield ELFFile(io.BytesIO(data))
                except ELFError:
                    continue  # the check `hardening.elf` says what is wrong with it


def _needed(elf: ELFFile) -> Iterable[str]:
    dynamic = elf.get_section_by_name(".dynamic")
    if not isinstance(dynamic, DynamicSection):
        return ()
    return (str(tag.needed) for tag in dynamic.iter_tags("DT_NEEDED"))  # type: ignore[attr-defined]  # set by pyelftools as it reads


def _glibc(elf: ELFFile) -> Iterator[tuple[int, ...]]:
    section = elf.get_section_by_name(".gnu.version_r")
    if not isinstance(section, GNUVerNeedSection):
        return
    for _, auxiliaries in section.iter_versions():
        for auxiliary in auxiliaries:
            if found := _GLIBC.match(auxiliary.name):
                yield tuple(int(part) for part in found[1].split("."))
