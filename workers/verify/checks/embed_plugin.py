"""A plugin that embeds Python works in a host that loads it with RTLD_LOCAL, and every extension module imports in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from workers.verify.checks.modules_import import excused
from workers.verify.embedding import compiled
from workers.verify.facts import Imports
from workers.verify.findings import error, seen
from workers.verify.probe import PROBES, SCRATCH, ProbeFailed, ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """With libpython made global, as such plugins do it (Vim, LibreOffice, PL/Python); and, to be told, without."""
    plugin = compiled(subject, "plugin.c", "plugin.so", "-shared -fPIC")
    host = f"{SCRATCH}/plugin host"
    compiled(subject, "plugin_host.c", "plugin host", "-ldl", embeds=False)
    env = {"FARM_MODULES": json.dumps(list(subject.build.modules.shared)), "FARM_PROBES": PROBES}
    argv = [host, plugin, script("embedded_imports.py")]
    imports = ask(subject.in_builder, [*argv, subject.build.soname], Imports, env=env)
    for name, failure in sorted(imports.failures.items()):
        if not excused(name, failure, subject):
            yield error(
                f"module {name} does not import in a plugin: {failure.message}",
                hint="libpython must export what modules want of it: see symbols.api and dual.symbols",
            )
    try:
        local = ask(subject.in_builder, argv, Imports, env=env).failures
    except ProbeFailed:
        local = {}
        yield seen("note", "a plugin does not even start while libpython stays local to it", hint=_HINT)
    lost = [name for name, failure in sorted(local.items()) if not excused(name, failure, subject)]
    if lost:
        few = f"{', '.join(lost[:4])} and {len(lost) - 4} more" if len(lost) > 4 else ", ".join(lost)  # noqa: PLR2004 - enough
        yield seen("note", f"while libpython stays local to a plugin, {few} do not import", hint=_HINT)


_HINT = (
    "extension modules NEED no libpython (CPython's own since 3.8, ours of 2.7 by extensions-without-libpython-2.7.patch): "
    "the plugin says dlopen(libpython, RTLD_NOLOAD | RTLD_GLOBAL) first"
)
