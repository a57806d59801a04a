"""Another libpython of the same name on the loader's path changes nothing: an old one in /usr/local/lib is the classic trap."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.verify.checks.modules_import import excused
from workers.verify.facts import Imports
from workers.verify.findings import error, quoted
from workers.verify.probe import SCRATCH, ProbeFailed, ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_PLACE = f"{SCRATCH}/another python/lib"
_BUILD = 'mkdir -p "$1" && cc -shared -fPIC "$2" -o "$1/$3" "-Wl,-soname,$3" && ln -sf "$3" "$1/${3%%.so*}.so"'

_HINT = "something NEEDs libpython that must not: see linkage.executable and linkage.policy"


def look(subject: Subject) -> Iterator[Finding]:
    """LD_LIBRARY_PATH comes before the loader's cache. The decoy ends every process that loads it, with exit 97."""
    built = run(subject.in_builder, ["sh", "-c", _BUILD, "decoy", _PLACE, script("decoy.c"), subject.build.soname])
    if not built.ok:
        raise ProbeFailed(f"the decoy cannot be built: {quoted(built.output)}")
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    names = json.dumps(["_io", *subject.build.modules.shared])
    imports = ask(subject.in_builder, [python, script("imports.py"), names], Imports, env={"LD_LIBRARY_PATH": _PLACE})
    for path in imports.mapped:
        if path.startswith(_PLACE):
            yield error(
                f"it loads {path}, which LD_LIBRARY_PATH put in its way", file=f"bin/{subject.build.executable}", hint=_HINT
            )
    for name, failure in sorted(imports.failures.items()):
        if not excused(name, failure, subject):
            yield error(f"with another libpython in the way, module {name} does not import: {failure.message}", hint=_HINT)
