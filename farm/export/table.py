"""All that clients read, in one table with a line each: the format, its file or what `farm export` writes, and its test."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from farm.errors import BadInput
from farm.export import formats, layout
from farm.export.flat import flatten
from farm.export.formats import Flattened, Format
from farm.index import exports, oci, render, script, tried
from farm.index.model import Entry, Listed
from farm.index.tried import Tried
from farm.plan.cell import Cell
from farm.store import keys

_EXAMPLE = Cell.parse("3.13.5-ubuntu24.04-amd64")


@dataclass(frozen=True)
class File:
    """A file that publications bring up to date: the key of the one that lists a cell, what is in it, what it is tried with."""

    format: str
    key: Callable[[str, Cell], str]
    render: Callable[[Iterable[Entry], str], bytes]
    tried: Tried
    pinned: Callable[[bytes], str] | None = None  # the key under which this content stays for ever, too


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
class Folder:
    """What `farm export` writes: by what, giving a line for each thing; what its files are called; what it is tried with."""

    format: str
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
    lines = FOLDERS[format_].write(asked)
    first = next(lines, "")
    if not first:
        raise BadInput(
            f"the channel '{asked.channel}' has nothing for {asked.distro}", hint="`farm ls` lists what is published"
        )
    yield first
    yield from lines


def _row(format_: str, shape: Format, stack: str, by: Tried) -> Folder:
    write = partial(_flat, shape)
    return Folder(format_, write, shape.name(_EXAMPLE, stack, "…"), shape.listing, by, addressed=bool(shape.listing))


def rendered(channel: str, entries: Iterable[Entry], base_url: str) -> dict[str, bytes]:
    """Every file of clients, by its key, that entries of one distro in a channel give; those that stay for ever, too."""
    shared: dict[tuple[File, str], list[Entry]] = {}
    for entry in entries:
        for export in FILES:
            shared.setdefault((export, export.key(channel, Cell.parse(entry.cell))), []).append(entry)
    files: dict[str, bytes] = {}
    for (export, key), group in shared.items():
        files[key] = export.render(group, base_url)
        if export.pinned:
            files[export.pinned(files[key])] = files[key]
    return files


EXPORTS = (
    File("uv", lambda channel, cell: keys.uv_index(channel, cell.distro), render.uv_index, tried.UV),
    File("sha256sum", lambda channel, cell: keys.sums(channel, cell.distro), render.sums, tried.SHA256SUM),
    File("mise", keys.mise, exports.mise, tried.MISE),
    File("hatch", lambda channel, cell: keys.hatch(channel, cell.distro, cell.arch), exports.hatch, tried.HATCH),
    File("pyenv", keys.pyenv, exports.pyenv, tried.PYENV),
    File("bazel", lambda channel, cell: keys.bazel(channel, cell.distro), exports.bazel, tried.BAZEL),
    File("bzlmod", lambda channel, cell: keys.bzlmod(channel, cell.distro), exports.bzlmod, tried.BZLMOD),
    File("pants", lambda channel, cell: keys.pants(channel, cell.distro), exports.pants, tried.PANTS),
    File("paketo", lambda channel, cell: keys.paketo(channel, cell.distro), exports.paketo, tried.PAKETO),
    File("shell", lambda _channel, _cell: keys.get_python(), script.get_python, tried.SHELL),
    File("oci", oci.release_tag, oci.index, tried.REGISTRY, lambda data: keys.oci_manifest(oci.digest(data))),
    File("oci series", oci.series_tag, oci.index, tried.REGISTRY, lambda data: keys.oci_manifest(oci.digest(data))),
    _row("heroku", formats.HEROKU, "ubuntu-24.04", tried.HEROKU),
    _row("cloud-foundry", formats.CLOUD_FOUNDRY, "cflinuxfs4", tried.CLOUD_FOUNDRY),
    _row("setup-python", formats.SETUP_PYTHON, "", tried.SETUP_PYTHON),
    Folder("oci-layout", _layout, "blobs/sha256/…", "index.json", tried.LAYOUT),
)
FILES = tuple(export for export in EXPORTS if isinstance(export, File))
FOLDERS = {export.format: export for export in EXPORTS if isinstance(export, Folder)}
