"""Judging where an interpreter thinks that it lies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from farm.plan.recipe import PREFIX
from workers.verify.building import BEGINS, ENDS, FOLDER
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farm.store.artifact import Finding
    from workers.verify.facts import Places

# Variables that must be inside the tree: what extension builders, embedders and installers go by.
INSIDE = (
    *("prefix", "exec_prefix", "base", "platbase", "installed_base", "installed_platbase", "projectbase", "BINDIR", "LIBDIR"),
    *("LIBPL", "LIBPC", "INCLUDEDIR", "INCLUDEPY", "CONFINCLUDEDIR", "CONFINCLUDEPY", "LIBDEST", "BINLIBDEST", "DESTSHARED"),
    *("SCRIPTDIR", "MACHDESTLIB", "MANDIR"),
)

_STALE = re.compile(rf"{BEGINS}(?:{PREFIX}|{FOLDER}){ENDS}")
_SHOWN = 4
_HINT = "the code behind the literal in _sysconfigdata*.py puts the true prefix in; see the relocate step"


def judge(places: Places, root: str) -> Iterator[Finding]:
    """What is not in `root`, does not exist, or still names the build."""
    prefixes = {"sys.prefix": places.prefix, "sys.exec_prefix": places.exec_prefix, "sys.base_prefix": places.base_prefix}
    for name, value in prefixes.items():
        if value != root:
            yield error(
                f"{name} is '{value}', and not {root}",
                hint="getpath finds it by the executable's own place: see the patches embed-prefix-*",
            )
    inside = {name: places.variables.get(name, "") for name in INSIDE}
    told = {**places.variables, "sys.executable": places.executable, **inside, **places.paths, **places.files}
    checked = {"sys.executable", *INSIDE, *places.paths, *places.files}
    outside = [name for name in told if name in checked and not _within(told[name], root)]
    stale = [name for name in told if name not in outside and _STALE.search(_movable(told[name], root))]
    missing = [name for name in places.missing if name not in outside]
    yield from _all(f"not inside {root}", outside, told)
    yield from _all("a place of the build", stale, told)
    yield from _all("a place that does not exist", missing, told)


def _within(value: str, root: str) -> bool:
    return value in ("", root) or value.startswith(root + "/")


def _movable(value: str, root: str) -> str:
    """A value without the root (it lies under /work as the build did) and without what configure was once told: a record."""
    return value.replace(root, "").replace(f"--prefix={PREFIX}", "")


def _all(problem: str, names: Sequence[str], told: Mapping[str, str]) -> Iterator[Finding]:
    """One finding for all that have one problem: they mostly have one cause."""
    if names:
        shown = "; ".join(f"{name} = '{told.get(name, '')[:120]}'" for name in names[:_SHOWN])
        rest = f"; and {len(names) - _SHOWN} more: {', '.join(names[_SHOWN:])}" if len(names) > _SHOWN else ""
        yield error(f"sysconfig tells {problem}: {shown}{rest}", hint=_HINT)
