"""What a look at a whole store found, as an operator reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def _kind(severity: str, check: str, found: list[Finding]) -> Iterator[str]:
    yield f"{severity}: {check} ({len(found)})"
    for finding in found[:_SHOWN]:
        yield f"  {finding.file}: {finding.message}" if finding.file else f"  {finding.message}"
    if len(found) > _SHOWN:
        yield f"  … and {len(found) - _SHOWN} more; --json has them all"
    for hint in dict.fromkeys(finding.hint for finding in found if finding.hint):
        yield f"    hint: {hint}"
