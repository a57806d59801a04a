"""Verification of one archive: unpack it, put it in fresh boxes, run the table, give all that was seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from farm.errors import BadInput
from farm.plan.distro_rows import FamilyRow
from farm.store.artifact import Finding
from farm.wire.verification import Checked, Verification
from workers.engine.protocol import Bounds, BoxSpec, Engine, Limits
from workers.verify import trap, wheel
from workers.verify.companions import beside
from workers.verify.expected import inapplicable, sources
from workers.verify.probe import SOURCES, parcel, probe_files
from workers.verify.subject import BUILDER_PLACE, RUNTIME_PLACE, Subject
from workers.verify.table import TABLE
from workers.verify.unpack import tar_stream, unpack
from workers.verify.wheels import FOLDER, wheels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

    from farm.store.artifact import BuildInfo
    from farm.wire.verification import Depth
    from workers.engine.protocol import Box
    from workers.verify.table import Check

    OnLine = Callable[[str], None] | None
    Rows = tuple[Check, ...]


_EMULATED = 4.0  # times as long: what takes seconds takes minutes there, when the machine is busy too


@dataclass(frozen=True)
class Ground:
    """Where checks run: an engine with two images, the pristine base plus the declared run-time packages, and the builder's.

    `family` says how the distro is asked; `labels` and `cancelled` are those of every box (see BoxSpec).
    `sources` are programs to build against it, for the checks that do; `facts` is the operator's own folder of facts.
    `earlier` is an archive of the build before it. `distro` is the builder's image with the distro's own Python of the same
    series, whose executable is `distro_python`; '' where it has none. `stranger`: the archive is not of this farm.
    """

    engine: Engine
    runtime: str
    builder: str
    limits: Limits
    family: FamilyRow
    labels: Mapping[str, str] = field(default_factory=dict)
    cancelled: Callable[[], bool] = bool
    sources: Mapping[str, Path] = field(default_factory=dict)
    facts: Path | None = None
    earlier: Path | None = None
    distro: str = ""
    distro_python: str = ""
    stranger: bool = False

    def box(self, image: str) -> BoxSpec:
        """A box of one of the images."""
        return BoxSpec(image, self.limits, self.labels, self.cancelled)


def verify(
    subject: Subject, *, rows: Rows | None = None, on_line: OnLine = None, without: str = "no container engine"
) -> Verification:
    """Run these checks, else the standard ones. Those that need a box that is not there are skipped, `without` says why."""
    checks: list[Checked] = []
    findings: list[Finding] = []
    for check in of_depth("standard") if rows is None else rows:
        if absent := _absent(check, subject):
            done = Checked(check=check.id, proves=check.proves, where=check.where, without=absent)
        elif _box_of(check, subject) and (missing := _not_had(check, subject)):
            done = Checked(check=check.id, proves=check.proves, where=check.where, skipped=missing)
        elif _box_of(check, subject):
            done, seen = _timed(check, subject)
            findings.extend(seen)
        else:
            done = Checked(check=check.id, proves=check.proves, where=check.where, skipped=without)
        checks.append(done)
        if on_line:
            on_line(_told(done, [finding for finding in findings if finding.check == check.id]))
    return _outcome(subject.build, subject.archive, tuple(checks), tuple(findings))


def verify_archive(
    archive: Path, build: BuildInfo, ground: Ground, on_line: OnLine = None, rows: Rows | None = None
) -> Verification:
    """Verify an archive file in fresh boxes. A defect of the archive is a finding.

    Raises Transient when the engine is lost, and Cancelled as soon as somebody cancels.
    """
    with _unpacked(archive, build, rows, ground.earlier) as bare, ExitStack() as boxes:
        if isinstance(bare, Verification):
            return bare
        if bare.emulated:
            ground = replace(ground, limits=replace(ground.limits, patience=_EMULATED))
        runtime = boxes.enter_context(_furnished(ground, ground.runtime, RUNTIME_PLACE, archive))
        builder = boxes.enter_context(_furnished(ground, ground.builder, BUILDER_PLACE, archive))
        for name, path in ground.sources.items():
            builder.put(SOURCES, parcel({name: path.read_bytes()}))
        names = frozenset(ground.sources)
        furnished = replace(bare, runtime=runtime, builder=builder, family=ground.family, sources=names, overlay=ground.facts)
        furnished = replace(furnished, distro_python=ground.distro_python, stranger=ground.stranger)
        checks = of_depth("standard") if rows is None else rows
        wanted = {check.twin for check in checks if not _absent(check, furnished)}
        twins: dict[str, Box] = {name: boxes.enter_context(_twin(ground, name, furnished)) for name in sorted(wanted) if name}
        furnished = replace(furnished, twins=twins)
        return verify(furnished, rows=rows, on_line=on_line)


def verify_without_boxes(
    archive: Path,
    build: BuildInfo,
    reason: str,
    on_line: OnLine = None,
    rows: Rows | None = None,
    earlier: Path | None = None,
) -> Verification:
    """Look at an archive file without running anything of it; the other checks are skipped for that reason."""
    with _unpacked(archive, build, rows, earlier) as bare:
        return bare if isinstance(bare, Verification) else verify(bare, rows=rows, on_line=on_line, without=reason)


@contextmanager
def _unpacked(
    archive: Path, build: BuildInfo, rows: Rows | None, earlier: Path | None = None
) -> Iterator[Subject | Verification]:
    """The subject without boxes; or the whole verification, when nobody can unpack the archive."""
    with TemporaryDirectory(prefix="farm-verify-") as scratch:
        try:
            unpacked = unpack(archive, Path(scratch))
        except BadInput as problem:
            yield _unreadable(archive, build, problem, rows)
        else:
            yield Subject(archive, unpacked.members, unpacked.tree, build, others=beside(archive), earlier=earlier)


@contextmanager
def _furnished(ground: Ground, image: str, place: str, archive: Path) -> Iterator[Box]:
    """A fresh box with the archive unpacked at `place` (by root: its user can only read it), the probes and the wheel."""
    parts = place.split("/")
    folders = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    with ground.engine.box(ground.box(image)) as box:
        files = {**probe_files(), f"wheels/{wheel.NAME}": wheel.tiny_wheel()}
        box.put("/work", parcel(files, ["probes", "wheels", "sources", "scratch", *folders]))
        with tar_stream(archive) as stream:
            box.put(f"/work/{place}", stream)
        yield box


def _twin(ground: Ground, name: str, subject: Subject) -> AbstractContextManager[Box]:
    """A second box that sees the first one's folder read-only."""
    if name == "sealed":
        return ground.engine.box(replace(ground.box(ground.runtime), sees=subject.runtime))
    if name == "distro":
        return ground.engine.box(replace(ground.box(ground.distro), sees=subject.builder))
    image = trap.IMAGE.format(soname=subject.build.soname, builder=ground.builder.rpartition(":")[2]).lower()
    bounds = Bounds(ground.limits.step_s, ground.limits.silent_s, ground.cancelled)
    ground.engine.build(image, trap.dockerfile(ground.builder, subject.build.soname), bounds=bounds)
    return ground.engine.box(replace(ground.box(image), sees=subject.builder))


def _absent(check: Check, subject: Subject) -> str:
    """What a check is about, and this archive does not have; '' when there is nothing in its way."""
    return next((lack for lack in _lacks(check, subject) if lack), "")


def _lacks(check: Check, subject: Subject) -> Iterator[str]:
    build = subject.build
    yield inapplicable(check.id, build.series, build.distro, subject.overlay)
    if check.ours and subject.stranger:
        yield "it is not of this farm, which wrote no metadata into it"
    if check.needs and not any(kind in subject.others for kind in check.needs):
        yield f"no {' or '.join(check.needs)} archive lies beside it"
    if check.source and check.source not in sources(subject.version):
        yield f"{check.source} knows no Python {build.series}"
    if check.upgrade and subject.earlier is None:
        yield "no earlier build is there to compare with"
    if check.twin == "distro" and not subject.distro_python:
        yield f"{build.distro} has no Python {build.series}{build.abiflags} of its own"
    if check.trial and not wheels(build, subject.version, check.trial):
        yield f"nothing of {check.trial} is for this Python"


def _not_had(check: Check, subject: Subject) -> str:
    """What the check builds or installs, and nobody could fetch; '' when all is there."""
    if check.source and check.source not in subject.sources:
        return f"the source of {check.source} could not be had"
    wanted = [f"{FOLDER}/{name}" for name in wheels(subject.build, subject.version, check.trial)] if check.trial else []
    lacking = [name.rpartition("/")[2] for name in wanted if name not in subject.sources]
    return f"{' and '.join(lacking)} could not be had" if lacking else ""


def _box_of(check: Check, subject: Subject) -> bool:
    boxes = {"archive": True, "runtime": subject.runtime is not None, "builder": subject.builder is not None}
    return boxes[check.where]


def _timed(check: Check, subject: Subject) -> tuple[Checked, tuple[Finding, ...]]:
    began = time.monotonic()
    found = check.findings(subject)
    seconds = round(time.monotonic() - began, 3)
    return Checked(check=check.id, proves=check.proves, where=check.where, seconds=seconds), found


def of_depth(depth: Depth) -> Rows:
    """The rows of the table that make up a depth; 'full' has all."""
    return tuple(check for check in TABLE if check.depth == "standard" or depth == "full")


def _told(done: Checked, found: list[Finding]) -> str:
    if done.skipped or done.without:
        return f"verify {done.check}: skipped: {done.skipped or done.without}"
    errors = sum(finding.severity == "error" for finding in found)
    said = f"{errors} errors, {len(found) - errors} other findings" if found else "ok"
    return f"verify {done.check}: {said} ({done.seconds:.1f} s)"


def matching(patterns: Iterable[str]) -> Rows:
    """The rows of the table whose ids match one of these globs."""
    wanted = tuple(patterns)
    return tuple(check for check in TABLE if any(fnmatchcase(check.id, pattern) for pattern in wanted))


def _unreadable(archive: Path, build: BuildInfo, problem: BadInput, rows: Rows | None) -> Verification:
    first, *rest = rows or of_depth("standard")
    finding = Finding(check=first.id, severity="error", message=problem.message, hint=problem.hint)
    skipped = [
        Checked(check=check.id, proves=check.proves, where=check.where, skipped="the archive cannot be unpacked")
        for check in rest
    ]
    checks = (Checked(check=first.id, proves=first.proves, where=first.where), *skipped)
    return _outcome(build, archive, checks, (finding,))


def _outcome(build: BuildInfo, archive: Path, checks: tuple[Checked, ...], findings: tuple[Finding, ...]) -> Verification:
    return Verification(cell=build.cell, archive=archive.name, optimize=build.optimize, checks=checks, findings=findings)
