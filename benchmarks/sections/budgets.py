"""The time budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown import met, table

if TYPE_CHECKING:
    from benchmarks.markdown import Section


def budgets(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Those that `make bench` measures."""
    yield "## Time budgets"
    yield _rows(found["figures"])


def by_hand(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Those that nothing measures by itself."""
    yield "### Measured by hand"
    yield (
        "Cold runs need a host that has nothing of ours. `benchmarks/results/by_hand.json` has what such a run took, how it was"
        " made, and is changed by hand alone; `make bench` leaves it as it is."
    )
    yield _rows(found["figures"])


def _rows(figures: list[dict[str, Any]]) -> str:
    return table(
        ("what", "budget", "measured", "measured / budget", "met", "how"),
        [
            (
                one["what"],
                f"{one['budget']:g} s",
                f"{one['seconds']:.2f} s",
                f"{one['seconds'] / one['budget']:.2f}",
                met(one["seconds"] <= one["budget"]),
                one["how"],
            )
            for one in figures
        ],
    )
