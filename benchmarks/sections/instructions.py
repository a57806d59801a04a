"""What a benchmark makes a processor do, ours beside the distro's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown import table
from benchmarks.provenance import told
from benchmarks.ratios import PAIRS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks.markdown import Section

_SHOWN = ("executable against the distro's", "libpython against the distro's", "libpython against the executable")
_EVENTS = {
    "instructions": "instructions",
    "mispredicted": "mispredicted",
    "missed": "not in the first cache",
    "estimated": "cycles, estimated",
}
_FLOOR = {"instructions": 0.0, "mispredicted": 0.0, "missed": 1e-4, "estimated": 0.0}  # of fewer a ratio says nothing


def instructions(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Each cell that was measured."""
    yield "## What the processor has to do"
    yield (
        "`python -m benchmarks.instructions`: counted by callgrind, a loop of each benchmark without the start of Python."
        " A figure above 1 says that the second has to do more than the first. Where a benchmark takes another time than its"
        " instructions say, the rest is in branches, caches and where code lies; mispredicted branches, and instructions that"
        " were not in the first cache (told where both have more than one in 10,000), are those of callgrind's model of a"
        " processor, which has no instructions for hashes: there OpenSSL takes another way. Cycles are estimated as KCachegrind"
        " does: one for an instruction, 10 for a mispredicted branch and for what was not in the first cache, 100 for what was"
        " in none."
    )
    for name, one in found.items():
        benchmarks = one["benchmarks"]
        yield f"### Instructions: {name}, build {one['build']}"
        yield told([one])
        yield table(
            ("benchmark", *(f"{pair}: {what}" for pair in _SHOWN for what in _EVENTS.values())),
            [(benchmark, *_ratios(each)) for benchmark, each in benchmarks.items()],
        )


def _ratios(each: Mapping[str, Any]) -> Iterator[str]:
    for pair in _SHOWN:
        first, second = (each[contestant] for contestant in PAIRS[pair])
        for what in _EVENTS:
            least = _FLOOR[what]
            enough = all(one[what] > least * one["instructions"] for one in (first, second))
            yield f"{second[what] / first[what]:.3f}" if enough else ""
