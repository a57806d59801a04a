"""Locks: what each distro and arch was found to give, one object per day; and which of them a plan still has to find out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from farm.plan.recipe import How, Inputs
from farm.store import keys
from farm.store.catalog import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.plan.recipe import Recipe
    from farm.store.protocol import Store

Platform = tuple[str, str]  # distro, arch
Packages = Mapping[How, tuple[str, ...]]  # of a builder image, by how it builds; without 'cross' where none can cross-compile

_INPUTS = TypeAdapter(Inputs)


def today() -> str:
    """The date that locks are kept under, in UTC: YYYYMMDD."""
    return f"{datetime.now(UTC):%Y%m%d}"


def newest_inputs(store: Store, distro: str, arch: str) -> Inputs | None:
    """The inputs that the newest resolve step found for a distro and arch; None before the first."""
    locks = [stat.key for stat in store.list(keys.locks(distro, arch))]
    if not locks or (found := store.get(locks[-1])) is None:
        return None
    try:
        return _INPUTS.validate_json(found[0])
    except ValidationError as error:
        raise unreadable(store, locks[-1], error) from error


def save_inputs(store: Store, distro: str, arch: str, inputs: Inputs, *, date: str) -> None:
    """Keep what a resolve step found on `date` (YYYYMMDD); a second step on one day replaces the first."""
    store.put(keys.lock(distro, arch, date), _INPUTS.dump_json(inputs, indent=1))


def forget(store: Store, distro: str, arch: str) -> None:
    """Have the next run find out anew what a distro and arch give today: it is not any more what was found."""
    store.delete(keys.lock(distro, arch, today()))


def packages_of(recipes: Iterable[Recipe]) -> dict[Platform, Packages]:
    """What each platform's builder images must have, over all recipes."""
    wanted: dict[Platform, dict[How, set[str]]] = {}
    for recipe in recipes:
        sets = wanted.setdefault((recipe.cell.distro, recipe.cell.arch), {})
        sets.setdefault("native", set()).update(recipe.build_packages)
        if recipe.cross:
            sets.setdefault("cross", set()).update(recipe.cross.packages)
    return {platform: {how: tuple(sorted(packages)) for how, packages in sets.items()} for platform, sets in wanted.items()}


def missing(store: Store, wanted: Mapping[Platform, Packages], date: str) -> dict[Platform, Packages]:
    """The platforms that have no lock of that day, or one that lacks a package that is wanted."""
    return {platform: packages for platform, packages in wanted.items() if not _has(store, platform, packages, date)}


def _has(store: Store, platform: Platform, packages: Packages, date: str) -> bool:
    if store.get(keys.lock(*platform, date)) is None:
        return False
    inputs = newest_inputs(store, *platform)
    if inputs is None or inputs.how not in packages:
        return False
    return set(packages[inputs.how]) <= {name for name, _ in inputs.packages}
