"""What a user wants, said of this host, and the build that is it. Pure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.errors import BadInput
from farm.plan.cell import Cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from farm.index.model import Entry, Pointer
    from farm.plan.rows import ArchRow

_SHOWN = 12


@dataclass(frozen=True)
class Want:
    """A Python (a series, or an exact version) for one distro and arch; `exact` is a build id, '' takes the newest."""

    python: str
    distro: str
    arch: str
    variant: str = "default"
    exact: str = ""

    def __str__(self) -> str:
        """As messages call it."""
        suffix = "" if self.variant == "default" else f" ({self.variant})"
        return f"Python {self.python}{suffix} for {self.distro} on {self.arch}"


def distro_of(os_release: str, offered: Iterable[str]) -> str:
    """The distro that an /etc/os-release describes, as the store calls it. Raises BadInput when it has none for it."""
    known = sorted(set(offered))
    fields = dict(line.split("=", 1) for line in os_release.splitlines() if "=" in line and not line.startswith("#"))
    name, version = ("".join(shlex.split(fields.get(key, ""))) for key in ("ID", "VERSION_ID"))
    # Some distros tell their minor or patch release here: 'rocky' '9.4' is rocky9, 'alpine' '3.22.1' is alpine3.22.
    parts = version.split(".")
    for count in range(len(parts), 0, -1):
        if (found := f"{name}{'.'.join(parts[:count])}") in known:
            return found
    raise BadInput(
        f"this host is '{name} {version}', and the store has nothing for it",
        hint=f"it has {', '.join(known) or 'nothing'}; --distro takes one of these",
    )


def arch_of(machine: str, arches: Mapping[str, ArchRow]) -> str:
    """Debian's name of the arch that `uname -m` calls `machine`. Raises BadInput."""
    for name, row in arches.items():
        if machine in (name, row.cpu):
            return name
    raise BadInput(f"'{machine}' is no arch that we know", hint=f"we know {', '.join(arches)}; --arch takes one of these")


def distros(pointer: Pointer) -> list[str]:
    """What a channel has builds for."""
    return sorted({ref.distro for ref in pointer.shards})


def choose(entries: Iterable[Entry], want: Want) -> Entry:
    """The newest build of the newest release that is wanted. Raises BadInput saying what there is instead.

    Yanked builds are only given to who asks for one by its id; a pre-release only to who names it, or its series has no other.
    """
    here = [(Cell.parse(entry.cell), entry) for entry in entries]
    here = [(cell, entry) for cell, entry in here if (cell.distro, cell.arch) == (want.distro, want.arch)]
    same = [(cell, entry) for cell, entry in here if cell.variant == want.variant]
    found = [(cell, entry) for cell, entry in same if want.python in (cell.python.series, str(cell.python))]
    found = [each for each in found if (each[1].build_id == want.exact if want.exact else not each[1].yanked)]
    if not found:
        raise _nothing(want, [cell for cell, entry in here if not entry.yanked])
    return max(found, key=lambda each: (each[0].python.key, each[1].build_id))[1]


def _nothing(want: Want, cells: list[Cell]) -> BadInput:
    build = f", build {want.exact}" if want.exact else ""
    names = [str(cell) for cell in sorted(set(cells), key=lambda cell: cell.sort_key)]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    there = f"there is {', '.join(names[-_SHOWN:])}{more}" if names else "there is none at all for this distro and arch"
    return BadInput(f"the channel has no {want}{build}", hint=there)
