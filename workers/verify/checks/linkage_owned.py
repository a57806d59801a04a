"""The distro itself says which package has each library: only declared ones, and every declared one is needed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from workers.verify.findings import error
from workers.verify.probe import ProbeFailed, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.plan.distro_rows import FamilyRow
    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_USR = "/usr"


def look(subject: Subject) -> Iterator[Finding]:
    """Every library that a file of the tree NEEDs and that the loader found outside the tree, against the declared packages."""
    family = subject.family
    if family is None:
        raise ProbeFailed("nobody said how this distro is asked")
    paths = _libraries(subject)
    owners = _owners(subject, family, set(paths.values()))
    declared = {package.name for package in subject.build.runtime} | set(family.libc)
    for soname, path in sorted(paths.items()):
        owner = owners.get(path, "")
        by = ", ".join(elf.path for elf in subject.elf.elves if soname in elf.needed)
        if not owner:
            yield error(f"{soname} is NEEDED, is {path}, and no package owns that", hint=f"by {by[:300]}")
        elif owner not in declared:
            hint = f"declare {owner} in the facts of the distro; by {by[:300]}"
            yield error(f"{soname} is NEEDED and belongs to package {owner}, which is not declared", hint=hint)
    yield from _unneeded(subject, set(owners.values()))
    yield from _misplaced(subject, {soname: owners.get(path, "") for soname, path in paths.items()})


def _libraries(subject: Subject) -> dict[str, str]:
    """Where the loader found each library that a file of the tree names; those inside the tree are no package's."""
    linked, found = subject.linked, {}
    for elf in subject.elf.elves:
        told = linked.files.get(f"{subject.root}/{elf.path}")
        for soname in elf.needed:
            path = told.found.get(soname, "") if told else ""
            if path and not linked.real.get(path, path).startswith(subject.root + "/"):
                found[soname] = path
    if not found:
        raise ProbeFailed("the loader found no library outside the tree")
    return found


def _owners(subject: Subject, family: FamilyRow, paths: Iterable[str]) -> dict[str, str]:
    """Which package has each path, under any of its names: /lib may be a link to /usr/lib, and a library to its version."""
    names = {path: [name for one in (path, subject.linked.real.get(path, path)) for name in _spellings(one)] for path in paths}
    asked = sorted({name for several in names.values() for name in several})
    done = run(subject.in_runtime, ["sh", "-c", family.owners, "owners", *asked])  # it fails when one of them has no owner
    known = {found["path"]: found["package"] for line in done.output.splitlines() if (found := re.match(family.owner, line))}
    return {path: next((known[name] for name in several if name in known), "") for path, several in names.items()}


def _spellings(path: str) -> tuple[str, str]:
    return (path, path.removeprefix(_USR) if path.startswith(_USR + "/") else _USR + path)


def _unneeded(subject: Subject, owning: set[str]) -> Iterator[Finding]:
    """Packages that are declared for libraries. The others (certificates, time zones) are data, which no loader sees."""
    for package in subject.build.runtime:
        if package.sonames and not package.optional and package.name not in owning:
            hint = "remove it from the facts of the distro"
            yield error(f"package {package.name} is required, and has no library that anything NEEDs", hint=hint)


def _misplaced(subject: Subject, owners: dict[str, str]) -> Iterator[Finding]:
    for package in subject.build.runtime:
        for soname in package.sonames:
            if (owner := owners.get(soname)) and owner != package.name:
                yield error(
                    f"{soname} is declared for package {package.name}, and belongs to {owner}",
                    hint="move the soname to that package in the facts of the distro",
                )
