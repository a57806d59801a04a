"""Packages of a cell: what to install to build it, what it needs to run, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.plan import distro_rows, rows
from farm.plan.recipe import Advice, RuntimePackage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from farm.plan.facts import Distro
    from farm.plan.scope import Place


@dataclass(frozen=True)
class Reason:
    """Why a package is there."""

    subject: str
    value: str
    why: str
    link: str


@dataclass(frozen=True)
class Packages:
    """Packages to build with (sorted) and to run with, a reason for each, and what is said where optional ones are missing."""

    build: tuple[str, ...]
    runtime: tuple[RuntimePackage, ...]
    reasons: tuple[Reason, ...]
    advice: tuple[Advice, ...]
    missing: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Need:
    """A run-time package as one capability needs it."""

    name: str
    modules: tuple[str, ...]
    sonames: tuple[str, ...]
    optional: bool


@dataclass(frozen=True)
class _Capability:
    """A capability that holds here, with the distro's packages for it."""

    row: rows.CapabilityRow
    needs: tuple[_Need, ...]


def packages(distro: Distro, capabilities: Mapping[str, rows.CapabilityRow], place: Place) -> Packages:
    """What to run with: the packages of all capabilities that hold at this place.

    What to build with: the distro's toolchain and the packages of all its capabilities on this arch, so that one builder
    image, and so one set of inputs, serves every Python on it.
    """
    found = [_capability(row, distro.facts.provides[key], place) for key, row in capabilities.items() if row.holds(place)]
    everything = {name for provides in distro.facts.provides.values() for name in provides.built_with(place.arch)}
    build = sorted({*distro.facts.toolchain, *everything})
    runtime = _merged(need for capability in found for need in capability.needs)
    reasons = (*_build_reasons(distro, capabilities, place.arch), *_runtime_reasons(distro, found, runtime))
    sayings = [(capability, _saying(capability, distro.family.advise)) for capability in found]
    advice = [one for capability, saying in sayings for one in _advice(capability, saying, place)]
    missing = [(module, saying) for capability, saying in sayings if saying for module in _modules(capability.row, place)]
    return Packages(tuple(build), runtime, reasons, tuple(advice), tuple(sorted(missing)))


def _capability(row: rows.CapabilityRow, provides: distro_rows.ProvidesRow, place: Place) -> _Capability:
    if not provides.holds(place):
        return _Capability(row, ())
    modules = _modules(row, place)
    needs = tuple(
        _Need(package.name, package.modules or modules, package.sonames, row.optional)
        for package in provides.runtime
        if package.holds(place)
    )
    return _Capability(row, needs)


def _modules(row: rows.CapabilityRow, place: Place) -> tuple[str, ...]:
    return tuple(module.name for module in row.modules if module.holds(place))


def _saying(capability: _Capability, advise: str) -> str:
    """What is said where a capability's optional packages are not there; '' when it has none."""
    names = sorted(need.name for need in capability.needs if need.optional)
    return f"it needs packages that are optional: {advise.format(packages=' '.join(names))}" if names else ""


def _advice(capability: _Capability, saying: str, place: Place) -> Iterator[Advice]:
    """One for each file that stands for an optional capability."""
    modules = _modules(capability.row, place)
    for front in capability.row.fronts:
        if front.holds(place) and modules and saying:
            yield Advice(front.file, modules[0], saying)


def _merged(needs: Iterable[_Need]) -> tuple[RuntimePackage, ...]:
    """One entry a package. It is optional only if everything that needs it is."""
    by_name: dict[str, list[_Need]] = {}
    for need in needs:
        by_name.setdefault(need.name, []).append(need)
    return tuple(
        RuntimePackage(
            name,
            modules=tuple(sorted({module for need in same for module in need.modules})),
            sonames=tuple(sorted({soname for need in same for soname in need.sonames})),
            optional=all(need.optional for need in same),
        )
        for name, same in sorted(by_name.items())
    )


def _build_reasons(distro: Distro, capabilities: Mapping[str, rows.CapabilityRow], arch: str) -> Iterator[Reason]:
    for name in distro.facts.toolchain:
        yield _reason("package to build", name, distro.facts.toolchain_why, distro)
    for key, row in capabilities.items():
        for name in distro.facts.provides[key].built_with(arch):
            yield _reason("package to build", name, row.why, distro, row.link)


def _runtime_reasons(distro: Distro, found: Iterable[_Capability], runtime: tuple[RuntimePackage, ...]) -> Iterator[Reason]:
    found = tuple(found)
    for package in runtime:
        whys = [capability.row for capability in found if any(need.name == package.name for need in capability.needs)]
        subject = "package to run, optional" if package.optional else "package to run"
        why = "; ".join(dict.fromkeys(row.why for row in whys))
        yield _reason(subject, package.name, why, distro, whys[0].link)


def _reason(subject: str, name: str, why: str, distro: Distro, link: str = "") -> Reason:
    """With what is known of the package's name."""
    named = distro.named(name)
    return Reason(subject, name, "; ".join(filter(None, (why, named.said))), named.link or link)
