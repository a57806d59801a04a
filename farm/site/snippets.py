"""How a build is used, as text to copy. Pure: the same places are filled in by the page's script in the browser."""

from __future__ import annotations

import re
import textwrap
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, TypeAdapter

from farm.index import oci, render
from farm.index.model import INSTALLABLE
from farm.plan.cell import Cell
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from farm.index.model import Entry
    from farm.plan.facts import Facts

_PLACE_RE = re.compile(r"\{([a-z0-9]+)\}")
_FETCHING = ("ca-certificates", "curl")


class Template(BaseModel):
    """A row of `snippets.toml`: the tab's title, when to take it, and its text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    note: str
    text: str


@dataclass(frozen=True)
class Snippet:
    """A way to use a build."""

    name: str
    title: str
    note: str
    text: str


@cache
def templates() -> dict[str, Template]:
    """The rows of `snippets.toml`, in their order."""
    text = resources.files("farm.data").joinpath("site", "snippets.toml").read_text("utf-8")
    return TypeAdapter(dict[str, Template]).validate_python(tomllib.loads(text))


def snippets(entry: Entry, channel: str, base_url: str, facts: Facts) -> list[Snippet]:
    """Every way to use a build that there is for it: none has a place that nothing is known for."""
    known = places(entry, channel, base_url, facts)
    found = []
    for name, template in templates().items():
        if text := filled(template.text, known):
            found.append(Snippet(name, template.title, template.note, text))
    return found


def filled(text: str, known: Mapping[str, str]) -> str:
    """The text with its places filled in; without lines whose place is empty, and '' when one is unknown."""
    if any(place not in known for place in _PLACE_RE.findall(text)):
        return ""
    lines = [line for line in text.strip().splitlines() if all(known[place] for place in _PLACE_RE.findall(line))]
    return "\n".join(_PLACE_RE.sub(lambda found: known[found[1]], line) for line in lines)


def places(entry: Entry, channel: str, base_url: str, facts: Facts) -> dict[str, str]:
    """What stands in the places of the texts, as far as it is known."""
    cell = Cell.parse(entry.cell)
    known = {"version": str(cell.python), "series": cell.python.series, "cell": entry.cell, **of_distro(cell.distro, facts)}
    if "command" in known:
        known["install"] = _command(known.pop("command"), entry.runtime) if entry.runtime else ""
    gzip = next((a for a in entry.archives if (a.kind, a.format) == (INSTALLABLE, "tar.gz")), None)
    if gzip:
        url = render.url(base_url, gzip.key)
        known |= {"url": url, "name": url.rpartition("/")[2], "sha256": gzip.sha256}
    if entry.uv and cell.variant == "default":
        known["uv"] = render.url(base_url, keys.uv_index(channel, cell.distro))
    known["mise"] = render.url(base_url, keys.mise(channel, cell))
    if (host := urlsplit(base_url).netloc) and gzip and gzip.tar_sha256:
        tag = oci.release_tag(channel, cell).rpartition("/")[2]
        known["oci"] = f"{host}/python:{tag}"
    return known


def of_distro(distro: str, facts: Facts) -> dict[str, str]:
    """What the distro decides: its image, the command that installs packages, and that command with what fetching needs."""
    if (found := facts.distros.get(distro)) is None:
        return {}
    command = found.family.install
    return {"image": found.facts.image, "command": command, "fetch": _command(command, _FETCHING)}


@lru_cache(maxsize=1024)  # builds of a distro need much the same
def _command(template: str, packages: tuple[str, ...]) -> str:
    """A command that installs packages, as a Dockerfile of people has it: a step a line, and no line too long to read."""
    steps = template.split(" && ")
    listed = textwrap.wrap(" ".join(packages), 100, break_on_hyphens=False, break_long_words=False)
    text = " \\\n      ".join(listed) if len(listed) == 1 else " \\\n      ".join(["", *listed])
    return " \\\n && ".join(step.replace(" {packages}", text if len(listed) > 1 else f" {text}") for step in steps)
