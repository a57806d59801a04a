"""Another libpython of the same name in /usr/local/lib changes nothing: hosts that once built Python by hand have one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.verify.checks.modules_import import excused
from workers.verify.embedding import compiled
from workers.verify.facts import Imports
from workers.verify.findings import error, quoted
from workers.verify.probe import PROBES, ProbeFailed, ask, run, script
from workers.verify.trap import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_SEALED = {"HOME": "/tmp", "TMPDIR": "/tmp"}  # noqa: S108 - inside the box, where nothing else can be written

_HINT = "only embedders NEED libpython, and find it by their run path: see linkage.policy and linkage.runpath"


def look(subject: Subject) -> Iterator[Finding]:
    """The interpreter and every extension module, and a program that embeds it; the trap itself is seen to work first."""
    box, root, soname = subject.twin("trapped"), subject.builder_root, subject.build.soname
    embedding = compiled(subject, "host.c", "host beside another")
    cached = run(box, ["sh", "-c", '/sbin/ldconfig -p | grep -F "$0"', f"{FOLDER}/{soname}"], env=_SEALED)
    if not cached.ok:
        raise ProbeFailed(f"the loader's cache does not have the other library: {quoted(cached.output)}")
    names = json.dumps(["_io", *subject.build.modules.shared])
    starts = (
        ("the interpreter", [f"{root}/bin/{subject.build.executable}", script("imports.py"), names]),
        ("a program that embeds it", [embedding, script("embedded_imports.py")]),
    )
    env = {**_SEALED, "FARM_MODULES": names, "FARM_PROBES": PROBES}
    for what, argv in starts:
        imports = ask(box, argv, Imports, env=env)
        for path in imports.mapped:
            if path.startswith(f"{FOLDER}/libpython"):
                yield error(f"{what} loads {path}", hint=_HINT)
        for name, failure in sorted(imports.failures.items()):
            if not excused(name, failure, subject):
                yield error(
                    f"in {what}, with another libpython in {FOLDER}, module {name} does not import: {failure.message}",
                    hint=_HINT,
                )
