"""A farm on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown import Plot, table

if TYPE_CHECKING:
    from benchmarks.markdown import Section

Rows = list[dict[str, Any]]

# what is sent, by its name in the results
WAYS = {
    "farm": "`farm` is the order of `farm submit`, the longest cells first, with {waits} waiting in the queue of each"
    " distro and arch",
    "one window": "`one window` lets as few wait in all queues together: when all builders of one arch are busy, its cells are"
    " the ones that wait, and those of the other arches are not sent",
    "no window": "`no window` sends everything at once, so that what failed in passing goes to the end",
    "by arch": "`by arch` is the order of `farm` with a queue for each arch, not for each distro",
    "images": "`images` has those queues, too, and sends the cells of one builder image after those of another, the longest of"
    " each first",
    "stay": "`stay` is `farm`, but a worker takes cells of the image that it used last while there are any",
    "matrix": "`matrix` goes by the matrix",
}
GROUPED = ("images", "stay")
CLEAR = 0.02  # what differs less from the farm's time is as quick


def simulation(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Makespans by the number of workers."""
    rows: Rows = found["rows"]
    yield "## A farm on paper"
    yield _intro(found)
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
        f"Each beside `farm` in the same round, from the least median to the most; what differs by {CLEAR:.0%} or less is as"
        " quick:"
    )
    yield table(
        ("order", "time / farm's", "images made / farm's", "quicker, with workers", "slower, with workers"),
        [(f"`{name}`", *_beside(rows, name)) for name in names if name != "farm"],
    )
    yield from _said(rows, found["rounds"])


def _intro(found: Any) -> str:  # noqa: ANN401 - JSON
    rows, builds = found["rows"], found["builds_drawn_from"]
    drawn = ", ".join(f"{count} of {arch} with {name}" for arch, of in builds.items() for name, count in of.items())
    every = dict.fromkeys(name for of in builds.values() for name in of)
    without = [f"{arch} has none with {name}" for arch, of in builds.items() for name in every if name not in of]
    lent = f": {', '.join(without)}, and draws from the others" if without else ""
    return (
        f"{found['cells']} cells with {rows[0]['workers']:,} to {rows[-1]['workers']:,} workers, simulated"
        f" (`benchmarks/simulate.py`), the medians of {found['rounds']} rounds. How long cells take is drawn from the real ones"
        f" of their arch in [matrix.md](matrix.md) ({drawn}{lent}), {found['fails']:.0%} of attempts fail in passing, the same"
        f" ones whatever the order, and an image takes {found['image_seconds']:.0f} s where a worker meets a distro first. A"
        " single worker builds for both arches, several for one each. The figures are makespans by the bound that no order can"
        " beat: all attempts, shared by the workers of their arch, or those of the one cell that takes longest."
    )


def _images(rows: Rows, name: str) -> dict[int, float]:
    """By the number of workers: the images that a way makes, by those of `farm`."""
    return {row["workers"]: row["images_made"][name] / row["images_made"]["farm"] for row in rows}


def _times(rows: Rows, name: str) -> dict[int, float]:
    """By the number of workers: how long runs take, by those of `farm`."""
    return {row["workers"]: row["by_farm"][name] for row in rows}


def _range(ratios: dict[int, float]) -> str:
    return f"{min(ratios.values()):.3f} to {max(ratios.values()):.3f}"


def _where(times: dict[int, float]) -> tuple[str, str]:
    """With how many workers it is quicker than `farm`, and with how many slower."""
    quicker = ", ".join(f"{workers:,}" for workers, ratio in times.items() if ratio < 1 - CLEAR)
    slower = ", ".join(f"{workers:,}" for workers, ratio in times.items() if ratio > 1 + CLEAR)
    return quicker, slower


def _told(times: dict[int, float]) -> str:
    quicker, slower = _where(times)
    told = (
        f"quicker than those of `farm` with {quicker} workers, by {1 - min(times.values()):.1%} at most" if quicker else "",
        f"slower than those of `farm` with {slower} workers, by {max(times.values()) - 1:.1%} at most" if slower else "",
    )
    return ", and ".join(filter(None, told)) or "as quick as those of `farm`, however many workers there are"


def _beside(rows: Rows, name: str) -> tuple[str, ...]:
    times = _times(rows, name)
    quicker, slower = _where(times)
    return (_range(times), _range(_images(rows, name)), quicker or "none", slower or "none")


def _said(rows: Rows, rounds: int) -> Section:
    """What the rows show, and only that."""
    for name in (name for name in GROUPED if name in rows[0]["by_bound"]):
        times, images = _times(rows, name), _images(rows, name)
        fewest = min(images, key=lambda workers: images[workers])
        saved = f"makes {images[fewest]:.0%} of the images of `farm` at best, with {fewest:,} workers"
        yield (
            f"Grouping by builder image with `{name}` {saved if images[fewest] < 1 else 'saves none of the images of `farm`'}."
            f" Its runs are {_told(times)}."
        )
    if "matrix" in rows[0]["by_bound"] and (slower := _where(_times(rows, "matrix"))[1]):
        yield (
            f"With {slower} workers the matrix's order is slower than the longest first: a long cell that begins last keeps all"
            " others waiting."
        )
    if alone := [row for row in rows if row["bound_of_one_cell"] * 2 > rounds]:
        told = ", ".join(f"{row['workers']:,} workers (in {row['bound_of_one_cell']} of {rounds} rounds)" for row in alone)
        yield (
            f"With {told} the bound is what the attempts of a single cell take, one after the other: neither an order nor more"
            " workers can make that less."
        )
