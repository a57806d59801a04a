"""The archives beside it (debug information, tests, static library) are as safe to unpack, and belong to this very build."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from workers.verify.checks import archive_layout, paths_text
from workers.verify.findings import error, shared_by
from workers.verify.unpack import TOP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.plan.recipe import ArchiveKind
    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_OTHER = "put the archives of one build beside each other: their names have the same build id"


def look(subject: Subject) -> Iterator[Finding]:
    """Each archive alone, and that no file is in two of them: people unpack one over the other."""
    for kind in subject.others:
        for finding in _alone(subject, kind):
            yield finding.model_copy(update={"message": f"in the {kind} archive: {finding.message}"})
    yield from _twice(subject)


def _alone(subject: Subject, kind: ArchiveKind) -> Iterator[Finding]:
    unpacked = subject.companion(kind)
    yield from archive_layout.safe(unpacked.members)
    try:
        inside = BuildInfo.model_validate_json((unpacked.tree / BUILD_INFO_PATH).read_bytes())
    except (OSError, ValidationError):
        yield error("there is no metadata in it, or none that anybody can read", file=BUILD_INFO_PATH, hint=_OTHER)
    else:
        if inside != subject.build:
            yield error("its metadata is another build's", file=BUILD_INFO_PATH, hint=_OTHER)
    yield from paths_text.leaks(unpacked.tree, subject.build.lib)
    if all(member.name == f"{TOP}/{BUILD_INFO_PATH}" for member in unpacked.members if member.kind != "folder"):
        yield error(
            "nothing but metadata is in it", hint="the pack step sorts files by the rows of trim.toml: none matched for it"
        )


def _twice(subject: Subject) -> Iterator[Finding]:
    kinds: dict[str, list[str]] = defaultdict(list)
    members = {"install_only": subject.members, **{kind: subject.companion(kind).members for kind in subject.others}}
    for kind, entries in members.items():
        for entry in entries:
            if entry.kind != "folder" and entry.name != f"{TOP}/{BUILD_INFO_PATH}":
                kinds[entry.name.removeprefix(f"{TOP}/")].append(kind)
    twice = [name for name, found in kinds.items() if len(found) > 1]
    yield from shared_by("it is in more than one archive of the build", twice, hint="see the rows of trim.toml")
