"""The metadata inside the archive is what the build says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from workers.verify.findings import error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_HINT = "the pack step writes it, and nothing may change it after; an archive of others is verified with --like CELL"


def look(subject: Subject) -> Iterator[Finding]:
    """It is there, it parses, and it does not differ from what will be published."""
    try:
        inside = BuildInfo.model_validate_json((subject.tree / BUILD_INFO_PATH).read_bytes())
    except OSError:
        yield error("the archive has no metadata", file=BUILD_INFO_PATH, hint=_HINT)
    except ValidationError as problem:
        yield error(f"the metadata does not fit its schema: {problem.errors()[0]['msg']}", file=BUILD_INFO_PATH, hint=_HINT)
    else:
        differing = [name for name in BuildInfo.model_fields if getattr(inside, name) != getattr(subject.build, name)]
        if differing:
            yield error(
                f"the metadata differs from the build's own in: {', '.join(differing)}", file=BUILD_INFO_PATH, hint=_HINT
            )
