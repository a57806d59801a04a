"""`farm compare`: what verifications of several Pythons saw, side by side."""

from __future__ import annotations

from pathlib import Path

import click
from pydantic import ValidationError

from farm.errors import BadInput
from farm.show.report_markdown import side_by_side
from farm.wire.verification import Verification


@click.command()
@click.argument("outcomes", metavar="NAME=FILE.json…", nargs=-1, required=True)
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead of printing.")
def compare(outcomes: tuple[str, ...], output: Path | None) -> None:
    """Put what `farm verify --json` said of several Pythons side by side, as Markdown."""
    text = side_by_side([_outcome(words) for words in outcomes])
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as problem:
        raise BadInput(
            f"{output} cannot be written: {problem.strerror}", hint="name a file in a folder that is there"
        ) from problem


def _outcome(words: str) -> tuple[str, Verification]:
    name, equals, file = words.partition("=")
    if not equals or not name or not file:
        raise BadInput(
            f"'{words}' is no NAME=FILE", hint="e.g. 'ours=ours.json'; farm verify --json CELL > ours.json makes one"
        )
    try:
        return name, Verification.model_validate_json(Path(file).read_bytes())
    except OSError as problem:
        raise BadInput(
            f"{file} cannot be read: {problem.strerror}", hint="farm verify --json CELL > FILE makes one"
        ) from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its top"
        raise BadInput(
            f"{file} is no outcome of farm verify --json: {where}: {first['msg']}", hint="was --json given?"
        ) from problem
