"""Text of strangers as a terminal may have it: what a build script or a builder says could move cursors and fill clipboards."""

from __future__ import annotations

import re
import unicodedata

_COLOUR_RE = re.compile(r"\x1b\[[0-9;]*m")
_CONTROLS = frozenset({"Cc", "Cf", "Cs"})  # Cf turns the direction of what is read
_KEPT = "\n\t"


def plain(text: str) -> str:
    """The text without colours, and with every other control character written out, e.g. `\\x1b`."""
    if text.isprintable():
        return text
    return "".join(map(_shown, _COLOUR_RE.sub("", text)))


def _shown(character: str) -> str:
    if character in _KEPT or unicodedata.category(character) not in _CONTROLS:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode()
