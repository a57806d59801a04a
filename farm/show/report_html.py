"""What a verification saw, as one HTML page that needs nothing else. Pure: values in, text out."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from farm.show.report import PLACES, subject, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from farm.wire.verification import Checked, Verification

_STYLE = (
    "body{font:15px/1.4 sans-serif;max-width:70em;margin:2em auto;padding:0 1em}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3em .6em;"
    "border-bottom:1px solid #ccc}code{white-space:pre-wrap;overflow-wrap:anywhere}"
    ".ok{color:#176117}.error{color:#a00;font-weight:bold}.warning{color:#8a5a00}.note,.skipped{color:#555}"
)
_WORST = ("error", "warning", "note")


def page(outcome: Verification) -> str:
    """The whole report: the verdict, then every check with what it saw."""
    title = f"{escape(outcome.archive)} ({escape(subject(outcome))})"
    rows = "\n".join(_row(check, outcome) for check in outcome.checks)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style></head>\n'
        f"<body><h1>{title}</h1><p>{escape(verdict(outcome))}</p>\n<table><thead><tr><th>Check</th><th>Where</th>"
        f"<th>Proves</th><th>Seen</th><th>Seconds</th></tr></thead><tbody>\n{rows}\n</tbody></table></body></html>\n"
    )


def _row(check: Checked, outcome: Verification) -> str:
    found = [finding for finding in outcome.findings if finding.check == check.check]
    reason = check.skipped or check.without
    worst = "skipped" if reason else next((level for level in _WORST if any(f.severity == level for f in found)), "ok")
    seen = f"<span class={worst}>{worst}</span>" + (f": {escape(reason)}" if reason else "") + "".join(map(_finding, found))
    cells = (f"<code>{escape(check.check)}</code>", escape(PLACES[check.where]), escape(check.proves), seen)
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in (*cells, "" if reason else f"{check.seconds:.1f}")) + "</tr>"


def _finding(finding: Finding) -> str:
    return f"<p class={finding.severity}>{'<br>'.join(escape(line) for line in _lines(finding))}</p>"


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.file}: {finding.message}" if finding.file else finding.message
    if finding.hint:
        yield f"hint: {finding.hint}"
