"""What the pages' script reads: a small list for the whole channel, and one file with the builds of each distro."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pydantic import Field

from farm.index import render
from farm.plan.cell import Cell
from farm.plan.options import Options
from farm.plan.selection import impossible
from farm.site.snippets import of_distro, places, templates
from farm.store.artifact import Model

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from farm.index.model import Entry
    from farm.plan.facts import Facts

RECENT = 40  # builds in the feed
_CALL = "farm.channel("


class Recent(Model):
    """A build as the feed names it."""

    cell: str
    build_id: str
    created: str
    runtime: tuple[str, ...] = ()


class Channel(Model):
    """A channel at a glance: which cells it offers, by distro, and what came last. The one file that all distros share."""

    channel: str
    base_url: str = ""
    distros: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    eol: dict[str, str] = Field(default_factory=dict)
    untested: dict[str, str] = Field(default_factory=dict)
    arches: tuple[str, ...] = ()
    recent: tuple[Recent, ...] = ()
    possible: dict[str, dict[str, tuple[str, ...]]] = Field(
        default_factory=dict, description="by variant and distro the series that could be there: gaps of the matrix, if not"
    )
    machines: tuple[str, ...] = Field(default=(), description="arches of those")

    def told(self, distro: str, entries: Iterable[Entry], base_url: str, facts: Facts) -> Channel:
        """The same with what a distro offers now; a distro that offers nothing is left out."""
        everything = list(entries)
        offered = render.newest(everything)
        cells = {distro: tuple(entry.cell for entry in offered)} if offered else {}
        distros = {**{name: known for name, known in self.distros.items() if name != distro}, **cells}
        mine = [Recent(**entry.model_dump(include={"cell", "build_id", "created", "runtime"})) for entry in offered]
        others = [each for each in self.recent if Cell.parse(each.cell).distro != distro]
        recent = sorted([*others, *mine], key=lambda each: (each.created, each.cell), reverse=True)[:RECENT]
        every = [Cell.parse(name) for names in distros.values() for name in names]
        series = sorted({cell.python.series for cell in every}, key=lambda name: [int(part) for part in name.split(".")])
        changed = {
            "base_url": base_url,
            "distros": dict(sorted(distros.items())),
            "eol": {name: f"{facts.series[name].eol}" for name in series if name in facts.series},
            "untested": {name: facts.distros[name].facts.untested for name in sorted(distros) if _untested(name, facts)},
            "arches": tuple(sorted({cell.arch for cell in every})),
            "recent": tuple(recent),
            "possible": {
                name: _possible(name, distros, facts) for name in sorted({"default", *(cell.variant for cell in every)})
            },
            "machines": tuple(facts.arches),
        }
        return self.model_copy(update=changed)

    def script(self) -> bytes:
        """As the page loads it, also from a disk, where a page may fetch nothing."""
        return f"{_CALL}{_safe(self.model_dump(mode='json'))});\n".encode()

    @classmethod
    def parse(cls, data: bytes) -> Channel:
        """The channel that a script says. Raises ValueError."""
        return cls.model_validate_json(data.decode().removeprefix(_CALL).removesuffix(");\n"))


def distro_script(distro: str, entries: Iterable[Entry], channel: str, base_url: str, facts: Facts) -> bytes:
    """The newest build of each cell of a distro, with what the snippets need."""
    builds = []
    for entry, cell, archive in render.offers(entries, ("tar.gz",)):
        known = places(entry, channel, base_url, facts)
        builds.append(
            {
                "cell": entry.cell,
                "python": str(cell.python),
                "series": cell.python.series,
                "arch": cell.arch,
                "variant": cell.variant,
                "build": entry.build_id,
                "created": entry.created,
                "size": archive.size,
                "key": archive.key,
                "packages": list(entry.runtime),
                "places": {
                    name: known[name] for name in ("install", "url", "name", "sha256", "uv", "mise", "oci") if name in known
                },
            }
        )
    shared = {name: known for name, known in of_distro(distro, facts).items() if name != "command"}
    tabs = [{"id": name, **template.model_dump()} for name, template in templates().items()]
    return f"farm.distro({_safe(distro)},{_safe({'places': shared, 'builds': builds, 'tabs': tabs})});\n".encode()


def _possible(variant: str, offered: Container[str], facts: Facts) -> dict[str, tuple[str, ...]]:
    """The series that upstream looks after and that facts know how to build, on each distro that was tried or is offered."""
    series = [name for name, row in facts.series.items() if row.status != "end-of-life"]
    newest = {name: version for name in series if (version := facts.newest(name))}
    suffix = "" if variant == "default" else f"-{variant}"
    found = {}
    for distro in sorted(name for name in facts.distros if name in offered or not _untested(name, facts)):
        cells = {name: Cell.parse(f"{version}-{distro}-{next(iter(facts.arches))}{suffix}") for name, version in newest.items()}
        found[distro] = tuple(name for name, cell in cells.items() if not impossible(cell, Options(optimize="none"), facts))
    return found


def _untested(distro: str, facts: Facts) -> bool:
    return distro in facts.distros and bool(facts.distros[distro].facts.untested)


def _safe(value: object) -> str:
    # Valid as a script in every browser, also inside a page.
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).replace("<", "\\u003c")
