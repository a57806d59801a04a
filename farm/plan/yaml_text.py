"""YAML text to plain data that knows its lines. Bounded: no text, however nested or aliased, costs more than its length.

It reads ruamel.yaml's events and builds the data itself, without recursion and without tags: only text, numbers, true, false,
null, lists and tables come out, and an alias may not make more of a document than `MAX_VALUES`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from farm.errors import BadInput

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

Path = tuple[str | int, ...]

MAX_BYTES = 512 * 1024
MAX_DEPTH = 20
MAX_VALUES = 50_000

_NULL = {"", "~", "null", "Null", "NULL"}
_TRUE = {"true", "True", "TRUE"}
_FALSE = {"false", "False", "FALSE"}
_INT_RE = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT_RE = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True)
class Document:
    """Plain data, and where each part of it stands: `lines` and, for scalars, the text as written."""

    name: str
    data: Any
    lines: dict[Path, int]
    texts: dict[Path, str]

    def at(self, path: Path) -> str:
        """'matrix.yaml:12' for the part at `path`, or for the nearest part around it that has a line."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines.get(path, 1)}"


@dataclass
class _Open:
    """A list or table that is being read."""

    data: list[Any] | dict[str, Any]
    path: Path
    anchor: str | None
    values: int = 1
    key: str | None = None
    keys: set[str] = field(default_factory=set)


def read(text: bytes, name: str) -> Document:
    """The one document in `text`; `name` is the file's name for messages. Raises BadInput naming file and line."""
    reader = _Reader(name)
    try:
        for event in YAML(typ="safe", pure=True).parse(_decoded(text, name)):
            reader.take(event)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise _wrong(f"{name}:{line}", f"is not YAML: {error.problem or error.context}") from None
    except YAMLError as error:
        raise _wrong(name, f"is not YAML: {str(error).splitlines()[0]}") from None
    if not reader.documents or reader.data is None:
        raise _wrong(name, "is empty")
    return Document(name, reader.data, reader.lines, reader.texts)


def _decoded(text: bytes, name: str) -> str:
    if len(text) > MAX_BYTES:
        raise _wrong(name, f"is {len(text)} bytes long; at most {MAX_BYTES} are read")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = text.count(b"\n", 0, error.start) + 1
        raise _wrong(f"{name}:{line}", "is not text: it holds bytes that are not UTF-8") from None
    if "\0" in decoded:
        raise _wrong(f"{name}:{decoded.count(chr(10), 0, decoded.index(chr(0))) + 1}", "is not text: it holds NUL bytes")
    return decoded


def _wrong(where: str, what: str) -> BadInput:
    return BadInput(f"{where}: {what}", hint="nothing was started; 'farm init' writes a matrix.yaml to start from")


class _Reader:
    """Builds the data from events, with a stack of its own."""

    def __init__(self, name: str) -> None:
        self.data: Any = None
        self.documents = 0
        self.lines: dict[Path, int] = {}
        self.texts: dict[Path, str] = {}
        self._name = name
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._total = 0

    def take(self, event: Event) -> None:
        """Use the next event."""
        if isinstance(event, DocumentStartEvent):
            self.documents += 1
            if self.documents > 1:
                raise self._wrong(event, "holds more than one document ('---')")
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            self._close()
        elif isinstance(event, NodeEvent):
            self._node(event)

    def _node(self, event: NodeEvent) -> None:
        self._total += 1
        if self._total > MAX_VALUES:
            raise self._wrong(event, f"holds more than {MAX_VALUES} values")
        if tag := _written_tag(event):
            raise self._wrong(event, f"has the tag '{tag}'; plain YAML needs none")
        top = self._stack[-1] if self._stack else None
        if top and isinstance(top.data, dict) and top.key is None:
            self._take_key(top, event)
        elif isinstance(event, ScalarEvent):
            self._scalar(event)
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, MappingStartEvent | SequenceStartEvent):
            self._open(event)

    def _take_key(self, top: _Open, event: NodeEvent) -> None:
        if not isinstance(event, ScalarEvent):
            raise self._wrong(event, "has a key that is not plain text")
        if event.value in top.keys:
            raise self._wrong(event, f"has the key '{event.value}' twice")
        top.keys.add(event.value)
        top.key = event.value
        self.lines[(*top.path, event.value)] = event.start_mark.line + 1

    def _scalar(self, event: ScalarEvent) -> None:
        path = self._path()
        self.lines.setdefault(path, event.start_mark.line + 1)
        self.texts[path] = event.value
        value = _resolved(event.value) if event.style is None else event.value
        self._remember(event.anchor, value, 1)
        self._attach(value, 1)

    def _alias(self, event: AliasEvent) -> None:
        if event.anchor not in self._anchors:
            raise self._wrong(event, f"refers to '*{event.anchor}', which is not complete before it")
        value, values = self._anchors[event.anchor]
        self._total += values
        if self._total > MAX_VALUES:
            raise self._wrong(event, f"holds more than {MAX_VALUES} values once its aliases are followed")
        self.lines.setdefault(self._path(), event.start_mark.line + 1)
        self._attach(value, values)

    def _open(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        if len(self._stack) >= MAX_DEPTH:
            raise self._wrong(event, f"is nested more than {MAX_DEPTH} deep")
        path = self._path()
        self.lines.setdefault(path, event.start_mark.line + 1)
        self._stack.append(_Open({} if isinstance(event, MappingStartEvent) else [], path, event.anchor))

    def _close(self) -> None:
        done = self._stack.pop()
        self._remember(done.anchor, done.data, done.values)
        self._attach(done.data, done.values)

    def _remember(self, anchor: str | None, value: object, values: int) -> None:
        if anchor:
            self._anchors[anchor] = (value, values)

    def _attach(self, value: object, values: int) -> None:
        if not self._stack:
            self.data = value
            return
        top = self._stack[-1]
        top.values += values
        if isinstance(top.data, list):
            top.data.append(value)
        elif top.key is not None:
            top.data[top.key] = value
            top.key = None

    def _path(self) -> Path:
        if not self._stack:
            return ()
        top = self._stack[-1]
        return (*top.path, len(top.data) if isinstance(top.data, list) else str(top.key))

    def _wrong(self, event: Event, what: str) -> BadInput:
        return _wrong(f"{self._name}:{event.start_mark.line + 1}", what)


def _written_tag(event: NodeEvent) -> str:
    """The tag that stands in the text, '' if there is none (ruamel finds one by itself for quoted text)."""
    implicit = getattr(event, "implicit", True)
    by_itself = any(implicit) if isinstance(implicit, tuple) else implicit
    return "" if by_itself else str(getattr(event, "tag", None) or "")


def _resolved(text: str) -> Any:  # noqa: ANN401 - this is where YAML's types come from
    """What a plain scalar means in YAML 1.2."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT_RE.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT_RE.fullmatch(text) else text
