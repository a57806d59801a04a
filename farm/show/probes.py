"""What a check of the store saw, as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.show.runs import columns

if TYPE_CHECKING:
    from farm.store.probe import Probes, Verdict

_MEANS: dict[tuple[Verdict, bool], str] = {
    ("many", False): "as many schedulers and submits as you like may publish at once",
    ("many", True): "many could publish at once; FARM_SINGLE_PUBLISHER makes one wait for another, and is not needed",
    ("one", False): "refused: two publishers would destroy each other's work. FARM_SINGLE_PUBLISHER=1, on every host with the "
    "store's keys, has one write at a time under a lock; a server that honours conditions is better",
    ("one", True): "one process writes at a time, under a lock (FARM_SINGLE_PUBLISHER)",
    ("none", False): "refused: this store cannot hold a farm",
    ("none", True): "refused: this store cannot hold a farm",
}


def lines(name: str, probes: Probes, *, single: bool) -> list[str]:
    """A line for each probe, then what they mean; `single` is the setting."""
    table = columns(("probe", "mark", "seen"), [(one.name, one.mark, one.said) for one in probes.seen])
    return [name, *table.splitlines(), f"so: {_MEANS[probes.verdict, single]}"]
