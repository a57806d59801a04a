"""Verification of one archive: unpack it, put it in fresh boxes, run the table, give all that was seen."""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from farm.errors import BadInput
from farm.store.artifact import Finding
from farm.wire.verification import Checked, Verification
from workers.engine.protocol import BoxSpec
from workers.verify import wheel
from workers.verify.expected import inapplicable
from workers.verify.probe import parcel, probe_files
from workers.verify.subject import BUILDER_PLACE, RUNTIME_PLACE, Subject
from workers.verify.table import TABLE
from workers.verify.unpack import tar_stream, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farm.store.artifact import BuildInfo
    from workers.engine.protocol import Box, Engine, Limits
    from workers.verify.table import Check

    OnLine = Callable[[str], None] | None


@dataclass(frozen=True)
class Images:
    """Where checks run: the pristine base plus the declared run-time packages, and the builder image."""

    runtime: str
    builder: str


def verify(subject: Subject, *, on_line: OnLine = None, without: str = "no container engine") -> Verification:
    """Run every check of the table. Skipped are those that make no sense for this Python, with the reason of their row, and
    those that need a box that is not there, with `without` as the reason.
    """
    checks: list[Checked] = []
    findings: list[Finding] = []
    for check in TABLE:
        senseless = inapplicable(check.id, subject.build.series)
        reason = senseless or ("" if _box_of(check, subject) else without)
        if reason:
            done = Checked(check=check.id, proves=check.proves, where=check.where, skipped=reason, applies=not senseless)
        else:
            done, seen = _timed(check, subject)
            findings.extend(seen)
        checks.append(done)
        if on_line:
            on_line(_told(done, [finding for finding in findings if finding.check == check.id]))
    return Verification(cell=subject.build.cell, archive=subject.archive.name, checks=tuple(checks), findings=tuple(findings))


def verify_archive(
    archive: Path, build: BuildInfo, engine: Engine, images: Images, limits: Limits, on_line: OnLine = None
) -> Verification:
    """Verify an archive file in fresh boxes. A defect of the archive is a finding. Raises Transient when the engine is lost."""
    with _unpacked(archive, build) as bare, ExitStack() as boxes:
        if isinstance(bare, Verification):
            return bare
        runtime = boxes.enter_context(_furnished(engine, BoxSpec(images.runtime, limits), RUNTIME_PLACE, archive))
        builder = boxes.enter_context(_furnished(engine, BoxSpec(images.builder, limits), BUILDER_PLACE, archive))
        return verify(replace(bare, runtime=runtime, builder=builder), on_line=on_line)


def verify_without_boxes(archive: Path, build: BuildInfo, reason: str, on_line: OnLine = None) -> Verification:
    """Look at an archive file without running anything of it; the other checks are skipped for that reason."""
    with _unpacked(archive, build) as bare:
        return bare if isinstance(bare, Verification) else verify(bare, on_line=on_line, without=reason)


@contextmanager
def _unpacked(archive: Path, build: BuildInfo) -> Iterator[Subject | Verification]:
    """The subject without boxes; or the whole verification, when nobody can unpack the archive."""
    with TemporaryDirectory(prefix="farm-verify-") as scratch:
        try:
            unpacked = unpack(archive, Path(scratch))
        except BadInput as problem:
            yield _unreadable(archive, build, problem)
        else:
            yield Subject(archive, unpacked.members, unpacked.tree, build)


@contextmanager
def _furnished(engine: Engine, spec: BoxSpec, place: str, archive: Path) -> Iterator[Box]:
    """A fresh box with the archive unpacked at `place` (by root: its user can only read it), the probes and the wheel."""
    parts = place.split("/")
    folders = ["/".join(parts[: count + 1]) for count in range(len(parts))]
    with engine.box(spec) as box:
        files = {**probe_files(), f"wheels/{wheel.NAME}": wheel.tiny_wheel()}
        box.put("/work", parcel(files, ["probes", "wheels", "scratch", *folders]))
        with tar_stream(archive) as stream:
            box.put(f"/work/{place}", stream)
        yield box


def _box_of(check: Check, subject: Subject) -> bool:
    boxes = {"archive": True, "runtime": subject.runtime is not None, "builder": subject.builder is not None}
    return boxes[check.where]


def _timed(check: Check, subject: Subject) -> tuple[Checked, tuple[Finding, ...]]:
    began = time.monotonic()
    found = check.findings(subject)
    seconds = round(time.monotonic() - began, 3)
    return Checked(check=check.id, proves=check.proves, where=check.where, seconds=seconds), found


def _told(done: Checked, found: list[Finding]) -> str:
    if done.skipped:
        return f"verify {done.check}: skipped: {done.skipped}"
    errors = sum(finding.severity == "error" for finding in found)
    said = f"{errors} errors, {len(found) - errors} other findings" if found else "ok"
    return f"verify {done.check}: {said} ({done.seconds:.1f} s)"


def _unreadable(archive: Path, build: BuildInfo, problem: BadInput) -> Verification:
    first, *rest = TABLE
    finding = Finding(check=first.id, severity="error", message=problem.message, hint=problem.hint)
    skipped = [
        Checked(check=check.id, proves=check.proves, where=check.where, skipped="the archive cannot be unpacked")
        for check in rest
    ]
    checks = (Checked(check=first.id, proves=first.proves, where=first.where), *skipped)
    return Verification(cell=build.cell, archive=archive.name, checks=checks, findings=(finding,))
