"""The pages themselves, from templates in `farm/data/site`. Pure: values in, bytes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup, escape

from farm.index import render
from farm.plan.cell import Cell
from farm.show.changes import between
from farm.show.published import size
from farm.site.snippets import snippets
from farm.store import keys
from farm.store.artifact import Artifact
from farm.store.protocol import Stat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.index.model import Entry
    from farm.plan.facts import Facts
    from farm.site.model import Channel
    from farm.store.artifact import Finding

ASSETS = ("style.css", "app.js", "icon.svg")
_WHAT = (  # what a file of a build is, by the end of its name; the first that fits
    ("install_only.tar.gz", "Python, .tar.gz"),
    ("install_only.tar.zst", "Python, .tar.zst"),
    ("debugsymbols.tar.zst", "Debug symbols"),
    ("tests.tar.zst", "The standard library's tests"),
    ("static-lib.tar.zst", "Static libpython"),
    (".intoto.json", "Provenance, signed"),
    (".spdx.json", "SBOM (SPDX)"),
    (".json", "Metadata"),
)
_SHOWN = 12


@dataclass(frozen=True)
class Surroundings:
    """What a build's page shows beside its entry, as far as the store has it.

    `newer` and `before` are the builds of the same cell that took its place and that it took the place of.
    """

    files: Sequence[Stat] = ()
    artifact: Artifact | None = None
    newer: str = ""
    before: str = ""
    artifact_before: Artifact | None = None


@dataclass(frozen=True)
class File:
    """A file of a build as its page lists it."""

    what: str
    name: str
    key: str
    size: str
    sha256: str


def home(channel: str) -> bytes:
    """The page with filter and matrix: the same whatever is published."""
    return _template("index.html").render(channel=channel).encode()


def asset(name: str) -> bytes:
    """A file that pages load."""
    return _folder().joinpath(name).read_bytes()


def feed(channel: Channel) -> bytes:
    """What came last, as Atom (RFC 4287)."""
    updated = max((each.created for each in channel.recent), default="1970-01-01T00:00:00Z")
    where = render.url(channel.base_url, keys.site(channel.channel, ""))
    return _template("feed.xml").render(channel=channel, home=where, updated=updated).encode()


def build(entry: Entry, around: Surroundings, channel: str, base_url: str, facts: Facts) -> bytes:
    """The page of one build."""
    cell = Cell.parse(entry.cell)
    series = facts.series.get(cell.python.series)
    changes: list[str] = []
    if around.artifact and around.artifact_before:
        changes = between(around.artifact_before.build, around.artifact.build)
    return (
        _template("build.html")
        .render(
            cell=cell,
            channel=channel,
            entry=entry,
            eol=f"{series.eol}" if series else "",
            snippets=snippets(entry, channel, base_url, facts),
            root="../../../../../",
            files=list(_files(entry, around)),
            linked=_linked(around.artifact),
            untested=around.artifact.build.untested if around.artifact else "",
            checks=_checks(around.artifact),
            tags=_tags,
            changes=changes,
            before=around.before,
            newer=around.newer,
        )
        .encode()
    )


def _files(entry: Entry, around: Surroundings) -> Iterable[File]:
    folder = entry.metadata.rpartition("/")[0]
    described = around.artifact.archives if around.artifact else ()  # the entry has only what clients install from
    hashes = {f"{folder}/{a.name}": a.sha256 for a in described} | {a.key: a.sha256 for a in entry.archives}
    sizes = {archive.key: archive.size for archive in entry.archives} | {stat.key: stat.size for stat in around.files}
    found = []
    for key, count in sizes.items():
        name = key.rpartition("/")[2]
        rank = next((at for at, (ending, _) in enumerate(_WHAT) if name.endswith(ending)), None)
        if rank is not None:  # a `.sha256` says nothing that the page does not
            found.append((rank, File(_WHAT[rank][1], name, key, size(count), hashes.get(key, ""))))
    return (file for _, file in sorted(found, key=lambda each: (each[0], each[1].name)))


@lru_cache(maxsize=256)
def _tags(names: tuple[str, ...]) -> Markup:
    """Names as a list of tags; most builds of a store have the same."""
    items = "".join(f"<li>{escape(name)}</li>" for name in names)
    return Markup(f'<ul class="tags">{items}</ul>')  # noqa: S704 - each name is escaped


def _linked(artifact: Artifact | None) -> list[tuple[str, str]]:
    if artifact is None:
        return []
    made = artifact.build
    pairs = [
        ("OpenSSL", made.openssl.removeprefix("OpenSSL ")),
        ("SQLite", made.sqlite),
        ("glibc", f"{made.elf.glibc} or newer" if made.elf.glibc else ""),
        ("Optimised", made.optimize),
        ("Source", made.source.url.rpartition("/")[2]),
        ("Patches", ", ".join(patch.file for patch in made.patches) or "none"),
        ("Built in", f"{made.base_image.name}, {artifact.engine}"),
    ]
    return [(name, value) for name, value in pairs if value]


def _checks(artifact: Artifact | None) -> dict[str, object]:
    if artifact is None:
        return {}
    found: list[Finding] = [finding for finding in artifact.findings if finding.severity != "note"]
    passed = artifact.verified.passed if artifact.verified else ()
    without = artifact.verified.without if artifact.verified else ()
    which = _counted(len(passed), "check") if passed else "every check that publishing needs"  # early builds name none
    where = f"in {artifact.build.base_image.name} with the run-time packages, as an ordinary user and without network"
    remarks = f", with {_counted(len(found), 'remark')}:" if found else "."
    return {
        "said": f"The archive passed {which}, {where}{remarks}",
        "findings": found[:_SHOWN],
        "passed": passed,
        "without": without,
    }


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


@cache
def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    return environment.from_string(_folder().joinpath(name).read_text("utf-8"))


def _folder() -> resources.abc.Traversable:
    return resources.files("farm.data").joinpath("site")
