"""How a check says what it saw and, if that is more than a note, what to look at or to do.

The table fills in the check's id, so that an id stands in one place only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.store.artifact import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_SHOWN = 6


def seen(severity: Severity, message: str, *, file: str = "", hint: str = "") -> Finding:
    """A finding of the check that is running."""
    return Finding(check="", severity=severity, message=message, file=file, hint=hint)


def error(message: str, *, hint: str, file: str = "") -> Finding:
    """A finding that stops publication."""
    return seen("error", message, file=file, hint=hint)


def warning(message: str, *, hint: str, file: str = "") -> Finding:
    """A finding that an operator should know, and that stops nothing."""
    return seen("warning", message, file=file, hint=hint)


def shared_by(message: str, files: Iterable[str], *, hint: str, severity: Severity = "error") -> Iterator[Finding]:
    """One finding for all files with the same defect (eighty extension modules mostly share one cause); none without files."""
    names = sorted(files)
    if not names:
        return
    if len(names) == 1:
        yield seen(severity, message, file=names[0], hint=hint)
        return
    rest = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    yield seen(severity, f"{message} ({len(names)} files: {', '.join(names[:_SHOWN])}{rest})", file=names[0], hint=hint)


def quoted(output: str, lines: int = 6) -> str:
    """The last lines of a command's output, for a message."""
    return " | ".join(line.strip() for line in output.strip().splitlines()[-lines:] if line.strip())[-800:]
