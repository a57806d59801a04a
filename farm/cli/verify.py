"""`farm verify`: the checks of a build, again, on a published cell or on any tarball."""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from farm.cli.fetching import fetched
from farm.cli.opening import opened
from farm.errors import EXIT_CELLS_FAILED, BadInput, EngineUnavailable
from farm.plan.cell import Cell
from farm.publish.second import asked
from farm.settings import Settings
from farm.show import report, report_html, report_markdown
from farm.store import catalog

if TYPE_CHECKING:
    from farm.store.keys import Published
    from farm.store.protocol import Store

_GRACE_S = 20.0


@click.command()
@click.argument("what", metavar="CELL|FILE|TREE")
@click.option("--channel", help="Of a cell's builds, take the newest of this channel.")
@click.option("--no-engine", is_flag=True, help="Only look at the archive; run nothing of it.")
@click.option(
    "--depth",
    type=click.Choice(["standard", "full"]),
    default="standard",
    show_default=True,
    help="standard is what publication needs; full is everything.",
)
@click.option("--only", multiple=True, metavar="ID", help="Only this check; a glob such as 'embed.*', may be repeated.")
@click.option(
    "--earlier",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The build before, for upgrading and sizes; of a published cell it is found by itself.",
)
@click.option(
    "--tree", is_flag=True, help="WHAT is a Python of others: DISTRO, its own one, or plain:CELL, built by its README."
)
@click.option(
    "--like", metavar="CELL", default="", help="The tarball is of others: compare it with what such a cell of ours is."
)
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@click.option(
    "--markdown", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file as Markdown, too."
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the report to a file as HTML, too.")
def verify(  # noqa: PLR0913 - one for each option
    what: str,
    *,
    channel: str | None,
    no_engine: bool,
    depth: str,
    only: tuple[str, ...],
    earlier: Path | None,
    tree: bool,
    like: str,
    as_json: bool,
    html: Path | None,
    markdown: Path | None,
) -> None:
    """Verify a published cell, or any tarball, again; with the other archives of its build that lie beside it.

    Exit codes: 0 no check found an error, 3 some did, 4 the engine or the store failed while it ran.
    """
    _check_words(what, tree=tree, like=like, no_engine=no_engine)
    pages = [(file, page) for file, page in ((html, report_html.page), (markdown, report_markdown.page)) if file]
    for file, _ in pages:
        if not file.absolute().parent.is_dir():
            raise BadInput(f"there is no folder {file.parent} to write the report to", hint="make it, or name another file")
    with TemporaryDirectory(prefix="farm-verify-") as folder:
        if tree or like or Path(what).exists() or "/" in what:
            archive = Path(what)
        else:
            archive, before = _fetched(what, channel, Path(folder))
            earlier = earlier or before
        options = ["--depth", depth, *(["--no-engine"] if no_engine else []), *(["--earlier", str(earlier)] if earlier else [])]
        options += [
            *(["--tree"] if tree else []),
            *(["--like", like] if like else []),
            *(word for glob in only for word in ("--only", glob)),
        ]
        outcome = asked(archive, quiet=as_json, options=options)
    for file, page in pages:
        _write(file, page(outcome))
    if as_json:
        click.echo(outcome.model_dump_json(indent=2))
    else:
        for line in report.lines(outcome):
            click.echo(line)
    if outcome.errors:
        sys.exit(EXIT_CELLS_FAILED)
    if outcome.skipped and not no_engine:
        raise EngineUnavailable(
            f"{len(outcome.skipped)} of {len(outcome.checks)} checks could not run: {outcome.skipped[0].skipped}",
            hint="start a container engine, let it have what they need, or say --no-engine if looking at the files is enough",
        )


def _check_words(what: str, *, tree: bool, like: str, no_engine: bool) -> None:
    if tree and like:
        raise BadInput(
            "--tree and --like cannot be given together", hint="--tree names a Python by itself, --like is for a tarball"
        )
    if (tree or like) and no_engine:
        raise BadInput("a Python of others is asked what is linked into it, so it has to run", hint="leave --no-engine away")
    if like and not Path(what).is_file():
        raise BadInput(f"there is no file {what}", hint="give the path of a .tar.gz or .tar.zst")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise BadInput(
            f"the report cannot be written to {path}: {problem.strerror}", hint="name a file in a folder"
        ) from problem


def _fetched(text: str, channel: str | None, folder: Path) -> tuple[Path, Path | None]:
    """The newest published archive of a cell, a local file with the build's others beside it; and that of the build before."""
    cell, store = Cell.parse(text), opened(Settings())
    build = catalog.newest(store, cell, channel)
    if build is None:
        raise BadInput(
            f"{cell} is not published in {store.name}", hint="`farm ls` shows what is; or give the path of a tarball"
        )
    artifact = catalog.artifact(store, build)
    main = artifact.archive("install_only", "tar.gz")
    others = [archive for archive in artifact.archives if archive.kind != main.kind]
    for archive in (main, *others):
        fetched(store, build, archive, folder / archive.name)
    before = catalog.before(store, build)
    return folder / main.name, _earlier(store, before, folder / "earlier") if before else None


def _earlier(store: Store, build: Published, folder: Path) -> Path:
    folder.mkdir()
    archive = catalog.artifact(store, build).archive("install_only", "tar.gz")
    return fetched(store, build, archive, folder / archive.name)
