"""Cross-compiling, as the facts say it: what a machine of another arch needs to build a cell. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.plan.recipe import Cross

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.plan import distro_rows, rows
    from farm.plan.facts import Facts


def cross(facts: Facts, distro: str, arch: str, chosen: Sequence[rows.CrossRow]) -> Cross | None:
    """How a distro cross-compiles for an arch, with the rows of cross.toml that hold; None when it cannot, or none holds."""
    where = facts.distros[distro].facts
    row = where.cross.get(arch)
    if row is None or not chosen:
        return None
    names = {"cpu": facts.arches[arch].cpu, "multiarch": facts.arches[arch].multiarch, "on": facts.arches[row.on].multiarch}
    environment = {name: value.format(**names) for each in chosen for name, value in each.environment.items()}
    sysconfig = {name: value.format(**names) for each in chosen for name, value in each.sysconfig.items()}
    return Cross(
        on=row.on,
        packages=_packages(where, row, arch),
        configure=tuple(argument.format(**names) for each in chosen for argument in each.configure),
        environment=tuple(sorted(environment.items())),
        tools=tuple(sorted(row.tools.items())),
        sysconfig=tuple(sorted(sysconfig.items())),
    )


def _packages(distro: distro_rows.DistroFile, row: distro_rows.CrossToolchainRow, arch: str) -> tuple[str, ...]:
    """The machine's own toolchain and the cross one; the development packages of all capabilities, for the cell's arch."""
    development = {name for provides in distro.provides.values() for name in provides.build}
    foreign = {f"{name}:{arch}" for name in (*development, *row.foreign)}
    return tuple(sorted({*distro.toolchain, *row.toolchain, *foreign}))
