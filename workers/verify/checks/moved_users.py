"""Anybody can run it: root, a user whom the image does not know, and one who can write nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.checks.moved_symlink import problem
from workers.verify.findings import error
from workers.verify.probe import run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

# Root would write bytecode into the tree, which later checks must see as it was shipped.
_USERS = (("root", "0:0"), ("a user without a name or home", "64242:64242"))
_HOMELESS = {"HOME": "/nowhere", "PYTHONDONTWRITEBYTECODE": "1"}
_WRITE = 'test -z "$(find "$0" ! -type l -writable | head -n 3)"'


def look(subject: Subject) -> Iterator[Finding]:
    """As containers run it. All other checks run as a user who cannot write the tree; that this is so is seen here."""
    file = f"bin/{subject.build.executable}"
    for who, user in _USERS:
        if found := problem(subject, [subject.python, script("whoami.py")], _HOMELESS, user=user):
            yield error(
                f"run by {who}, {found}",
                file=file,
                hint="nothing may need a home, a name in passwd or write access: run `python -v` as that user",
            )
    if not run(subject.in_runtime, ["sh", "-c", _WRITE, subject.root]).ok:
        yield error(
            "an ordinary user can write into the tree, so nothing was seen about one who cannot",
            hint="see archive.layout for modes; in the box the tree belongs to root",
        )
