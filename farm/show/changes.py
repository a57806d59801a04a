"""What has changed between a published build and what would be built now, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farm.plan.recipe import Inputs, Recipe
    from farm.store.artifact import BuildInfo

_MANY = 6


def changes(build: BuildInfo, recipe: Recipe, inputs: Inputs | None) -> list[str]:
    """Each difference as a few words, e.g. 'libssl-dev 3.5.1-1 -> 3.5.4-1'; what metadata does not tell is left out."""
    found = [*_recipe(build, recipe), *(_inputs(build, inputs) if inputs else ())]
    return found or ["our build code, or facts that leave no trace in the metadata"]


def between(before: BuildInfo, after: BuildInfo) -> list[str]:
    """The same between two published builds."""
    found = [*_built(before, after), *_packages(before, {each.name: each.version for each in after.builder_packages})]
    if before.base_image.layers != after.base_image.layers:
        found.append("the base image")
    return found or ["our build code, or facts that leave no trace in the metadata"]


def _built(before: BuildInfo, after: BuildInfo) -> Iterator[str]:
    for name, old, new in (
        ("source", before.source.sha256, after.source.sha256),
        ("optimize", before.optimize, after.optimize),
        ("OpenSSL", before.openssl, after.openssl),
        ("SQLite", before.sqlite, after.sqlite),
    ):
        if old != new:
            yield f"{name} {old[:32] or 'none'} -> {new[:32] or 'none'}"
    for name, had, has in (
        ("configure", before.configure.shared, after.configure.shared),
        ("configure (static pass)", before.configure.static, after.configure.static),
        ("make", before.configure.make, after.configure.make),
        ("patches", [patch.file for patch in before.patches], [patch.file for patch in after.patches]),
        ("run-time packages", [package.name for package in before.runtime], [package.name for package in after.runtime]),
    ):
        yield from _listed(name, had, has)


def _recipe(build: BuildInfo, recipe: Recipe) -> Iterator[str]:
    for name, before, now in (
        ("source", build.source.sha256, recipe.source.sha256),
        ("optimize", build.optimize, recipe.optimize),
        ("bytecode", build.bytecode, recipe.bytecode),
    ):
        if before != now:
            yield f"{name} {before[:16]} -> {now[:16]}"
    for name, old, new in (
        ("configure", build.configure.shared, recipe.configure),
        ("static pass", build.configure.static, recipe.make_static),
        ("make", build.configure.make, recipe.make),
        ("patches", [patch.file for patch in build.patches], [patch.file for patch in recipe.patches]),
        ("run-time packages", [package.name for package in build.runtime], [package.name for package in recipe.runtime]),
    ):
        yield from _listed(name, old, new)


def _listed(name: str, before: Sequence[str], now: Sequence[str]) -> Iterator[str]:
    gone = [f"-{item}" for item in before if item not in now]
    come = [f"+{item}" for item in now if item not in before]
    if gone or come:
        yield f"{name}: {_some([*gone, *come])}"


def _inputs(build: BuildInfo, inputs: Inputs) -> Iterator[str]:
    if build.base_image.layers != inputs.base.layers:
        yield "the base image"
    yield from _packages(build, dict(inputs.packages))


def _packages(build: BuildInfo, now: Mapping[str, str]) -> Iterator[str]:
    before = {package.name: package.version for package in build.builder_packages}
    changed = [
        f"{name} {before.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in sorted({*before, *now})
        if before.get(name) != now.get(name)
    ]
    if changed:
        yield _some(changed)


def _some(items: Sequence[str]) -> str:
    more = len(items) - _MANY
    return ", ".join(items[:_MANY]) + (f" and {more} more" if more > 0 else "")
