"""An audit for people and for programs: theirs and ours side by side, and why they differ."""

from __future__ import annotations

import itertools
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from farm.yardstick.compare import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from farm.wire.yardstick import Yardstick
    from farm.yardstick.compare import Audit, Compared

_TITLES = {
    "configure": "arguments of configure",
    "flag": "words for compiler and linker",
    "module": "extension modules",
    "library": "libraries",
    "package": "packages to run with",
    "hardening": "what binaries show",
    "linkage": "which parts need libpython",
    "unicode": "width of unicode",
}


def lines(told: Yardstick, audit: Audit, sizes: Mapping[str, int], *, everything: bool) -> Iterator[str]:
    """The audit as text: per subject what differs, and with `everything` also what does not; then sizes and the summary."""
    yield f"theirs: {told.package} (Python {told.version})"
    yield f"ours:   {told.cell}"
    for subject, group in itertools.groupby(audit.everything, key=lambda one: one.subject):
        rows = list(group)
        alike = sum(not one.differs for one in rows)
        yield ""
        yield f"{_TITLES[subject]}: {len(rows) - alike} differ, {alike} are the same"
        wanted = [one for one in rows if everything or one.differs]
        width = max((len(one.name) for one in wanted), default=0)
        for one in wanted:
            yield from _compared(one, width)
    yield ""
    yield from _sizes(told, sizes)
    yield ""
    yield f"{len(audit.everything)} compared: {len(audit.differences)} differ, {len(audit.unexplained)} unexplained"
    for row in audit.unmatched:
        yield f"error: differences.toml explains what is no difference: {row}"


def _compared(one: Compared, width: int) -> Iterator[str]:
    if one.differs:
        yield f"  {one.name:{width}}  theirs {shown(one.theirs)}, ours {shown(one.ours)}".rstrip()
        yield f"  {'':{width}}    {one.why or 'UNEXPLAINED'}"
    else:
        yield f"  {one.name:{width}}  both {shown(one.theirs)}"
    if one.note:
        yield f"  {'':{width}}    ({one.note})"


def _sizes(told: Yardstick, ours: Mapping[str, int]) -> Iterator[str]:
    yield "sizes in kB" + ("" if ours else "; ours is not published here")
    width = max(len(name) for name in told.sizes)
    for name, size in told.sizes.items():
        beside = f", ours {ours[name] // 1000}" if name in ours else ""
        yield f"  {name:{width}}  theirs {size // 1000}{beside}"


def data(told: Yardstick, audit: Audit, sizes: Mapping[str, int]) -> dict[str, Any]:
    """The audit as JSON-able data."""
    return {
        "cell": told.cell,
        "package": told.package,
        "version": told.version,
        "sizes": {"theirs": told.sizes, "ours": dict(sizes)},
        "differences": [asdict(one) for one in audit.differences],
        "unexplained": len(audit.unexplained),
        "unmatched": list(audit.unmatched),
        "same": [asdict(one) for one in audit.everything if not one.differs],
    }
