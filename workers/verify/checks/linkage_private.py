"""Libraries of our own in lib/private keep to themselves: declared, under names of their own, loaded by extensions only."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from workers.verify import symbols
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

FOLDER = "lib/private"
_MARK, _VERSIONS = "-farm.so", "_FARM_"  # the variant in file names and SONAMEs, and in symbol versions; see libraries.toml
_HINT = "build it with a shlib_variant: see libraries.toml"


def look(subject: Subject) -> Iterator[Finding]:
    """An embedding process that has the distro's own library must neither get ours in its place nor the other way round."""
    own = [elf for elf in subject.elf.elves if elf.path.startswith(FOLDER + "/")]
    if own and not subject.build.libraries:
        yield error(
            "the metadata does not say what this is and who mends it",
            file=own[0].path,
            hint="add it to libraries.toml, with who mends it",
        )
    if subject.build.libraries and not own:
        yield error(
            "the metadata names a library of our own that is not there",
            file=FOLDER,
            hint="see library.sh in the log: it builds and installs it",
        )
    for elf in own:
        if elf.soname != posixpath.basename(elf.path) or _MARK not in elf.soname:
            yield error(f"its SONAME is '{elf.soname}', which the distro's library may have, too", file=elf.path, hint=_HINT)
        yield from _symbols(subject, elf.path)
    sonames = {elf.soname for elf in own}
    for elf in subject.elf.elves:
        if sonames.intersection(elf.needed) and not elf.path.startswith((f"{FOLDER}/", f"lib/{subject.build.lib}/")):
            yield error("it loads a library of our own into every process", file=elf.path, hint="only extension modules may")


def _symbols(subject: Subject, file: str) -> Iterator[Finding]:
    """A loader binds a symbol by its name and version: with versions of our own, no file that wants the distro's gets ours."""
    told = symbols.defined(subject.tree / file)
    for version in sorted(told.versions):
        if _VERSIONS not in version:
            yield error(f"it gives symbols the version {version}, which the distro's library may, too", file=file, hint=_HINT)
    if told.bare:
        some = ", ".join(sorted(told.bare)[:4])
        yield error(f"it exports {len(told.bare)} symbols without a version of their own: {some}", file=file, hint=_HINT)
