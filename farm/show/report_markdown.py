"""What verifications saw, as Markdown for a folder of docs: one alone, or several side by side. Pure: values in, text out."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from farm.show.report import PLACES, subject, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from farm.store.artifact import Finding
    from farm.wire.verification import Checked, Verification

_WORST = ("error", "warning", "note")
_LONG = 400  # characters of a finding beside others


def page(outcome: Verification) -> str:
    """The whole report: the verdict, then every check with what it saw."""
    return "\n".join(_page(outcome)) + "\n"


def _page(outcome: Verification) -> Iterator[str]:
    yield from (f"# {outcome.archive}", "", f"`farm verify` of {subject(outcome)}: {verdict(outcome)}.")
    for where, checks in groupby(outcome.checks, key=lambda check: check.where):
        yield from ("", f"## {PLACES[where].capitalize()}", "", "| check | proves | seen | seconds |", "|---|---|---|---|")
        for check in checks:
            found = _found(outcome, check.check)
            seen = " <br> ".join([_word(check, found), *map(_told, found)])
            seconds = "" if check.skipped or check.without else f"{check.seconds:.1f}"
            yield f"| `{check.check}` | {_cell(check.proves)} | {seen} | {seconds} |"


def side_by_side(outcomes: Sequence[tuple[str, Verification]]) -> str:
    """A table of checks by Python, then what each of them lacks."""
    return "\n".join(_side_by_side(outcomes)) + "\n"


def _side_by_side(outcomes: Sequence[tuple[str, Verification]]) -> Iterator[str]:
    yield from ("# Side by side", "")
    yield "Written by `farm compare` from the outcomes of `farm verify --json`, never by hand: the same checks on each Python."
    yield ""
    yield from (
        f"- **{_cell(name)}**: {_cell(outcome.archive)} ({subject(outcome)}): {verdict(outcome)}" for name, outcome in outcomes
    )
    checks = {check.check: check for _, outcome in outcomes for check in outcome.checks}
    yield from (
        "",
        f"| check | proves | {' | '.join(_cell(name) for name, _ in outcomes)} |",
        "|---|---|" + "---|" * len(outcomes),
    )
    for name, check in checks.items():
        words = (_of(outcome, name) for _, outcome in outcomes)
        yield f"| `{name}` | {_cell(check.proves)} | {' | '.join(words)} |"
    for name, outcome in outcomes:
        yield from ("", f"## What {name} lacks", "")
        errors = [finding for finding in outcome.findings if finding.severity == "error"]
        yield from (f"- `{finding.check}`: {_shortened(_said(finding))}" for finding in errors)
        if not errors:
            yield "Nothing that a check looks at."


def _of(outcome: Verification, name: str) -> str:
    check = next((check for check in outcome.checks if check.check == name), None)
    return _word(check, _found(outcome, name)) if check else "-"


def _found(outcome: Verification, check: str) -> list[Finding]:
    return [finding for finding in outcome.findings if finding.check == check]


def _word(check: Checked, found: list[Finding]) -> str:
    if check.skipped:
        return f"skipped: {_cell(check.skipped)}"
    if check.without:
        return f"- {_cell(check.without)}"
    for level in _WORST:
        if count := sum(finding.severity == level for finding in found):
            return (
                f"**{count} {level}{'s' if count > 1 else ''}**"
                if level == "error"
                else f"{count} {level}{'s' if count > 1 else ''}"
            )
    return "ok"


def _told(finding: Finding) -> str:
    hint = f" ({_cell(finding.hint)})" if finding.hint else ""
    return f"{finding.severity}: {_cell(_said(finding))}{hint}"


def _said(finding: Finding) -> str:
    return f"{finding.file}: {finding.message}" if finding.file else finding.message


def _shortened(text: str) -> str:
    return _cell(text if len(text) <= _LONG else f"{text[:_LONG]} …")


def _cell(text: str) -> str:
    """Text that stays within a table's cell, and is no markup."""
    plain = " ".join(text.split())
    for mark in ("\\", "|", "<", ">", "*", "_", "`"):
        plain = plain.replace(mark, f"\\{mark}")
    return plain
