"""Whether a build came out again with the same bytes, and what explains each file that did not. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.show.changes import changes
from farm.store.artifact import BUILD_INFO_PATH
from farm.wire.reproduction import FileDifference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.plan.recipe import Recipe
    from farm.store.artifact import Artifact
    from farm.wire.reproduction import Reproduction

_SHOWN = 30
_METADATA = "it says what is listed above"
_CAUSED = "made of what is listed above"
_TRAINED = "a training run is never the same twice, and what it counts decides this code"


@dataclass(frozen=True)
class Explained:
    """A file that differs, and why; '' when nothing explains it."""

    difference: FileDifference
    why: str


@dataclass(frozen=True)
class Report:
    """What differed before anything was built, and every file that differs afterwards."""

    causes: tuple[str, ...]
    files: tuple[Explained, ...]

    @property
    def unexplained(self) -> tuple[Explained, ...]:
        """Files that nothing explains: then a build is not deterministic, or somebody changed one of both."""
        return tuple(one for one in self.files if not one.why)


def report(artifact: Artifact, recipe: Recipe, done: Reproduction) -> Report:
    """Explain every difference as far as it can be: by recipe and inputs first, then by what a build cannot repeat."""
    build = artifact.build
    alike = build.recipe == done.recipe and build.inputs == done.inputs.digest
    causes = () if alike else tuple(changes(build, recipe, done.inputs))
    trained = build.optimize != "none"
    return Report(causes, tuple(Explained(one, _why(one, caused=not alike, trained=trained)) for one in done.files))


def _why(one: FileDifference, *, caused: bool, trained: bool) -> str:
    if caused:
        return _METADATA if one.path == BUILD_INFO_PATH else _CAUSED
    return _TRAINED if trained and one.machine_code else ""


def lines(artifact: Artifact, done: Reproduction, found: Report) -> Iterator[str]:
    """The report as an operator reads it: the verdict last."""
    yield f"{done.cell}, build {done.build_id}, published {artifact.created}"
    if found.causes:
        yield "\nwhat differs before anything is built:"
        yield from (f"  {cause}" for cause in found.causes)
    if done.same:
        yield f"\nthe same bytes: {', '.join(done.same)}"
    if found.files:
        yield f"\n{len(found.files)} files differ:"
        yield from (
            f"  {each.difference.kind}: {each.difference.path}: {each.difference.said}: {each.why or 'UNEXPLAINED'}"
            for each in _first(found)
        )
        if len(found.files) > _SHOWN:
            yield f"  … and {len(found.files) - _SHOWN} more; --json has all"
        yield f"\nboth are kept in {done.kept}" if done.kept else "\n--keep FOLDER keeps both, to look into them"
    yield f"\n{verdict(found)}"


def _first(found: Report) -> list[Explained]:
    return sorted(found.files, key=lambda each: bool(each.why))[:_SHOWN]


def verdict(found: Report) -> str:
    """One sentence."""
    if not found.files:
        return "reproduced: every archive has the same bytes"
    if found.unexplained:
        return f"NOT reproduced: {len(found.unexplained)} of {len(found.files)} files differ and nothing explains it"
    return f"not the same bytes: all {len(found.files)} differences are explained"
