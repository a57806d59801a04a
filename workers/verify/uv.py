"""What uv does to a Python after unpacking it, so that we see what its users get.

It parses the literal that `_sysconfigdata*.py` opens with (it knows strings and integers, and three escapes), replaces the
prefix of every word of every value, and writes the file anew: all code behind the literal is gone. In `.pc` files it replaces
`prefix=/install`. See crates/uv-python/src/sysconfig of https://github.com/astral-sh/uv
"""

from __future__ import annotations

import json
import re

from farm.plan.recipe import PREFIX

HEADER = "# system configuration generated and used by the sysconfig module\n"

_STRING = r"""(?:'(?:[^'\\]|\\[\\'"])*'|"(?:[^"\\]|\\[\\'"])*")"""
_SPACE = r"[ \t\f\r\n]*"
_OPEN = re.compile(rf"build_time_vars{_SPACE}={_SPACE}{{{_SPACE}")
_ENTRY = re.compile(rf"(?P<key>{_STRING}){_SPACE}:{_SPACE}(?P<value>(?:{_STRING}{_SPACE})+(?=[,}}])|-?\d+){_SPACE},?{_SPACE}")
_PIECE = re.compile(_STRING)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Refused(ValueError):  # noqa: N818 - named for what happened
    """uv would not install this."""


def parse(text: str) -> dict[str, str | int]:
    """The variables as uv's own parser reads them. Raises Refused where it would."""
    if not text.startswith(HEADER):
        raise Refused(f"the first line is not '{HEADER.strip()}'")
    if not (opened := _OPEN.match(text, len(HEADER))):
        raise Refused("the second line does not open 'build_time_vars = {'")
    found: dict[str, str | int] = {}
    place = opened.end()
    while not text.startswith("}", place):
        if not (entry := _ENTRY.match(text, place)):
            line = text.count("\n", 0, place) + 1
            raise Refused(f"line {line} is no string or integer that uv reads: {text[place : place + 60]!r}")
        found[_text(entry["key"])] = int(entry["value"]) if entry["value"][-1].isdigit() else _text(entry["value"])
        place = entry.end()
    return found


def sysconfigdata(text: str, prefix: str) -> str:
    """The file as uv leaves it after an installation in `prefix`. Raises Refused."""
    patched: dict[str, str | int] = {
        name: _moved(value, prefix) if isinstance(value, str) else value for name, value in parse(text).items()
    }
    patched["PYTHON_BUILD_STANDALONE"] = 1
    return f"{HEADER}build_time_vars = {json.dumps(patched, indent=4, sort_keys=True, ensure_ascii=False)}\n"


def pkgconfig(text: str) -> str:
    """A .pc file as uv leaves it."""
    return re.sub(rf"^([A-Za-z]*)={PREFIX}$", r"\1=${pcfiledir}/../..", text, flags=re.MULTILINE).removesuffix("\n")


def _text(literals: str) -> str:
    return "".join(_ESCAPE.sub(r"\1", piece[1:-1]) for piece in _PIECE.findall(literals))


def _moved(value: str, prefix: str) -> str:
    return " ".join(prefix + word.removeprefix(PREFIX) if _starts(word) else word for word in value.split())


def _starts(word: str) -> bool:
    """uv replaces a bare start: '/installed' would become '<prefix>/nstalled'. No value of ours has such a word."""
    return word == PREFIX or word.startswith(PREFIX + "/")
