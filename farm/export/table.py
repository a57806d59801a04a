"""What `farm export` writes, in one table with a line each: the format, its files, what it is tried with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from farm.errors import BadInput
from farm.export import formats, layout
from farm.export.flat import flatten
from farm.export.formats import Flattened, Format
from farm.index import render, tried
from farm.index.model import Entry, Listed
from farm.index.tried import Tried
from farm.plan.cell import Cell

_EXAMPLE = Cell.parse("3.13.5-ubuntu24.04-amd64")


@dataclass(frozen=True)
class Asked:
    """What is to be written, and where to: the entries of a distro in a channel, the newest builds among them.

    `stack` is the platform's name for the distro; `address` is where the folder will be served, '' when nobody said.
    `archive` gives an archive whose hash was compared.
    """

    folder: Path
    channel: str
    distro: str
    stack: str
    address: str
    entries: Sequence[Entry]
    archive: Callable[[Listed], Path]


@dataclass(frozen=True)
class Export:
    """A format: what writes it, and gives a line for each thing; what its files are called; what it is tried with."""

    write: Callable[[Asked], Iterator[str]]
    archive: str  # an example of a name
    listing: str
    tried: Tried
    addressed: bool = False  # whether the listing names addresses, which somebody has to say


def _flat(shape: Format, asked: Asked) -> Iterator[str]:
    made = []
    for _, cell, listed in render.offers(asked.entries, ("tar.gz",)):
        if cell.variant in shape.variants:
            name = shape.name(cell, asked.stack, listed.sha256)
            sha256 = flatten(asked.archive(listed), asked.folder / name, shape.form, shape.programs(cell))
            made.append(Flattened(cell, listed, name, sha256))
            yield f"{sha256}  {name}"
    if made and shape.listing:
        (asked.folder / shape.listing).write_bytes(shape.render(made, asked.address.rstrip("/"), asked.stack))
        yield str(asked.folder / shape.listing)


def _layout(asked: Asked) -> Iterator[str]:
    if asked.entries:
        for tag in layout.write(asked.folder, asked.channel, asked.entries, asked.archive):
            yield f"oci:{asked.folder}:{tag}"


def written(format_: str, asked: Asked) -> Iterator[str]:
    """Write what was asked for; gives a line for each thing. Raises BadInput when the channel has nothing for it."""
    asked.folder.mkdir(parents=True, exist_ok=True)
    lines = TABLE[format_].write(asked)
    first = next(lines, "")
    if not first:
        raise BadInput(
            f"the channel '{asked.channel}' has nothing for {asked.distro}", hint="`farm ls` lists what is published"
        )
    yield first
    yield from lines


def _row(shape: Format, stack: str, by: Tried) -> Export:
    return Export(partial(_flat, shape), shape.name(_EXAMPLE, stack, "…"), shape.listing, by, addressed=bool(shape.listing))


TABLE = {
    "heroku": _row(formats.HEROKU, "ubuntu-24.04", tried.HEROKU),
    "cloud-foundry": _row(formats.CLOUD_FOUNDRY, "cflinuxfs4", tried.CLOUD_FOUNDRY),
    "setup-python": _row(formats.SETUP_PYTHON, "", tried.SETUP_PYTHON),
    "oci-layout": Export(_layout, "blobs/sha256/…", "index.json", tried.LAYOUT),
}
