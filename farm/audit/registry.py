"""The store as a container registry: every image that a listed build should have is there, and every name is its content's."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from farm.index import oci
from farm.store import keys

if TYPE_CHECKING:
    from farm.audit.survey import Survey

_REPAIR = "`farm verify-store --repair` writes it anew"
_NAMED_BY_CONTENT = (keys.oci_blob("sha256:"), keys.oci_manifest("sha256:"))


def look(survey: Survey) -> None:
    """Images first, then what every name says of its content."""
    for known, entry in survey.entries.items():
        if known in survey.damaged or known in survey.yanked or (image := oci.image(entry)) is None:
            continue
        for key in (
            keys.oci_blob(f"sha256:{image.layer.sha256}"),
            keys.oci_blob(oci.digest(image.config)),
            keys.oci_manifest(oci.digest(image.manifest)),
        ):
            survey.named.add(key)
            if survey.stat(key) is None:
                survey.say("error", "registry.missing", key, f"it is part of the image of {' build '.join(known)}", _REPAIR)
    if survey.against.deep:
        for prefix in _NAMED_BY_CONTENT:
            for stat in survey.under(prefix):
                _content(survey, stat.key)


def _content(survey: Survey, key: str) -> None:
    with tempfile.TemporaryDirectory(prefix="farm-audit-") as folder:
        path = Path(folder) / "blob"
        if not survey.store.fetch(key, path):
            return
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    if not key.endswith(f"sha256:{sha256}"):
        survey.say("error", "registry.sha256", key, f"its sha256 is {sha256}", _REPAIR)
