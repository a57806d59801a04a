"""Starting: what bytecode is worth, and from the file to the first start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown import table
from farm.plan.cell import Cell
from farm.plan.facts import load_facts

if TYPE_CHECKING:
    from benchmarks.markdown import Section


def startup(found: Any) -> Section:  # noqa: ANN401 - JSON
    """With and without bytecode."""
    series = load_facts().series[Cell.parse(found["cell"]).python.series]
    shipped = next(name for name in next(iter(found["programs"].values())) if name != "none")
    yield "## Start-up by bytecode"
    yield (
        f"{found['cell']}, {found['optimize']}, in a tree that belongs to root and is run by an ordinary user: medians of"
        f" {found['rounds']} interleaved runs. `{shipped}` is bytecode of optimisation level 0, the only one that programs read"
        f" by default. The default of this series is `{series.bytecode}`: {series.bytecode_why}"
        f" ([reference]({series.bytecode_link}))."
    )
    yield table(
        ("program", f"`{shipped}`, ms", "`none`, ms", f"none / {shipped}"),
        [
            (f"`{program}`", f"{one[shipped] * 1000:.1f}", f"{one['none'] * 1000:.1f}", f"{one['none'] / one[shipped]:.2f}")
            for program, one in found["programs"].items()
        ],
    )


def first(found: Any) -> Section:  # noqa: ANN401 - JSON
    """From the file to the first start."""
    forms = found["forms"]
    base = next(iter(forms))
    yield "## From the file to the first start"
    yield (
        f"{found['cell']}, {found['optimize']}: unpacking the downloaded file and `python3 -c pass`, each time in a fresh"
        f" container; medians of {found['rounds']}, forms in turns."
    )
    yield table(
        ("archive", "MB", "unpacking, s", "first start, s", "both, s", f"both / {base}"),
        [
            (
                f"install_only.{form}",
                f"{one['bytes'] / 1e6:.1f}",
                one["unpack_s"],
                one["start_s"],
                one["both_s"],
                f"{one['both_s'] / forms[base]['both_s']:.2f}",
            )
            for form, one in forms.items()
        ],
    )
