"""What a cross build writes down of itself, put as a build on a machine of the cell's own arch puts it. Pure.

Users build extensions on such a machine: there is no other machine, no Python of another arch, and no tool of ours. It comes
before relocation, which then knows nothing of cross-compiling.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from farm.errors import BuildFailed
from workers.build.relocate import matching, sysconfig_values, text_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.plan.recipe import Cross, Layout
    from workers.build.tree import Entry, Tree

TOOLS = "/work/cross/bin"  # where the cross tools lie in the box, by the names of native ones
_DEFINITION = re.compile(r"^(?P<name>[a-zA-Z]\w+)[ \t]*=[ \t]*(?P<value>.*)$", re.MULTILINE)  # what sysconfig reads of it
_REFERENCE = re.compile(r"\$\((\w+)\)")


def edits(tree: Tree, layout: Layout, cross: Cross) -> dict[str, Entry | None]:
    """What to change in a freshly installed tree: path to new entry.

    Raises BuildFailed when the Makefile lacks a name that a row of cross.toml gives a native value.
    """
    folder = rf"lib/{re.escape(layout.lib)}"
    changes: dict[str, Entry | None] = {}
    made: dict[str, str] = {}
    for path, entry in matching(tree, rf"{folder}/config[^/]*/Makefile"):
        text = _makefile(entry.content.read().decode(), cross)
        made.update((found["name"], found["value"]) for found in _DEFINITION.finditer(text))
        changes[path] = text_entry(text)
    for path, entry in matching(tree, rf"{folder}/_sysconfigdata[^/]*\.py"):
        values = _values(sysconfig_values(entry.content.read().decode()), made, cross)
        changes[path] = text_entry(f"build_time_vars = {values!r}\n")
    for path, entry in matching(tree, rf"{folder}/_sysconfig_vars[^/]*\.json"):
        values = _values(json.loads(entry.content.read()), made, cross)
        changes[path] = text_entry(json.dumps(values, indent=2) + "\n")
    return changes


def _makefile(text: str, cross: Cross) -> str:
    for name, value in cross.sysconfig:
        line = re.compile(rf"^({re.escape(name)}[ \t]*\??=[ \t]*).*$", re.MULTILINE)
        text, found = line.subn(lambda match, value=value: match[1] + value, text, count=1)  # type: ignore[misc]
        if not found:
            raise BuildFailed(f"the Makefile does not say {name}, for which a row of cross.toml has a native value")
    return _plain(text, cross)


def _values(told: Mapping[str, object], made: Mapping[str, str], cross: Cross) -> dict[str, object]:
    """The values of a sysconfig; those that the rows give, and all that are made of them, are read from the Makefile anew."""
    changed = {name for name, _ in cross.sysconfig if name in made}
    while more := {name for name, text in made.items() if changed.intersection(_REFERENCE.findall(text))} - changed:
        changed |= more
    values: dict[str, object] = {
        name: _plain(value, cross) if isinstance(value, str) else value for name, value in told.items()
    }
    return values | {name: _expanded(name, values, made, changed) for name in sorted(changed.intersection(values))}


def _expanded(name: str, values: Mapping[str, object], made: Mapping[str, str], changed: set[str]) -> str:
    if name not in changed:
        return str(values.get(name, ""))
    return _REFERENCE.sub(lambda found: _expanded(found[1], values, made, changed), made[name]).strip()


def _plain(text: str, cross: Cross) -> str:
    """Text without the arguments of configure that only a cross build has, and where our tools lie as where native ones do."""
    told = [re.escape(argument) for argument in cross.configure]
    variables = ["build_alias", "host_alias", *(re.escape(name) for name, _ in cross.environment)]
    words = "|".join([*told, *(rf"{name}=[^']*" for name in variables)])
    return re.sub(rf"[ ]?'(?:{words})'", "", text).replace(f"{TOOLS}/", "/usr/bin/")
