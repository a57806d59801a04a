"""docs/performance.md and its plots, from what was measured (benchmarks/results/*.json). `python -m benchmarks.page`.

What has no results yet has no section: nothing here is a figure that nobody measured.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.command import end
from benchmarks.markdown import Plot, Section
from benchmarks.overview import overview
from benchmarks.provenance import MEASURED, told
from benchmarks.readme import README, with_budgets, with_speed
from benchmarks.sections.budgets import budgets, by_hand
from benchmarks.sections.cells import cells
from benchmarks.sections.dual import dual
from benchmarks.sections.experiments import experiments
from benchmarks.sections.instructions import instructions
from benchmarks.sections.memory import memory
from benchmarks.sections.scale import scale
from benchmarks.sections.simulation import simulation
from benchmarks.sections.speed import counted_in_means, speed
from benchmarks.sections.starts import first, startup
from benchmarks.sections.submit import submit

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[1]
RESULTS, PAGE, PLOTS = ROOT / "benchmarks" / "results", ROOT / "docs" / "performance.md", ROOT / "docs" / "performance"

HEAD = """# Performance

Written by `make bench` from `benchmarks/results/*.json`, never by hand. Others use the machines, too, so times are CPU seconds
of the process itself where that makes sense, and what is compared was measured in one run.
`make bench BENCH='NAME …'` renews single ones; without names it renews the short set, and
with `BENCH=long` the rest. `STORE=DIR` says where the Pythons are published that are measured;
`farm submit benchmarks/matrix.yaml` builds them.

A cell is a Python for a distro and an arch, e.g. 3.13.5-debian13-amd64 ([vocabulary](design.md)). It is built with `none`,
`pgo` or `pgo+lto`: without optimisation, from a profile of a training run, and with link-time optimisation, too. A dual build
compiles once and links twice: into libpython, and into an executable that needs none.
"""


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


def browse(found: Any) -> Section:  # noqa: ANN401 - JSON
    """The catalog in a browser."""
    yield (
        f"Chromium opens the catalog of {found['artifacts']} artifacts from a folder in {found['open_s']:.2f} s, and shows the"
        f" builds of a distro {found['distro_s']:.2f} s after it is picked (medians of five new visitors)."
    )


SECTIONS: dict[str, Callable[..., Section]] = {
    "budgets": budgets,
    "by_hand": by_hand,
    "cells": cells,
    "scale": scale,
    "submit": submit,
    "browse": browse,
    "simulation": simulation,
    "memory": memory,
    "startup": startup,
    "first": first,
    "speed": speed,
    "instructions": instructions,
    "experiments": experiments,
    "dual": dual,
}


CLAIMED = "3.13.5-debian13-amd64 pgo+lto"  # what the README tells
ALSO = {"speed": ("instructions",)}  # sections that say something of what others measured, too


def parts() -> list[str | Plot]:
    """The page in its parts."""
    found: list[str | Plot] = [HEAD.rstrip()]
    for name, section in SECTIONS.items():
        if result := results(name):
            found += filter(None, section(result, *(results(other) for other in ALSO.get(name, ()))))
            found += filter(None, [told_of(result)])
    return [found[0], *overview(map(str, found)), *found[1:]]


def told_of(result: Any) -> str:  # noqa: ANN401 - JSON
    """When and on what it was measured, where that is one and the same for a whole section, or for each of its tables."""
    stamp = result.get(MEASURED, {})
    return told([result] if "on" in stamp else [{MEASURED: stamp.get(part, {})} for part in result if part != MEASURED])


def results(name: str) -> Any:  # noqa: ANN401 - JSON
    """What was measured by that name; nothing where that never was."""
    file = RESULTS / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def text() -> str:
    """The page."""
    return "\n\n".join(map(str, parts())) + "\n"


def readme() -> str:
    """The README with the budgets as they were measured, and with what is claimed of the Pythons that were."""
    figures = [figure for name in ("budgets", "by_hand") for figure in results(name).get("figures", ())]
    one = results("speed")[CLAIMED]
    text = with_speed(README.read_text(encoding="utf-8"), one["cell"], one, counted_in_means(one))
    return with_budgets(text, figures)


def main() -> int:
    """Write the page, its plots and the README's table."""
    PAGE.write_text(text(), encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")
    for part in parts():
        if isinstance(part, Plot):
            draw(part)
    print(f"wrote {PAGE.relative_to(ROOT)} and the budgets in {README.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    end(main)
