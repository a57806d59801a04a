"""What a look at a whole store found, as an operator reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.audit.collect import Garbage
    from farm.audit.survey import Survey
    from farm.store.artifact import Finding

_SHOWN = 20  # of one kind: a store that was copied to another address has thousands of them
_ORDER = ("error", "warning", "note")


def lines(survey: Survey) -> Iterator[str]:
    """Every finding, the worst first, and the verdict."""
    for severity in _ORDER:
        kinds: dict[str, list[Finding]] = {}
        for finding in survey.findings:
            if finding.severity == severity:
                kinds.setdefault(finding.check, []).append(finding)
        for check, found in kinds.items():
            yield from _kind(severity, check, found)
    yield verdict(survey)


def verdict(survey: Survey) -> str:
    """One sentence: what was looked at, and how it was."""
    size = sum(stat.size for stat in survey.stats.values()) / (1 << 20)
    read = "every archive read" if survey.against.deep else "sizes compared, no archive read"
    looked = f"{len(survey.entries)} build(s), {survey.archives} archive(s), {len(survey.stats)} objects, {size:.0f} MiB"
    others = len(survey.findings) - survey.errors
    return f"{survey.store.name}: {survey.errors} error(s), {others} other finding(s) in {looked} ({read})"


def data(survey: Survey) -> dict[str, object]:
    """The same for programs."""
    return {
        "store": survey.store.name,
        "builds": len(survey.entries),
        "archives": survey.archives,
        "objects": len(survey.stats),
        "bytes": sum(stat.size for stat in survey.stats.values()),
        "archives_read": survey.against.deep,
        "errors": survey.errors,
        "findings": [finding.model_dump(mode="json") for finding in survey.findings],
    }


def garbage_lines(garbage: Garbage, *, done: bool) -> Iterator[str]:
    """What `farm gc` did, or would do."""
    for build in garbage.retire:
        does = "no longer lists" if done else "would no longer list"
        yield f"{does} {build.cell}, build {build.build_id}, in {build.channel}"
    reasons: dict[str, list[str]] = {}
    for key, why in garbage.drop.items():
        reasons.setdefault(why, []).append(key)
    for why, found in reasons.items():
        yield f"{'removed' if done else 'would remove'} {_amount(garbage, found)}: {why}"
    condemned = [key for doomed in garbage.condemn.values() for key in doomed.files]
    if condemned:
        does = "condemned" if done else "would condemn"
        yield f"{does} {_amount(garbage, condemned)}: a run after the grace time removes them"
    if garbage.waiting:
        yield f"{_amount(garbage, list(garbage.waiting))} condemned before wait for the end of their grace time"
    if not (garbage.retire or garbage.drop or condemned):
        yield "nothing to do"
    elif not done:
        yield "nothing was changed: --apply does it"


def garbage_data(garbage: Garbage, *, done: bool) -> dict[str, object]:
    """The same for programs."""
    return {
        "done": done,
        "retired": [{"cell": str(each.cell), "build_id": each.build_id, "channel": each.channel} for each in garbage.retire],
        "removed": [{"key": key, "why": why} for key, why in garbage.drop.items()],
        "removed_bytes": garbage.size(garbage.drop),
        "condemned": sorted(key for doomed in garbage.condemn.values() for key in doomed.files),
        "waiting": sorted(garbage.waiting),
    }


def _amount(garbage: Garbage, found: list[str]) -> str:
    return f"{len(found)} object(s), {garbage.size(found) / (1 << 20):.1f} MiB"


def _kind(severity: str, check: str, found: list[Finding]) -> Iterator[str]:
    yield f"{severity}: {check} ({len(found)})"
    for finding in found[:_SHOWN]:
        yield f"  {finding.file}: {finding.message}" if finding.file else f"  {finding.message}"
    if len(found) > _SHOWN:
        yield f"  … and {len(found) - _SHOWN} more; --json has them all"
    for hint in dict.fromkeys(finding.hint for finding in found if finding.hint):
        yield f"    hint: {hint}"
