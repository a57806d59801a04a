"""docs/performance.md and its plots, from what was measured (benchmarks/results/*.json). `python -m benchmarks.page`.

What has no results yet has no section: nothing here is a figure that nobody measured.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
from collections.abc import Mapping
from dataclasses import dataclass

ROOT = Path(__file__).parents[1]
RESULTS, PAGE, PLOTS = ROOT / "benchmarks" / "results", ROOT / "docs" / "performance.md", ROOT / "docs" / "performance"

HEAD = """# Performance

Written by `make bench` from `benchmarks/results/*.json`, never by hand. Every figure is of one machine with two cores that
others use, too, so times are CPU seconds of the process itself where that makes sense, and what is compared was measured in
one run.
`make bench BENCH='NAME …'` renews single ones; without names it renews the short set.
"""


@dataclass(frozen=True)
class Plot:
    """Lines over a logarithmic x axis: by their label, x and y values."""

    name: str
    lines: Mapping[str, tuple[list[float], list[float]]]
    x: str
    y: str
    log_y: bool = True

    def __str__(self) -> str:
        """As the page shows it."""
        return f"![{self.y} by {self.x}](performance/{self.name}.svg)"


def draw(plot: Plot) -> None:
    """Write a plot as SVG; the same values give the same bytes."""
    import matplotlib as mpl  # noqa: PLC0415 - only who draws needs it

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": plot.name, "font.size": 9})
    import matplotlib.pyplot as plt  # noqa: PLC0415 - after the backend was chosen

    figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for label, (xs, ys) in plot.lines.items():
        axes.plot(xs, ys, marker="o", markersize=3, linewidth=1.2, label=label)
    axes.set_xscale("log")
    if plot.log_y:
        axes.set_yscale("log")
    axes.set(xlabel=plot.x, ylabel=plot.y)
    axes.grid(visible=True, which="major", alpha=0.3)
    if len(plot.lines) > 1:
        axes.legend(frameon=False)
    PLOTS.mkdir(exist_ok=True)
    figure.savefig(PLOTS / f"{plot.name}.svg", metadata={"Date": None})
    plt.close(figure)


def table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(map(str, row))} |" for row in rows)])


def scale(found: Any) -> Iterator[str | Plot]:  # noqa: ANN401 - JSON
    """How commands grow."""
    plan, publish = found["plan"], found["publish"]
    yield "## Planning"
    yield (
        "`farm plan` of a made-up matrix against a folder store in which as many artifacts are published."
        " Goals: 10,000 cells in"
        " 2 s and 200 MB, and cost that is linear in cells."
    )
    yield table(
        ("cells", "CPU seconds", "wall seconds", "MiB"),
        [(size, one["cpu_s"], one["wall_s"], one["mib"]) for size, one in plan.items()],
    )
    sizes = [float(size) for size in plan]
    yield Plot("plan", {"farm plan": (sizes, [one["cpu_s"] for one in plan.values()])}, "cells", "CPU seconds")
    yield "## Publishing"
    yield "Listing one more build in a channel that has so many, in the mean of five rebuilds."
    yield table(
        ("artifacts", "CPU seconds", "KiB read", "KiB written"),
        [(size, one["cpu_s"], one["read_kib"], one["written_kib"]) for size, one in publish.items()],
    )
    sizes = [float(size) for size in publish]
    lines = {
        "read": (sizes, [one["read_kib"] for one in publish.values()]),
        "written": (sizes, [one["written_kib"] for one in publish.values()]),
    }
    yield Plot("publish", lines, "artifacts in the channel", "KiB")
    yield "## Rendering"
    yield (
        "All files of a channel, as `farm index` writes them: indexes, clients' files, the registry, the catalog and"
        " the page of each artifact. Goals: 5,000 artifacts in 10 s once their images are there, with an index of less than"
        " 1 MB compressed. The catalog's data is its index, which a browser reads; the other one is every part that a channel"
        " names, pages of older builds among them, most of it hashes, which do not compress; a client reads one part."
        " Archives, metadata of 48 KB each and images are there before. At first every page and every file of clients is new to"
        " a folder, and is on its disk before the next one is written: that is the kernel's part."
    )
    yield table(
        ("artifacts", "CPU seconds, first", "of these in the kernel", "again", "catalog, KiB (gzip)", "all parts, KiB (gzip)"),
        [
            (size, one["first_cpu_s"], one["first_kernel_s"], one["again_cpu_s"], one["catalog_kib"], one["index_kib"])
            for size, one in found["render"].items()
        ],
    )


def browse(found: Any) -> Iterator[str | Plot]:  # noqa: ANN401 - JSON
    """The catalog in a browser."""
    yield (
        f"Chromium opens the catalog of {found['artifacts']} artifacts from a folder in {found['open_s']:.2f} s, and shows the"
        f" builds of a distro {found['distro_s']:.2f} s after it is picked (medians of five new visitors)."
    )


def simulation(found: Any) -> Iterator[str | Plot]:  # noqa: ANN401 - JSON
    """A farm on paper."""
    rows = found["rows"]
    drawn = ", ".join(f"{count} builds with {name}" for name, count in found["builds_drawn_from"].items())
    yield "## A farm on paper"
    yield (
        f"{found['cells']} cells with 1 to 1,000 workers, simulated (`benchmarks/simulate.py`); how long"
        f" cells take is drawn from"
        f" the real ones of [matrix.md](matrix.md) ({drawn}), {found['fails']:.0%} of attempts fail in"
        f" passing, and an image takes"
        f" {found['image_seconds']:.0f} s where a worker meets a distro first. The figures are makespans by"
        f" the bound that no order"
        " can beat."
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
    yield (
        "`farm`, the longest cells first, is the order that `farm submit` sends them in; `images` goes by"
        " builder image, `matrix` by"
        " the matrix. The order only matters when there is a worker for every few cells: then a long cell"
        " that begins last keeps all"
        " others waiting, and sending the cells of an image together costs more than the images that it"
        " saves, since every worker"
        " meets every distro anyway."
    )


def memory(found: Any) -> Iterator[str | Plot]:  # noqa: ANN401 - JSON
    """A shared libpython."""
    yield "## Memory of embedders"
    yield (
        f"{found['processes']} mod_wsgi processes with {found['cell']}: proportional set sizes, with the"
        f" module linked to libpython"
        " and with libpython in it. [verification.md](verification.md) says what that means."
    )
    yield table(
        ("module", "all, MiB", "one, MiB"),
        [
            (name, f"{found[name]['sum_kib'] / 1024:.1f}", f"{found[name]['median_kib'] / 1024:.1f}")
            for name in ("shared", "static")
        ],
    )


def speed(found: Any) -> Iterator[str | Plot]:  # noqa: ANN401 - JSON
    """Ours and the distro's Python."""
    yield "## Our Pythons and the distro's"
    yield (
        "`python -m benchmarks.speed`: all contestants in one box, taking turns in each round; a figure above 1 says that"
        " the first is faster. The mean is geometric, over all benchmarks; the interval (95 %) is of rounds drawn again."
        " `libpython` is that of the same tree, in a program of ten lines that embeds it."
    )
    for name, one in found.items():
        yield f"### {name}, beside the distro's {one['distro']}: {one['rounds']} rounds"
        pairs = one["pairs"]
        yield table(
            ("first, against second", "mean", "interval", "slowest benchmarks"),
            [(said, pair["mean"], f"{pair['low']} to {pair['high']}", _slowest(pair["each"])) for said, pair in pairs.items()],
        )
        yield table(
            ("benchmark", *pairs),
            [(name, *(pair["each"][name] for pair in pairs.values())) for name in next(iter(pairs.values()))["each"]],
        )


def _slowest(each: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {ratio}" for name, ratio in sorted(each.items(), key=lambda item: item[1])[:3])


def budgets(found: Any) -> Iterator[str | Plot]:  # noqa: ANN401 - JSON
    """The time budgets."""
    yield "## Time budgets"
    yield table(
        ("what", "budget", "measured", "how"),
        [(one["what"], f"{one['budget']:g} s", f"{one['seconds']:.2f} s", one["how"]) for one in found["figures"]],
    )


SECTIONS: dict[str, Callable[[Any], Iterator[str | Plot]]] = {
    "budgets": budgets,
    "scale": scale,
    "browse": browse,
    "simulation": simulation,
    "memory": memory,
    "speed": speed,
}


def parts() -> list[str | Plot]:
    """The page in its parts."""
    found: list[str | Plot] = [HEAD.rstrip()]
    for name, section in SECTIONS.items():
        file = RESULTS / f"{name}.json"
        if file.is_file():
            found += section(json.loads(file.read_text(encoding="utf-8")))
    return found


def text() -> str:
    """The page."""
    return "\n\n".join(map(str, parts())) + "\n"


def main() -> int:
    """Write the page and its plots."""
    PAGE.write_text(text(), encoding="utf-8")
    for part in parts():
        if isinstance(part, Plot):
            draw(part)
    print(f"wrote {PAGE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
