"""What is published, read from the store: one listing tells of thousands of builds, because their keys say it all."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from farm.errors import FarmError
from farm.plan.cell import Cell
from farm.store import keys
from farm.store.artifact import Artifact
from farm.store.keys import Published

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.plan.fate import Build
    from farm.store.protocol import Store

_M = TypeVar("_M", bound=BaseModel)
_B = TypeVar("_B", bound="Build")


def published(store: Store, cell: Cell | None = None) -> list[Published]:
    """Every published build (of one cell), ordered by cell, then build id."""
    found = (Published.parse(stat.key) for stat in store.list(keys.catalog(cell)))
    return sorted((build for build in found if build), key=lambda build: (build.cell.sort_key, build.build_id, build.channel))


def newest(store: Store, cell: Cell, channel: str | None = None) -> Published | None:
    """The newest published build of a cell (in a channel) that was not yanked; None when there is none."""
    marks = yanked(store, cell)
    found = [build for build in published(store, cell) if channel in (None, build.channel)]
    builds = [build for build in found if (str(build.cell), build.build_id) not in marks]
    return builds[-1] if builds else None


def same(builds: Iterable[_B], recipe: str, inputs: str, channel: str) -> _B | None:
    """The newest of these builds that has a recipe and inputs; in the channel rather than in another."""
    found = [build for build in builds if build.same(recipe, inputs)]
    return max(found, key=lambda build: (build.channel == channel, build.build_id), default=None)


def before(store: Store, build: Published) -> Published | None:
    """What a user of this build has had until now: the cell's build before it, else the newest of the patch release before.

    Yanked builds count: they were installed. None when this is the first of its series.
    """
    older = [
        other
        for other in published(store)
        if replace(other.cell, python=build.cell.python) == build.cell
        and (other.cell.python.major, other.cell.python.minor) == (build.cell.python.major, build.cell.python.minor)
        and (other.cell.sort_key, other.build_id) < (build.cell.sort_key, build.build_id)
    ]
    return older[-1] if older else None


def yanked(store: Store, cell: Cell | None = None) -> set[tuple[str, str]]:
    """Cell and build id of every build (of a cell) that was yanked."""
    parts = (stat.key.split("/") for stat in store.list(keys.yanks(cell)))
    return {(part[1], part[2].removesuffix(".json")) for part in parts}


def artifact(store: Store, build: Published) -> Artifact:
    """The metadata of a published build. Raises FarmError when it is not there or not readable."""
    found = load(store, build.key, Artifact)
    if found is None:
        raise FarmError(f"{build.key} left the store {store.name} while it was looked at", hint="run `farm ls`")
    return found[0]


def name_of(artifact: Artifact) -> Published:
    """The catalog's name of an artifact."""
    build = artifact.build
    return keys.published(Cell.parse(build.cell), artifact.build_id, build.recipe, build.inputs, artifact.channel)


def load(store: Store, key: str, model: type[_M]) -> tuple[_M, str] | None:
    """An object as its model, and its etag; None when there is none. Raises FarmError when it is not what it should be."""
    if (found := store.get(key)) is None:
        return None
    try:
        return model.model_validate_json(found[0]), found[1]
    except ValidationError as error:
        raise unreadable(store, key, error) from error


def unreadable(store: Store, key: str, error: ValidationError) -> FarmError:
    """The error that says which object is not what it should be, and where."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the top"
    return FarmError(
        f"{key} in the store {store.name} cannot be read: {first['msg']} (at {where})",
        hint="a newer farm may have written it: upgrade this one",
    )
