"""Submitting ten thousand cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.markdown import met, table

if TYPE_CHECKING:
    from benchmarks.markdown import Section

PER_SECOND, MIB = 1000, 300
PUBLISHED_S, PUBLISHED_MIB = 2.0, 200.0  # of either command, where all is published


def submit(found: Any) -> Section:  # noqa: ANN401 - JSON
    """Published, fresh, killed."""
    plan, again, fresh, sent = found["published"]["plan"], found["published"]["submit"], found["fresh"], found["messages"]
    yield "## Submitting"
    yield (
        f"`farm submit` of {found['cells']} cells, all of them published and listed, beside `farm plan` of the same, in turns,"
        " of each the quickest of five: it says so after one listing of the catalog, one object for each platform and a"
        " channel's index."
    )
    yield table(
        (
            *("command", "CPU seconds", "wall seconds", "MiB", "CPU / plan", "MiB / plan"),
            *(f"wall / {PUBLISHED_S:g} s", f"MiB / {PUBLISHED_MIB:g}", "met"),
        ),
        [
            (
                f"`farm {name}`",
                one["cpu_s"],
                one["wall_s"],
                one["mib"],
                *(f"{one[what] / plan[what]:.2f}" for what in ("cpu_s", "mib")),
                f"{one['wall_s'] / PUBLISHED_S:.2f}",
                f"{one['mib'] / PUBLISHED_MIB:.2f}",
                met(one["wall_s"] <= PUBLISHED_S and one["mib"] <= PUBLISHED_MIB),
            )
            for name, one in (("plan", plan), ("submit", again))
        ],
    )
    yield (
        f"Of a run only {found['window']} wake-ups wait in each queue of the broker, however many cells it has: builders take"
        " them in seconds, each that is taken makes room for the next, and so another run's ten cells, a more urgent run or a"
        " cancelled one waits for a few cells and not for thousands. So it is the task queue whose rate is measured, by itself,"
        f" against a private Redis on this host: it took {sent['sent']} messages, of which {sent['waiting']} then waited in it."
    )
    of_cpu = sent["sent"] / sent["cpu_s"]
    yield table(
        ("fresh cells", "measured", "goal", "measured / goal", "met"),
        [
            (
                "messages a second",
                sent["per_second"],
                PER_SECOND,
                f"{sent['per_second'] / PER_SECOND:.2f}",
                met(sent["per_second"] >= PER_SECOND),
            ),
            (
                "messages by CPU second of the sender",
                round(of_cpu),
                PER_SECOND,
                f"{of_cpu / PER_SECOND:.2f}",
                met(of_cpu >= PER_SECOND),
            ),
            ("most memory of `farm submit`, MiB", fresh["mib"], MIB, f"{fresh['mib'] / MIB:.2f}", met(fresh["mib"] < MIB)),
        ],
    )
    yield (
        f"Killed with `kill -9` once its plan ({fresh['plan_mb']} MB) was kept, which was after {fresh['plan_kept_s']} s; half"
        f" of the cells were then published, and the same command, given again, had its plan kept after {fresh['again_s']} s"
        f" ({fresh['again_s'] / fresh['plan_kept_s']:.2f} times as long), with {fresh['again_published']} cells published"
        " already and the others to build."
    )
