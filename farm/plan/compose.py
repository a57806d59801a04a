"""Facts to recipe, and facts to reasons. Both read one selection of rows, so that they cannot disagree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from farm.plan.recipe import Recipe, Source
from farm.plan.selection import impossible, select

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.plan.cell import Cell, Version
    from farm.plan.facts import Distro, Facts
    from farm.plan.options import Options
    from farm.plan.selection import Selection

__all__ = ["Decision", "compose", "decisions", "impossible"]

_PASSES = {"both": "make", "static": "make, static pass"}


@dataclass(frozen=True)
class Decision:
    """One thing decided about a cell, and why."""

    subject: str
    value: str
    why: str
    link: str = ""


def compose(cell: Cell, options: Options, facts: Facts, code: str) -> Recipe:
    """The recipe of a cell; `code` is the digest of the code that builds. Raises BadInput when it is impossible."""
    chosen = select(cell, options, facts)
    return Recipe(
        cell=cell,
        source=_source(facts, cell.python),
        patches=chosen.patches,
        layout=chosen.layout,
        optimize=options.optimize,
        bytecode=options.bytecode or chosen.series.bytecode,
        strip=options.strip,
        configure=chosen.arguments,
        make=chosen.make,
        make_static=chosen.make_static,
        environment=chosen.variables,
        build_packages=chosen.packages.build,
        runtime=chosen.packages.runtime,
        trims=chosen.trims,
        modules=chosen.modules,
        scrub=chosen.dropped,
        code=code,
        libraries=chosen.libraries,
        cross=chosen.cross,
        advice=chosen.packages.advice,
        missing_stdlib=chosen.packages.missing,
        linked=chosen.linked,
        renamed=chosen.renamed,
    )


@lru_cache(maxsize=4096)  # all cells of a release have the same one
def _source(facts: Facts, version: Version) -> Source:
    row = facts.sources[str(version)]
    return Source(row.file, row.sha256, row.path, row.pool, row.epoch)


def decisions(cell: Cell, options: Options, facts: Facts) -> tuple[Decision, ...]:
    """Why each part of the cell's recipe is there, in the recipe's order. Raises BadInput when it is impossible."""
    chosen = select(cell, options, facts)
    return (
        *_untested(facts.distros[cell.distro]),
        *_choices(cell, options, chosen),
        *_build(chosen),
        *_cross(chosen),
        *_needs(chosen),
        *_tree(chosen),
    )


def _untested(distro: Distro) -> Iterator[Decision]:
    """What to think of the packages that follow."""
    if distro.facts.untested:
        dated = distro.facts.packages_dated
        seen = f"{distro.id}, packages seen on {dated}" if dated else f"{distro.id}, packages never seen"
        yield Decision("facts that are untested", seen, distro.facts.untested)


def _choices(cell: Cell, options: Options, chosen: Selection) -> Iterator[Decision]:
    series, variant = chosen.series, chosen.variant
    yield Decision("variant", cell.variant, variant.why, variant.link)
    if options.bytecode:
        yield Decision("bytecode", options.bytecode, "the matrix asks for it")
    else:
        yield Decision("bytecode", series.bytecode, series.bytecode_why, series.bytecode_link)


def _build(chosen: Selection) -> Iterator[Decision]:
    for name, library in chosen.library_rows:
        yield Decision("library of our own", f"{name} {library.version}", f"{library.why}; {library.notice}", library.link)
    if any("{openssldir}" in word for _, row in chosen.library_rows for command in row.commands for word in command):
        family = chosen.family
        yield Decision("folder of certificates", family.openssldir, family.openssldir_why, family.openssldir_link)
    for file, patch in chosen.patch_rows:
        yield Decision("patch", file, patch.why, patch.link)
    for _, linked in chosen.linked_rows:
        yield Decision("linked into the interpreter", ", ".join(linked.names), linked.why, linked.link)
    for _, argument in chosen.configure:
        yield Decision("configure", argument.arg, argument.why, argument.link)
    for _, flag in chosen.flags:
        yield Decision(f"make, {chosen.variable(flag)}", flag.flag, flag.why, flag.link)
    for _, word in chosen.make_words:
        yield Decision(_PASSES[word.passes], word.word, word.why, word.link)
    for name, variable in chosen.environment:
        yield Decision("environment", f"{name}={variable.value}", variable.why, variable.link)
    for _, rejected in chosen.rejected_rows:
        yield Decision("measured, and not taken", rejected.what, rejected.why, rejected.link)


def _cross(chosen: Selection) -> Iterator[Decision]:
    for _, row in chosen.cross_rows if chosen.cross else ():
        said = (*row.configure, *(f"{name}={value}" for name, value in row.environment.items()))
        if said:
            yield Decision("where it is cross-compiled", " ".join(said), row.why, row.link)
        for name, value in row.sysconfig.items():
            yield Decision("said by sysconfig where it is cross-compiled", f"{name} = {value}", row.why, row.link)


def _needs(chosen: Selection) -> Iterator[Decision]:
    for advice in chosen.packages.advice:
        why = f"{advice.module} cannot be loaded without them, and the loader only names a library"
        yield Decision(f"said by {advice.file}", advice.sentence, why)
    for reason in chosen.packages.reasons:
        yield Decision(reason.subject, reason.value, reason.why, reason.link)


def _tree(chosen: Selection) -> Iterator[Decision]:
    for _, trim in chosen.trim_rows:
        for glob in trim.globs:
            where = f"moved to {trim.archive}" if trim.archive else "left out"
            yield Decision(where, glob.format(lib=chosen.layout.lib), trim.why, trim.link)
    for _, module in chosen.module_rows:
        yield Decision("module" if module.present else "no module", ", ".join(module.names), module.why, module.link)
    for _, scrub in chosen.scrub:
        done = f"becomes {scrub.becomes} in sysconfig" if scrub.becomes else "dropped from sysconfig"
        yield Decision(done, scrub.pattern, scrub.why, scrub.link)
