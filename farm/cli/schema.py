"""`farm schema`: JSON Schemas of what people write and of what is published."""

from __future__ import annotations

import json

import click

DIALECT = "https://json-schema.org/draft/2020-12/schema"


@click.command()
@click.argument("what", type=click.Choice(["matrix", "artifact", "build"]))
def schema(what: str) -> None:
    """Print a JSON Schema: of matrix.yaml, of a published artifact's metadata, or of build.json inside every archive."""
    click.echo(json.dumps({"$schema": DIALECT, **_schema(what)}, indent=2))


def _schema(what: str) -> dict[str, object]:
    if what == "matrix":
        from farm.plan.matrix_file import MatrixFile  # noqa: PLC0415 - each schema needs only its own model

        return MatrixFile.model_json_schema()
    from farm.store.artifact import Artifact, BuildInfo  # noqa: PLC0415 - each schema needs only its own model

    return (Artifact if what == "artifact" else BuildInfo).model_json_schema()
