"""Libraries of our own in lib/private keep to themselves: declared, under names of their own, loaded by extensions only."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

FOLDER = "lib/private"
_MARK = "-farm.so"  # the variant in file names, SONAMEs and symbol versions; see libraries.toml


def look(subject: Subject) -> Iterator[Finding]:
    """An embedding process that has the distro's own library must neither get ours in its place nor the other way round."""
    own = [elf for elf in subject.elf.elves if elf.path.startswith(FOLDER + "/")]
    if own and not subject.build.libraries:
        yield error("the metadata does not say what this is and who mends it", file=own[0].path)
    if subject.build.libraries and not own:
        yield error("the metadata names a library of our own that is not there", file=FOLDER)
    for elf in own:
        if elf.soname != posixpath.basename(elf.path) or _MARK not in elf.soname:
            hint = "build it with a shlib_variant: see libraries.toml"
            yield error(f"its SONAME is '{elf.soname}', which the distro's library may have, too", file=elf.path, hint=hint)
    sonames = {elf.soname for elf in own}
    for elf in subject.elf.elves:
        if sonames.intersection(elf.needed) and not elf.path.startswith((f"{FOLDER}/", f"lib/{subject.build.lib}/")):
            yield error("it loads a library of our own into every process", file=elf.path, hint="only extension modules may")
