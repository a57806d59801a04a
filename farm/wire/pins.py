"""New source archives, as they cross from the build wing, which found and verified them, to whoever pins them."""

from __future__ import annotations

from pydantic import TypeAdapter

from farm.plan.rows import SourceRow
from farm.wire.messages import Message


class NewSource(Message):
    """A release that is newer than what we have of its series, and the row that pins it; no row when it was only looked for.

    `trouble` is why its bytes could not be had and verified; `signature` says what is known of its sigstore signature.
    """

    version: str
    where: str
    row: SourceRow | None = None
    signature: str = ""
    trouble: str = ""


NEW_SOURCES: TypeAdapter[tuple[NewSource, ...]] = TypeAdapter(tuple[NewSource, ...])
