"""Every binary is for the machine that the cell names: what a cross build or a wrong cache mixes in shows here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import machine
from workers.verify.findings import error, shared_by

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def look(subject: Subject) -> Iterator[Finding]:
    """The header of every ELF file, of object files too: embedders link the one that is shipped."""
    wanted = machine(subject.build.arch)
    if not wanted:
        yield error(
            f"no row of arches.toml knows {subject.build.arch}",
            hint="add the arch to arches.toml, with `machine` as `readelf -h` calls it",
        )
        return
    machines = {elf.path: elf.machine for elf in subject.elf.elves} | dict(subject.elf.objects)
    for found in sorted({*machines.values()} - {wanted}):
        files = [path for path, machine_said in machines.items() if machine_said == found]
        yield from shared_by(
            f"it is for {found}, and the cell for {wanted}",
            files,
            hint="see CC in the log of configure: it must compile for the cell's arch (cross.toml)",
        )
