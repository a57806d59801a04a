"""build-details.json leads to files of the tree, by paths as PEP 739 has them: launchers and cross-compilers read it."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_NAME = "build-details.json"
# Of what the file names, the static library lies in an archive of its own.
_PATHS = (("base_interpreter",), ("libpython", "dynamic"), ("libpython", "dynamic_stableabi"), ("c_api", "headers"))


def look(subject: Subject) -> Iterator[Finding]:
    """The prefix is relative to the file's folder, everything else to the prefix."""
    file = subject.library / _NAME
    if not file.is_file():
        return
    name, hint = file.relative_to(subject.tree).as_posix(), "see _details in the relocate step, and PEP 739"
    try:
        told = json.loads(file.read_text("utf-8"))
        base = posixpath.normpath(posixpath.join(posixpath.dirname(name), told["base_prefix"]))
        paths = [(".".join(keys), _value(told, keys)) for keys in _PATHS]
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        yield error(f"it cannot be read: {type(problem).__name__}: {problem}", file=name, hint=hint)
        return
    if base != ".":
        yield error(f"its base_prefix leads to {base}, and not to the top of the tree", file=name, hint=hint)
    for key, path in paths:
        if path and not (subject.tree / base / path).exists():
            yield error(f"its {key} is '{path}', where nothing is", file=name, hint=hint)


def _value(told: dict[str, object], keys: tuple[str, ...]) -> str:
    """The text at a path of keys; '' where there is none: libraries and headers are optional."""
    found: object = told
    for key in keys:
        found = found.get(key, "") if isinstance(found, dict) else ""
    return found if isinstance(found, str) else ""
