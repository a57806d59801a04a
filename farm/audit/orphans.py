"""What lies in a store and nothing names: left by publishers that were cut off, or no farm's at all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from farm.store import keys

if TYPE_CHECKING:
    from farm.audit.survey import Survey

_GC = "`farm gc` removes it when its time has come"
_ARTIFACTS = "artifacts/"


def look(survey: Survey) -> None:
    """Every object has its place, and every file of a build or channel is named by something."""
    kept: Counter[str] = Counter()
    for key in survey.stats:
        if key.partition("/")[0] not in keys.PLACES:
            survey.say("warning", "orphan.unknown", key, "no farm writes such an object", "look who else writes there")
        elif key not in survey.named:
            kept[_expected(key) or _said(survey, key)] += 1
    del kept[""]
    for what, count in sorted(kept.items()):
        survey.say("note", "orphan.kept", "", f"{count} {what}", _GC)


def _expected(key: str) -> str:
    """What kind of thing it is, where it is no surprise that nothing names it; else ''."""
    if keys.is_shard(key):
        return "older shards of indexes"
    if key.startswith("staging/"):
        return "staged files"
    if key.startswith("v2/") and "/sha256:" in key:
        return "registry objects of earlier tags and builds"
    return ""


def _said(survey: Survey, key: str) -> str:
    """A finding of its own, and ''."""
    if key.startswith(_ARTIFACTS):
        survey.say("note" if survey.young(key) else "warning", "orphan.artifact", key, "no published build has it", _GC)
    elif key.startswith(keys.catalog()):
        if keys.Published.parse(key) is None:
            survey.say("warning", "orphan.catalog", key, "its name is no build's", "look who else writes there")
    elif key.startswith((keys.channels(), "v2/")) and not survey.young(key):
        survey.say("note", "orphan.file", key, "no client's file has this name (any more)", _GC)
    return ""
