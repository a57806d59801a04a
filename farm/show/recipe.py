"""A recipe, and the reasons for it, for people and for programs."""

from __future__ import annotations

import itertools
import textwrap
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farm.plan.compose import Decision
    from farm.plan.recipe import Recipe

_WIDTH = 110


def lines(recipe: Recipe) -> Iterator[str]:
    """The whole recipe as text."""
    yield f"recipe of {recipe.cell}"
    yield f"  digest      {recipe.digest}"
    yield f"  source      {recipe.source.path}"
    yield f"              sha256 {recipe.source.sha256}, SOURCE_DATE_EPOCH {recipe.source.epoch}"
    yield f"  options     optimize {recipe.optimize}, bytecode {recipe.bytecode}, strip {recipe.strip}"
    yield f"  names       {recipe.layout.executable}, lib/{recipe.layout.lib}, {recipe.layout.soname}"
    yield f"  build code  {recipe.code}"
    yield from _section("patches", [f"{patch.file}  sha256 {patch.sha256}" for patch in recipe.patches])
    yield from _section("configure", recipe.configure)
    yield from _section("modules linked into the interpreter", recipe.linked)
    yield from _section("make", recipe.make)
    yield from _section("make, static pass", recipe.make_static)
    yield from _section("environment", [f"{name}={value}" for name, value in recipe.environment])
    yield from _section("packages to build", recipe.build_packages)
    yield from _section("packages to run", [_runtime(package) for package in asdict(recipe)["runtime"]])
    yield from _section("leaves install_only", [_trim(trim) for trim in asdict(recipe)["trims"]])
    rules = [f"{rule.name}{'' if rule.present else ' (must not be there)'}" for rule in recipe.modules]
    yield from _section("modules beyond the source's own lists", rules)
    yield from _section("words dropped from the shipped sysconfig", recipe.scrub)
    yield from _section("words renamed in it", [f"{pattern} is {word}" for pattern, word in recipe.renamed])


def data(recipe: Recipe) -> dict[str, Any]:
    """The whole recipe as JSON-able data; the cell as it is written."""
    return {**asdict(recipe), "cell": str(recipe.cell), "digest": recipe.digest}


def reasons(decisions: Sequence[Decision]) -> Iterator[str]:
    """Every decision with its reason; what shares a reason stands together."""
    for subject, group in itertools.groupby(decisions, key=lambda decision: decision.subject):
        yield subject
        for (why, link), same in itertools.groupby(group, key=lambda decision: (decision.why, decision.link)):
            yield from _wrapped("  ".join(decision.value for decision in same))
            indent = "      "
            yield from textwrap.wrap(why, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
            if link:
                yield f"      {link}"
        yield ""


def _section(title: str, items: Sequence[str]) -> Iterator[str]:
    if items:
        yield ""
        yield title
    for item in items:
        yield from _wrapped(item)


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )


def _runtime(package: dict[str, Any]) -> str:
    modules = ", ".join(module or "the interpreter" for module in package["modules"])
    sonames = ", ".join(package["sonames"])
    parts = ["optional" if package["optional"] else "", f"for {modules}" if modules else "", sonames]
    return "; ".join([package["name"], *(part for part in parts if part)])


def _trim(trim: dict[str, Any]) -> str:
    kept = f" (stays: {', '.join(trim['keep'])})" if trim["keep"] else ""
    return f"{trim['glob']} -> {trim['archive'] or 'nowhere'}{kept}"
