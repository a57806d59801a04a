"""All facts as one frozen value: what exists, what it needs and why. `load_facts` reads them once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from farm.errors import BadInput
from farm.plan import distro_rows, rows
from farm.plan.cell import VARIANTS, Cell, Version
from farm.plan.scope import Numbers, Place, Scope
from farm.plan.suggest import did_you_mean
from farm.plan.tables import HINT, Files, Table, checked, laid_over, refuse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from farm.plan.recipe import Optimize


_SEEN = ("packages_dated", "names")  # not inherited: what was seen of one distro says nothing of another


@dataclass(frozen=True)
class Named:
    """What is known of a package's name: a link ('' where no file has one), and a word on it; '' once builds installed it."""

    link: str
    said: str


@dataclass(frozen=True)
class Distro:
    """A distro release: its facts, and the names that rows may call it by: its id and its family."""

    id: str
    facts: distro_rows.DistroFile
    family: distro_rows.FamilyRow

    @cached_property
    def names(self) -> frozenset[str]:
        """What a row's `distros` may call it."""
        return frozenset((self.id, self.facts.family))

    def named(self, package: str) -> Named:
        """Where a package's name was read, and when; else where it can be looked up."""
        return self._read.get(package) or Named(
            self.facts.package_page.format(package=package),
            "" if self.facts.packages_dated else "nobody has looked its name up",
        )

    @cached_property
    def _read(self) -> dict[str, Named]:
        rows = self.facts.names.values()
        return {name: Named(row.link, f"its name was read there on {row.read}") for row in rows for name in row.packages}

    def capabilities(self, place: Place) -> frozenset[str]:
        """What it has packages for at a place whose own capabilities are not known yet."""
        return frozenset(name for name, row in self._provided if row.holds(place))

    @cached_property
    def _provided(self) -> tuple[tuple[str, distro_rows.ProvidesRow], ...]:
        return tuple((name, row) for name, row in self.facts.provides.items() if row.build or row.tools or row.runtime)


@dataclass(frozen=True, eq=False)  # compared by identity, so that it can be the key of a memo
class Facts:
    """Everything we know, by file of `farm/data`, each row by its key in file order."""

    sources: Mapping[str, rows.SourceRow]
    signers: Mapping[str, rows.SignerRow]
    series: Mapping[str, rows.SeriesRow]
    variants: Mapping[str, rows.VariantRow]
    arches: Mapping[str, rows.ArchRow]
    distros: Mapping[str, Distro]
    configure: Mapping[str, rows.ConfigureRow]
    flags: Mapping[str, rows.FlagRow]
    make: Mapping[str, rows.MakeRow]
    environment: Mapping[str, rows.EnvironmentRow]
    cross: Mapping[str, rows.CrossRow]
    capabilities: Mapping[str, rows.CapabilityRow]
    trims: Mapping[str, rows.TrimRow]
    modules: Mapping[str, rows.ModuleRow]
    linked: Mapping[str, rows.LinkedRow]
    rejected: Mapping[str, rows.RejectedRow]
    scrub: Mapping[str, rows.ScrubRow]
    patches: Mapping[str, rows.PatchRow]
    libraries: Mapping[str, rows.LibraryRow]
    impossible: Mapping[str, rows.ImpossibleRow]
    costs: Mapping[str, rows.CostRow]

    @cached_property
    def versions(self) -> tuple[Version, ...]:
        """Every version that we have a source for, oldest first."""
        return tuple(sorted((Version.parse(text) for text in self.sources), key=lambda version: version.key))

    def newest(self, series: str) -> Version | None:
        """What a series means: its newest release, or its newest prerelease if it has nothing else."""
        known = [version for version in self.versions if version.series == series]
        return max(known, key=lambda version: (not version.pre, version.key), default=None)

    def place(self, cell: Cell, optimize: Optimize) -> Place:
        """Where rows are asked whether they hold. The same for cells for which all rows answer alike."""
        key = self._eras[cell.python], cell.distro, cell.arch, cell.variant, optimize
        if key not in self._places:
            self._places[key] = self._place(*key)
        return self._places[key]

    def _place(self, version: Numbers, distro_name: str, arch: str, variant: str, optimize: Optimize) -> Place:
        distro = self.distros[distro_name]
        place = Place(
            version=version,
            distro=distro.names,
            capabilities=frozenset(),
            openssl=distro.facts.openssl,
            gcc=distro.facts.gcc,
            arch=arch,
            variant=variant,
            optimize=optimize,
        )
        held = {name for name, row in self.capabilities.items() if row.holds(place)}
        return replace(place, capabilities=distro.capabilities(place) & held)

    @cached_property
    def _places(self) -> dict[tuple[Numbers, str, str, str, Optimize], Place]:
        """What was answered before: thousands of cells are at a few places."""
        return {}

    @cached_property
    def _eras(self) -> dict[Version, Numbers]:
        """For each version the first one of its series that no row tells apart from it."""
        bounds = {bound for _, scopes in _scopes(self) for row in scopes.values() for bound in row.bounds()}
        firsts: dict[tuple[object, ...], Numbers] = {}
        eras = {}
        for version in self.versions:
            numbers = (version.major, version.minor, version.patch)
            answers = tuple((numbers[: len(bound)] > bound) - (numbers[: len(bound)] < bound) for bound in bounds)
            eras[version] = firsts.setdefault((version.series, answers), numbers)
        return eras

    def triple(self, cell: Cell) -> str:
        """The GNU triple of the cell, e.g. 'x86_64-unknown-linux-gnu'."""
        return f"{self.arches[cell.arch].cpu}-unknown-linux-{self.distros[cell.distro].facts.libc}"

    def check(self, cell: Cell) -> None:
        """Raises BadInput when a name in the cell is none that we have facts for."""
        for kind, name, known in (
            ("source for Python", str(cell.python), self.sources),
            ("distro", cell.distro, self.distros),
            ("arch", cell.arch, self.arches),
            ("variant", cell.variant, self.variants),
        ):
            if name not in known:
                raise BadInput(f"{cell}: there are no facts for {kind} '{name}'{did_you_mean(name, known)}", hint=HINT)


def load_facts(overlay: Path | None = None) -> Facts:
    """Our facts with the operator's folder laid over them. Raises BadInput naming file, row and key of every mistake."""
    if overlay and not overlay.is_dir():
        raise BadInput(f"the facts folder {overlay} does not exist", hint="correct FARM_FACTS or 'facts' in farm.toml")
    files = Files(overlay)
    facts = Facts(
        sources=files.rows("sources.toml", rows.SourceRow),
        signers=files.rows("signers.toml", rows.SignerRow),
        series=files.rows("pythons.toml", rows.SeriesRow),
        variants=files.rows("variants.toml", rows.VariantRow),
        arches=files.rows("arches.toml", rows.ArchRow),
        distros=_distros(files),
        configure=files.rows("configure.toml", rows.ConfigureRow),
        flags=files.rows("flags.toml", rows.FlagRow),
        make=files.rows("make.toml", rows.MakeRow),
        environment=files.rows("environment.toml", rows.EnvironmentRow),
        cross=files.rows("cross.toml", rows.CrossRow),
        capabilities=files.rows("capabilities.toml", rows.CapabilityRow),
        trims=files.rows("trim.toml", rows.TrimRow),
        modules=files.rows("modules.toml", rows.ModuleRow),
        linked=files.rows("linked.toml", rows.LinkedRow),
        rejected=files.rows("rejected.toml", rows.RejectedRow),
        scrub=files.rows("scrub.toml", rows.ScrubRow),
        patches=files.rows("patches.toml", rows.PatchRow),
        libraries=files.rows("libraries.toml", rows.LibraryRow),
        impossible=files.rows("impossible.toml", rows.ImpossibleRow),
        costs=files.rows("costs.toml", rows.CostRow),
    )
    refuse([*_unknown_names(facts), *_unknown_series(facts), *_unknown_capabilities(facts)])
    return facts


def _distros(files: Files) -> dict[str, Distro]:
    families = files.rows("families.toml", distro_rows.FamilyRow)
    return {name: _distro(files, name, families) for name in files.distro_names()}


def _distro(files: Files, name: str, families: Mapping[str, distro_rows.FamilyRow]) -> Distro:
    label = files.label(f"distros/{name}.toml")
    facts = checked(label, {name: _inherited(files, name, ())}, distro_rows.DistroFile)[name]
    if facts.family not in families:
        raise BadInput(
            f"{label}: key 'family': no row '{facts.family}' in families.toml{did_you_mean(facts.family, families)}", hint=HINT
        )
    return Distro(name, facts, families[facts.family])


def _inherited(files: Files, name: str, heirs: tuple[str, ...]) -> Table:
    """The distro's tables over those of the distros that it inherits from."""
    if name in heirs:
        raise BadInput(f"distros/{name}.toml: inherits from itself through {' -> '.join(heirs)}", hint=HINT)
    table = files.distro(name)
    parent = table.get("inherits", "")
    if not parent:
        return table
    if parent not in files.distro_names():
        near = did_you_mean(str(parent), files.distro_names())
        raise BadInput(f"{files.label(f'distros/{name}.toml')}: key 'inherits': no distro '{parent}'{near}", hint=HINT)
    theirs = _inherited(files, parent, (*heirs, name))
    return laid_over({key: value for key, value in theirs.items() if key not in _SEEN}, table)


def _unknown_names(facts: Facts) -> Iterator[str]:
    """Rows whose limits name a distro, arch or variant that is none: such a row would silently never hold."""
    distros = {name for distro in facts.distros.values() for name in distro.names}
    for file, scopes in _scopes(facts):
        for key, row in scopes.items():
            for limit, names, known in (
                ("distros", row.distros, distros),
                ("arches", row.arches, set(facts.arches)),
                ("variants", row.variants, set(VARIANTS)),
                ("given", row.given, set(facts.capabilities)),
                ("lacking", row.lacking, set(facts.capabilities)),
            ):
                for name in set(names) - known:
                    yield f"{file}: row '{key}': key '{limit}': no such name '{name}'{did_you_mean(name, sorted(known))}"


def _scopes(facts: Facts) -> Iterable[tuple[str, Mapping[str, Scope]]]:
    return (
        ("configure.toml", facts.configure),
        ("flags.toml", facts.flags),
        ("make.toml", facts.make),
        ("environment.toml", facts.environment),
        ("cross.toml", facts.cross),
        ("capabilities.toml", facts.capabilities),
        ("trim.toml", facts.trims),
        ("modules.toml", facts.modules),
        ("linked.toml", facts.linked),
        ("rejected.toml", facts.rejected),
        ("scrub.toml", facts.scrub),
        ("patches.toml", facts.patches),
        ("libraries.toml", facts.libraries),
        ("impossible.toml", facts.impossible),
        ("costs.toml", facts.costs),
        *((f"distros/{name}.toml", distro.facts.provides) for name, distro in facts.distros.items()),
    )


def _unknown_series(facts: Facts) -> Iterator[str]:
    for text in facts.sources:
        try:
            series = Version.parse(text).series
        except BadInput as error:
            yield f"sources.toml: row '{text}': {error.message}"
            continue
        if series not in facts.series:
            yield f"sources.toml: row '{text}': pythons.toml has no row '{series}'"


def _unknown_capabilities(facts: Facts) -> Iterator[str]:
    for name, distro in facts.distros.items():
        for capability in distro.facts.provides:
            if capability not in facts.capabilities:
                near = did_you_mean(capability, facts.capabilities)
                yield f"distros/{name}.toml: provides '{capability}', which capabilities.toml does not have{near}"
        for capability in facts.capabilities.keys() - distro.facts.provides.keys():
            yield f"distros/{name}.toml: does not say how it provides '{capability}' (an empty table if it does not)"
