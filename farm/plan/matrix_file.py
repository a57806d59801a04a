"""What may stand in matrix.yaml: a pydantic model, whose JSON Schema is published, and its mistakes as sentences."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from farm.errors import BadInput
from farm.plan.options import BYTECODE, CHANNELS, OPTIMIZE, STRIP, Channel
from farm.plan.recipe import Bytecode, Optimize, Strip
from farm.plan.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from pydantic_core import ErrorDetails

    from farm.plan.yaml_text import Document, Path

HINT = "nothing was started; `farm schema matrix` prints the schema, `farm init` writes a commented example"


def _text(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str):
        raise ValueError("number" if isinstance(value, int | float) and not isinstance(value, bool) else "no text")
    return value


def _one_or_many(value: object) -> object:
    return value if isinstance(value, list) else [value]


Name = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=60)]
Axis = Annotated[list[Name], Field(min_length=1)]
Names = Annotated[
    list[Name],
    BeforeValidator(_one_or_many),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]

CHOICES = {"optimize": OPTIMIZE, "bytecode": BYTECODE, "strip": STRIP, "channel": CHANNELS}
VERSION_KEYS = {"pythons", "python"}
AXES = {"python": "pythons", "distro": "distros", "arch": "arches", "variant": "variants"}


class Block(BaseModel):
    """What all parts of matrix.yaml have in common: no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Choices(Block):
    """Options of a cell; each is optional."""

    optimize: Optimize | None = Field(
        None, description="none: a quick build, for the dev channel only; pgo; pgo+lto: the fastest"
    )
    bytecode: Bytecode | None = Field(None, description="whether .pyc files are shipped; by default what suits the version")
    strip: Strip | None = Field(None, description="split: debug information goes to an archive of its own; keep: it stays")
    channel: Channel | None = Field(None, description="the index that will list the builds")


class Exclude(Block):
    """Cells to leave out: all that match every key given. A series such as '3.13' matches each of its versions."""

    python: Names | None = Field(None, description="versions or series, in quotes")
    distro: Names | None = Field(None, description="distro releases, e.g. debian13")
    arch: Names | None = Field(None, description="amd64 or arm64")
    variant: Names | None = Field(None, description="default, freethreaded, debug or freethreaded-debug")


class Include(Choices, Exclude):
    """Options for the cells that match the names given; where none does, the cell itself is added."""


class MatrixFile(Choices):
    """matrix.yaml: what to build. The axes are multiplied; exclude takes cells out; include adds cells, or options to some."""

    model_config = ConfigDict(title="matrix.yaml of python-farm")

    pythons: list[Name] = Field(
        default=[], description="versions ('3.13.5'), or series ('3.13': its newest release), in quotes"
    )
    distros: list[Name] = Field(default=[], description="distro releases, e.g. debian13")
    arches: list[Name] = Field(default=[], description="amd64, arm64")
    variants: Axis = Field(default=["default"], description="default, freethreaded, debug, freethreaded-debug")
    exclude: list[Exclude] = []
    include: list[Include] = []


def parse(document: Document, known: Mapping[str, Collection[str]]) -> MatrixFile:
    """The document as a checked value; `known` has the valid names of each axis. Raises BadInput naming every mistake."""
    if not isinstance(document.data, dict):
        raise BadInput(f"{document.at(())}: must be a table of keys such as 'pythons' and 'distros'", hint=HINT)
    unknown = list(_unknown_names(document, known))
    try:
        file = MatrixFile.model_validate(document.data)
    except ValidationError as error:
        refuse([*_sentences(document, error), *unknown])
        raise
    refuse(unknown)
    return file


def refuse(mistakes: Iterable[str]) -> None:
    """Raise BadInput with all the mistakes, each once, if there are any."""
    if found := list(dict.fromkeys(mistakes)):
        raise BadInput("\n".join(found), hint=HINT)


def _unknown_names(document: Document, known: Mapping[str, Collection[str]]) -> Iterator[str]:
    """Names for which there are no facts, wherever an axis stands, whatever else is wrong with the document."""
    for path, axis in _axis_paths(document.data):
        names = functools.reduce(lambda part, key: part[key], path, document.data)
        for number, name in enumerate(names if isinstance(names, list) else [names]):
            if isinstance(name, str) and name not in known[axis]:
                kind = "Python version" if axis == "python" else axis
                near = did_you_mean(name, known[axis])
                where = document.at((*path, number))
                yield f"{where}: key '{path[-1]}': there are no facts for {kind} '{name[:60]}'{near}"


def _axis_paths(data: dict[str, Any]) -> Iterator[tuple[Path, str]]:
    for axis, key in AXES.items():
        if key in data:
            yield (key,), axis
    for block in ("exclude", "include"):
        entries = data.get(block)
        for number, entry in enumerate(entries if isinstance(entries, list) else []):
            yield from (((block, number, axis), axis) for axis in AXES if isinstance(entry, dict) and axis in entry)


def _sentences(document: Document, error: ValidationError) -> Iterator[str]:
    for detail in error.errors():
        path = _path(document, detail)
        yield f"{document.at(path)}: {_sentence(document, detail, path)}"


def _path(document: Document, detail: ErrorDetails) -> Path:
    """The place of a mistake in the document; a single value stands where pydantic counts a list of one."""
    path = tuple(detail["loc"])
    return path[:-1] if path and path[-1] == 0 and path not in document.lines else path


def _sentence(document: Document, detail: ErrorDetails, path: Path) -> str:
    key = next((part for part in reversed(path) if isinstance(part, str)), "")
    text = document.texts.get(path, "")
    kind = detail["type"]
    if kind == "extra_forbidden":
        return f"key '{key}' is unknown{did_you_mean(key, _known_keys(path))}"
    if kind == "literal_error":
        return f"key '{key}': there is no '{text or detail['input']}'{did_you_mean(str(detail['input']), CHOICES[key])}"
    if kind == "value_error":
        return f"key '{key}': {_not_text(key, text, str(detail['ctx']['error']))}"
    return f"key '{key}': {_PLAIN.get(kind, detail['msg'])}"


_PLAIN = {
    "list_type": "must be a list, e.g. [a, b]",
    "model_type": "must be a table of keys",
    "too_short": "is empty",
    "string_too_short": "is empty",
    "string_too_long": "is too long for a name",
}


def _not_text(key: str, text: str, what: str) -> str:
    if what == "number" and key in VERSION_KEYS:
        return f"{text} is a number to YAML, which drops zeros (3.10 is 3.1): quote it, '{text}'"
    if what == "number":
        return f"{text} is a number, not a name"
    return f"'{text}' is no name" if text else "is empty"


def _known_keys(path: Path) -> list[str]:
    block = {"include": Include, "exclude": Exclude}.get(str(path[0]), MatrixFile) if len(path) > 1 else MatrixFile
    return list(block.model_fields)
