"""The distro's Python against our recipe: every difference on its own, and the row that says why. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from farm.plan.recipe import words_said
from farm.plan.yardstick import Subject
from farm.wire.yardstick import EXECUTABLE, PARTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from farm.plan.recipe import Recipe
    from farm.plan.scope import Place
    from farm.plan.yardstick import DifferenceRow, FeatureRow
    from farm.wire.yardstick import Yardstick

BUILT_IN, SHARED, TESTS = "built in", "shared", "archive of tests"
WIDE = 0x10FFFF


@dataclass(frozen=True)
class Compared:
    """One thing as the distro's Python has it and as ours does ('' is not at all)."""

    subject: Subject
    name: str
    theirs: str
    ours: str
    note: str = ""
    why: str = ""
    link: str = ""

    @property
    def differs(self) -> bool:
        """Whether there is something to explain."""
        return self.theirs != self.ours

    @property
    def unexplained(self) -> bool:
        """Whether no row says why they differ."""
        return self.differs and not self.why


@dataclass(frozen=True)
class Audit:
    """Everything side by side, and what rows say of differences that there are not."""

    everything: tuple[Compared, ...]
    unmatched: tuple[str, ...]

    @property
    def differences(self) -> tuple[Compared, ...]:
        """What differs."""
        return tuple(one for one in self.everything if one.differs)

    @property
    def unexplained(self) -> tuple[Compared, ...]:
        """What differs, and nobody said why."""
        return tuple(one for one in self.everything if one.unexplained)


def compare(
    told: Yardstick,
    recipe: Recipe,
    place: Place,
    rows: Mapping[str, DifferenceRow],
    features: Mapping[str, FeatureRow],
) -> Audit:
    """Everything that the distro's Python told, beside what the recipe decides, each difference with its row's reason.

    A row holds for exactly the differences that it names, and each of its names must be one: what is not one any more is told
    in `unmatched`, by row and name.
    """
    version = recipe.cell.python
    place = replace(place, version=(version.major, version.minor, version.patch))
    holding = {key: row for key, row in rows.items() if row.holds(place)}
    reasons = {(row.subject, name, row.theirs, row.ours): row for row in holding.values() for name in row.names}
    everything = tuple(_explained(one, reasons) for one in _everything(told, recipe, features))
    seen = {(one.subject, one.name, one.theirs, one.ours) for one in everything if one.differs}
    unmatched = tuple(
        f"row '{key}': {row.subject} {name}: {shown(row.theirs)} there, {shown(row.ours)} here"
        for key, row in holding.items()
        for name in row.names
        if (row.subject, name, row.theirs, row.ours) not in seen
    )
    return Audit(everything, unmatched)


def shown(value: str) -> str:
    """A value as people read it: '-' for nothing."""
    return value or "-"


def _explained(one: Compared, reasons: Mapping[tuple[Subject, str, str, str], DifferenceRow]) -> Compared:
    row = reasons.get((one.subject, one.name, one.theirs, one.ours)) if one.differs else None
    return replace(one, why=row.why, link=row.link) if row else one


def _everything(told: Yardstick, recipe: Recipe, features: Mapping[str, FeatureRow]) -> Iterator[Compared]:
    yield from _side_by_side("configure", _arguments(told.arguments), _arguments(recipe.configure))
    ours = _flags(recipe.make)
    yield from _side_by_side("flag", dict.fromkeys(told.flags, "yes"), dict.fromkeys(ours, "yes"))
    yield from _modules(told)
    sonames = {soname for package in recipe.runtime for soname in package.sonames}
    notes = {one.soname: f"{one.package}, built with {shown(one.development)}" for one in told.libraries}
    theirs = {one.soname: "yes" for one in told.libraries}
    yield from _side_by_side("library", theirs, dict.fromkeys(sorted(sonames), "yes"), notes)
    packages = sorted(package.name for package in recipe.runtime)
    yield from _side_by_side("package", dict.fromkeys(told.requires, "yes"), dict.fromkeys(packages, "yes"))
    asked = {
        name: _parts(_asking(row, recipe)) for name, row in features.items() if not row.flags or set(row.flags) & set(ours)
    }
    yield from _side_by_side("hardening", {name: _parts(parts) for name, parts in told.hardening.items()}, asked)
    yield Compared("linkage", "needs libpython", _parts(told.needs_libpython), "")
    yield Compared("unicode", "sys.maxunicode", hex(told.maxunicode), hex(WIDE))


def _side_by_side(
    subject: Subject, theirs: Mapping[str, str], ours: Mapping[str, str], notes: Mapping[str, str] | None = None
) -> Iterator[Compared]:
    for name in dict.fromkeys((*theirs, *ours)):
        yield Compared(subject, name, theirs.get(name, ""), ours.get(name, ""), (notes or {}).get(name, ""))


def _arguments(words: Iterable[str]) -> dict[str, str]:
    """'--with-x=y' as x's value y; one without a value has 'yes'. A word given twice counts as configure reads it: the last."""
    pairs = (word.partition("=") for word in words)
    return {name: value if equals else "yes" for name, equals, value in pairs}


def _asking(row: FeatureRow, recipe: Recipe) -> Iterator[str]:
    """The parts of ours that are to have a feature."""
    static = words_said(recipe.make_static)
    yield from (part for part in PARTS if part != EXECUTABLE or not static & set(row.but))


def _flags(make: Iterable[str]) -> tuple[str, ...]:
    """The words of make's variables for flags."""
    values = (word.partition("=")[2] for word in make if "FLAGS" in word.partition("=")[0])
    return tuple(dict.fromkeys(flag for value in values for flag in value.split()))


def _modules(told: Yardstick) -> Iterator[Compared]:
    theirs = dict.fromkeys(told.builtin, BUILT_IN) | dict.fromkeys(told.shared, SHARED)
    ours = dict.fromkeys(told.ours.builtin, BUILT_IN) | dict.fromkeys(told.ours.shared, SHARED)
    ours |= dict.fromkeys(told.ours.tests, TESTS)
    asked = dict.fromkeys(told.asked.extensions, f"the source asks for it {SHARED}")
    asked |= dict.fromkeys(told.asked.builtin, f"the source asks for it {BUILT_IN}")
    notes = {name: asked.get(name, "the source's lists do not have it") for name in (*theirs, *ours)}
    yield from _side_by_side("module", dict(sorted(theirs.items())), dict(sorted(ours.items())), notes)


def _parts(parts: Iterable[str]) -> str:
    return ", ".join(sorted(parts))
