"""What changes of the recipe would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown import table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.markdown import Section


def experiments(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Each that was measured, beside the build as it is."""
    yield "## What other builds would give"
    yield (
        f"`python -m benchmarks.experiments`: {found['cell']} with PGO and LTO, with one thing changed (a folder of"
        " `benchmarks/experiments` over the facts). All are compiled from the profile of one training run, but for those"
        " that are about training: two trainings of one recipe differ by more than most of this. They take turns with the"
        f" build as it is: {found['rounds']} rounds of {len(found['scripts'])} benchmarks; above 1 the changed one is faster;"
        " the interval (95 %) is of rounds"
        " drawn again. The last column is how many times as long the second link takes."
        f" {_fit(found['mismatches'])}"
    )
    yield table(
        ("changed", "executable", "interval", "slowest", "libpython", "interval", "second link / as it is"),
        [
            (
                f"{name}: {about}",
                *_mean(found["pairs"][f"{name}: executable"]),
                _slowest(found["pairs"][f"{name}: executable"]["each"]),
                *_mean(found["pairs"][f"{name}: libpython"]),
                f"{found['second_link'][name]:.3f}",
            )
            for name, about in found["about"].items()
        ],
    )


def _fit(mismatches: Mapping[str, int]) -> str:
    told = ", ".join(f"{count} of {name}" for name, count in mismatches.items() if count)
    return f"Profiles that did not fit, says gcc: {told or 'none'}."


def _mean(pair: Mapping[str, Any]) -> tuple[object, str]:
    return pair["mean"], f"{pair['low']} to {pair['high']}"


def _slowest(each: Mapping[str, Any]) -> str:
    name = min(each, key=lambda name: (each[name]["mean"], name))
    return f"{name} {each[name]['mean']}"
