"""What builds took, from the metadata of what is published."""

from __future__ import annotations

import statistics
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.cells import light as light_seconds
from benchmarks.markdown import met, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.markdown import Section

Cell = dict[str, Any]

PART = 0.03
THEIRS = tomllib.loads((Path(__file__).parents[1] / "sizes.toml").read_text(encoding="utf-8"))
SERIES = ("3.13", "3.14")


def cells(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Shares of steps, the second link, cores, sizes."""
    builds: list[Cell] = found["cells"]
    optimised = [one for one in builds if one["optimize"] == "pgo+lto"]
    yield "## Steps of a cell"
    yield (
        "From the metadata of the newest builds that are published. The first figure is the part of the whole that is not"
        f" compile, install, pack or verify; goal: at most {PART:.0%} of a cell with PGO and LTO. `configure` counts as"
        " compiling, for it runs the compiler some hundred times on one core; the second figure has it on the other side. The"
        " third is what the second link takes, by all that the build takes without it (configure, compile, install)."
    )
    yield table(
        ("cell", "all but the heavy steps", "configure included", "goal", "second link / rest of the build"),
        [
            (
                one["cell"],
                f"{light(one):.1%}",
                f"{light(one, configure=True):.1%}",
                met(light(one) <= PART),
                f"{second(one):.3f}",
            )
            for one in optimised
        ],
    )
    yield "### CPU by step"
    yield _cpu(builds)
    yield "## Size"
    yield (
        "`install_only.tar.zst` against python-build-standalone's `install_only_stripped` (x86_64), in bytes of what is"
        f" downloaded; goal: at most {THEIRS['goal']:g} times as much."
    )
    yield table(
        ("cell", "ours, MB", "theirs, MB", "ours / theirs", "goal", "whose figure"),
        [_size(one) for one in optimised if one["series"] in SERIES],
    )


def seconds(one: Cell) -> dict[str, float]:
    return {step["step"]: step["seconds"] for step in one["steps"]}


def light(one: Cell, *, configure: bool = False) -> float:
    """The part of a cell's time that is not CPython's; `configure`: with that."""
    took = seconds(one)
    return light_seconds(took, configure=configure) / sum(took.values())


def second(one: Cell) -> float:
    """What pass 2 takes by what the other pass does."""
    took = seconds(one)
    return took["link static"] / sum(took[step] for step in ("configure", "make shared", "install"))


def _cpu(builds: Sequence[Cell]) -> str:
    """Mean cores of each step, by optimisation; builds of before do not tell."""
    cores: dict[tuple[str, str], list[float]] = {}
    for one in builds:
        for step in one["steps"]:
            if step["cpu_seconds"] is not None and step["seconds"] >= 1:
                cores.setdefault((one["optimize"], step["step"]), []).append(step["cpu_seconds"] / step["seconds"])
    if not cores:
        return "No build of this store has CPU seconds in its metadata; those that are made from now on do."
    rows: list[tuple[object, ...]] = [
        (optimize, step, len(all_of), f"{statistics.fmean(all_of):.2f}") for (optimize, step), all_of in cores.items()
    ]
    return "Cores that were busy on average, in the mean of builds.\n\n" + table(("optimize", "step", "builds", "cores"), rows)


def _size(one: Mapping[str, Any]) -> tuple[object, ...]:
    ours = one["sizes"]["tar.zst"] / 1e6
    theirs = THEIRS.get(one["series"])
    if theirs is None:
        return one["cell"], f"{ours:.1f}", "", "", "", f"of {one['series']} there is no figure that can be cited"
    ratio = ours / theirs["mb"]
    whose = f"[{theirs['of']}]({theirs['link']})"
    return one["cell"], f"{ours:.1f}", theirs["mb"], f"{ratio:.2f}", met(ratio <= THEIRS["goal"]), whose
