"""Locks: what each distro and arch was found to give, one object per day; and which of them a plan still has to find out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from farm.plan.recipe import Inputs
from farm.store import keys
from farm.store.catalog import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from farm.plan.recipe import Recipe
    from farm.store.protocol import Store

Platform = tuple[str, str]  # distro, arch

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


def packages_of(recipes: Iterable[Recipe]) -> dict[Platform, tuple[str, ...]]:
    """What each platform's builder image must have, over all recipes."""
    wanted: dict[Platform, set[str]] = {}
    for recipe in recipes:
        wanted.setdefault((recipe.cell.distro, recipe.cell.arch), set()).update(recipe.build_packages)
    return {platform: tuple(sorted(packages)) for platform, packages in wanted.items()}


def missing(store: Store, wanted: Mapping[Platform, tuple[str, ...]], date: str) -> dict[Platform, tuple[str, ...]]:
    """The platforms that have no lock of that day, or one that lacks a package that is wanted."""
    return {platform: packages for platform, packages in wanted.items() if not _has(store, platform, packages, date)}


def _has(store: Store, platform: Platform, packages: tuple[str, ...], date: str) -> bool:
    if store.get(keys.lock(*platform, date)) is None:
        return False
    inputs = newest_inputs(store, *platform)
    return inputs is not None and set(packages) <= {name for name, _ in inputs.packages}
