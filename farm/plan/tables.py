"""Facts files to rows: ours from the package's data, an operator's laid over them, each mistake named by file, row and key."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from farm.errors import BadInput
from farm.plan.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

R = TypeVar("R", bound=BaseModel)
Table = dict[str, Any]

HINT = "nothing was started; the comments and rows of farm/data show what may stand in each file"


@dataclass(frozen=True)
class Files:
    """Where facts files come from: ours, and the operator's folder if there is one."""

    overlay: Path | None = None

    def read(self, name: str) -> Table:
        """The tables of `name`, an operator's rows replacing ours of the same key. Raises BadInput."""
        ours = _parsed(f"farm/data/{name}", resources.files("farm.data").joinpath(name).read_text("utf-8"))
        theirs = self._theirs(name)
        return {**ours, **theirs}

    def rows(self, name: str, row: type[R]) -> dict[str, R]:
        """The rows of `name`, checked, by their key and in file order. Raises BadInput naming every mistake."""
        return checked(self.label(name), self.read(name), row)

    def label(self, name: str) -> str:
        """How messages call the file: with the operator's path if it is theirs, too."""
        theirs = self.overlay / name if self.overlay else None
        return f"farm/data/{name} with {theirs}" if theirs and theirs.is_file() else f"farm/data/{name}"

    def distro_names(self) -> list[str]:
        """The ids of all distros, ours and the operator's."""
        ours = [entry.name for entry in resources.files("farm.data").joinpath("distros").iterdir()]
        folder = self.overlay / "distros" if self.overlay else None
        theirs = [path.name for path in folder.iterdir()] if folder and folder.is_dir() else []
        return sorted({name.removesuffix(".toml") for name in (*ours, *theirs) if name.endswith(".toml")})

    def distro(self, distro: str) -> Table:
        """The tables of a distro's file; one that only the operator has needs no file of ours. Raises BadInput."""
        name = f"distros/{distro}.toml"
        ours = resources.files("farm.data").joinpath(name)
        table = _parsed(f"farm/data/{name}", ours.read_text("utf-8")) if ours.is_file() else {}
        return laid_over(table, self._theirs(name))

    def _theirs(self, name: str) -> Table:
        path = self.overlay / name if self.overlay else None
        if not path or not path.is_file():
            return {}
        try:
            return _parsed(str(path), path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise BadInput(f"{path}: cannot be read: {error}", hint=HINT) from None


def laid_over(table: Table, over: Table) -> Table:
    """`table` with the keys of `over`; the rows of `provides` are replaced one by one."""
    provides = {**table.get("provides", {}), **over.get("provides", {})}
    return {**table, **over, **({"provides": provides} if provides else {})}


def checked(label: str, tables: Table, row: type[R]) -> dict[str, R]:
    """Every table as a row. Raises BadInput with one line for each mistake."""
    rows: dict[str, R] = {}
    mistakes: list[str] = []
    adapter = TypeAdapter(row)
    for key, table in tables.items():
        try:
            rows[key] = adapter.validate_python(table)
        except ValidationError as error:
            mistakes += _sentences(f"{label}: row '{key}'", error, row)
    refuse(mistakes)
    return rows


def refuse(mistakes: Sequence[str]) -> None:
    """Raise BadInput with all the mistakes, if there are any."""
    if mistakes:
        raise BadInput("\n".join(mistakes), hint=HINT)


def _sentences(label: str, error: ValidationError, row: type[BaseModel]) -> Iterator[str]:
    for detail in error.errors():
        yield f"{label}: {_sentence(detail, row)}"


def _sentence(detail: ErrorDetails, row: type[BaseModel]) -> str:
    key = ".".join(str(part) for part in detail["loc"])
    if detail["type"] == "extra_forbidden":
        return f"key '{key}' is unknown{did_you_mean(str(detail['loc'][-1]), row.model_fields)}"
    if detail["type"] == "missing":
        return f"key '{key}' is missing"
    message = detail["msg"].removeprefix("Value error, ")
    return f"key '{key}': {message[:1].lower()}{message[1:]}" if key else message


def _parsed(label: str, text: str) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{label}: is not TOML: {error}", hint=HINT) from None
