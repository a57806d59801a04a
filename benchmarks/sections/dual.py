"""The dual build beside a single one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.dual import COUNTED
from benchmarks.markdown import met, table
from benchmarks.official import LEFT_OUT, MOST, TEMPLATE
from benchmarks.provenance import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.markdown import Section


def dual(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Each cell and optimisation that was measured."""
    yield "## The dual build beside a single one"
    goals = " and ".join(f"{most:g} with {name}" for name, most in MOST.items())
    ours, theirs = (", ".join(COUNTED[half]) for half in ("ours", "single"))
    yield (
        "`python -m benchmarks.dual`: the same source in the same image with as many jobs, first by the recipe of the official"
        f" Docker image ([template]({TEMPLATE}), its flags in `benchmarks/official.toml`), then by ours. The ratio is of"
        f" {ours} in ours, by {theirs} in the single one: there the linker strips, and installing compiles bytecode, for which"
        f" ours has steps of its own. Goals: at most {goals}. A step's cores are its CPU seconds by its seconds."
    )
    yield "\n".join(f"Not of the official recipe is `{name}`: {row['why']}." for name, row in LEFT_OUT.items())
    yield table(
        ("cell", "jobs", "ours / single", "CPU seconds, ours / single", "at most", "goal"),
        [
            (name, one["jobs"], one["ratio"], one["cpu_ratio"] or "not known", one["most"], met(one["met"]))
            for name, one in found.items()
        ],
    )
    for name, one in found.items():
        yield f"### Steps of {name}"
        yield told([one])
        whole = {half: sum(step["seconds"] for step in one[half]["steps"] if step["step"] in COUNTED[half]) for half in COUNTED}
        yield table(
            ("build", "step", "seconds", "part of what is compared in the single one", "cores"),
            [_step(half, step, whole["single"]) for half in COUNTED for step in one[half]["steps"]],
        )
        yield "\n".join(f"Profiles, {half}: {_warned(one[half]['warnings'])}." for half in COUNTED)


def _step(half: str, step: Mapping[str, Any], whole: float) -> tuple[object, ...]:
    cores = "not known" if step["cpu_seconds"] is None else round(step["cpu_seconds"] / max(step["seconds"], 0.01), 2)
    part = f"{step['seconds'] / whole:.3f}" if step["step"] in COUNTED[half] else "not compared"
    return half, step["step"], step["seconds"], part, cores


def _warned(warnings: Mapping[str, Any]) -> str:
    said = []
    for kind, one in warnings.items():
        files = f" in {', '.join(one['files'])}" if one["files"] else ""
        said.append(f"{one['lines']} lines of `-W{kind}`{files}")
    return ", ".join(said)
