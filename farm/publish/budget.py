"""Whether what is published grew too much since the build that users have had until now. The builder cannot see that one."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from farm.errors import VerificationFailed
from farm.publish.tarball import TOP, inspect
from farm.store import catalog, keys
from farm.store.artifact import Artifact
from farm.store.growth import CHECK, Sizes, grown
from farm.store.sink import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from farm.publish.staged import Checked
    from farm.publish.tarball import Contents
    from farm.store.artifact import ArchiveInfo
    from farm.store.protocol import Store

_KIND: Final = "install_only"
_FORM: Final = "tar.gz"


def compared(store: Store, artifact: Artifact, checked: Sequence[Checked]) -> Artifact:
    """The artifact with what was found; as it is when there is no build before it, or none that anybody can read."""
    before = _before(store, artifact)
    ours = next(one for one in checked if (one.info.kind, one.info.format) == (_KIND, _FORM))
    if before is None:
        return artifact
    found = tuple(grown(before, _sizes(ours.info, ours.contents)))
    verified = artifact.verified and artifact.verified.model_copy(
        update={
            "passed": (*(check for check in artifact.verified.passed if check != CHECK), CHECK),
            "without": tuple(check for check in artifact.verified.without if check != CHECK),
        }
    )
    return artifact.model_copy(update={"findings": (*artifact.findings, *found), "verified": verified})


def _before(store: Store, artifact: Artifact) -> Sizes | None:
    earlier = catalog.before(store, catalog.name_of(artifact))
    loaded = earlier and catalog.load(store, earlier.key, Artifact)
    if not earlier or not loaded:
        return None
    info = loaded[0].archive(_KIND, _FORM)
    key = f"{keys.artifact_folder(earlier.cell, earlier.build_id)}/{info.name}"
    with TemporaryDirectory(prefix="farm-publish-") as folder:
        path = Path(folder) / "earlier"
        try:
            there = store.fetch(key, path, Content(info.size, info.sha256))
            return _sizes(info, inspect(path, _FORM)) if there else None
        except VerificationFailed:  # `farm verify-store` says so, and this build cannot help it
            return None


def _sizes(info: ArchiveInfo, contents: Contents) -> Sizes:
    return Sizes(info.size, {name.removeprefix(f"{TOP}/"): size for name, size in contents.files.items()})
