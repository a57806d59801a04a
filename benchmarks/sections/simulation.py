"""A farm on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown import Plot, table

if TYPE_CHECKING:
    from benchmarks.markdown import Section

# what is sent, by its name in the results
WAYS = {
    "farm": "`farm` is the order of `farm submit`, the longest cells first, with {waits} waiting in the queue of each"
    " distro and arch",
    "one window": "`one window` lets as few wait in all queues together: when all builders of one arch are busy, its cells are"
    " the ones that wait, and those of the other arches are not sent",
    "no window": "`no window` sends everything at once, so that what failed in passing goes to the end",
    "images": "`images` goes by builder image",
    "matrix": "`matrix` goes by the matrix",
}


def simulation(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Makespans by the number of workers."""
    rows = found["rows"]
    drawn = ", ".join(f"{count} builds with {name}" for name, count in found["builds_drawn_from"].items())
    yield "## A farm on paper"
    yield (
        f"{found['cells']} cells with 1 to 1,000 workers, simulated (`benchmarks/simulate.py`); how long"
        f" cells take is drawn from the real ones of [matrix.md](matrix.md) ({drawn}), {found['fails']:.0%} of attempts fail in"
        f" passing, and an image takes {found['image_seconds']:.0f} s where a worker meets a distro first. The figures are"
        " makespans by the bound that no order can beat."
    )
    names = list(rows[0]["by_bound"])
    yield table(
        ("workers", "bound, hours", *names), [(row["workers"], row["bound_hours"], *row["by_bound"].values()) for row in rows]
    )
    yield Plot(
        "simulation",
        {name: ([row["workers"] for row in rows], [row["by_bound"][name] for row in rows]) for name in names},
        "workers",
        "makespan / bound",
        log_y=False,
    )
    waits = f"at most {found['window']}" if "window" in found else "any number"
    yield "; ".join(WAYS[name].format(waits=waits) for name in names) + "."
    yield (
        "The order only matters when there is a worker for every few cells: then a long cell that begins last keeps all"
        " others waiting, and sending the cells of an image together costs more than the images that it saves, since every"
        " worker meets every distro anyway."
    )
