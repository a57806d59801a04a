"""The published builds: what the catalog says, the files that it speaks of, and who signed for them."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from farm.audit.survey import sha256_of
from farm.errors import FarmError, VerificationFailed
from farm.plan.cell import Cell
from farm.publish.tarball import inspect
from farm.sign import envelope
from farm.store import catalog, keys
from farm.store.artifact import Artifact, BuildInfo, Yank

if TYPE_CHECKING:
    from farm.audit.survey import Survey
    from farm.index.model import Entry
    from farm.store.artifact import ArchiveInfo, Beside
    from farm.store.keys import Published

_RESTORE = "restore it from a copy of the store, or `farm yank` the build and `farm submit` its cell again"
_REPAIR = "`farm verify-store --repair` writes it anew"


def look(survey: Survey) -> None:
    """Every build of the catalog, and the marks of yanked ones."""
    for build in catalog.published(survey.store):
        look_at(survey, build)
    for stat in survey.under(keys.yanks()):
        _, cell, name = stat.key.split("/")
        survey.named.add(stat.key)
        try:
            mark = catalog.load(survey.store, stat.key, Yank)
        except FarmError as error:
            survey.say("error", "yank.unreadable", stat.key, error.message, "`farm yank` the build again")
            continue
        survey.yanked[cell, name.removesuffix(".json")] = mark[0].reason if mark else ""
        if (cell, name.removesuffix(".json")) not in survey.entries:
            survey.say("note", "yank.unknown", stat.key, "no such build is published")


def look_at(survey: Survey, build: Published) -> None:
    """One entry of the catalog; the files of its build are read once, however many channels list it."""
    survey.named.add(build.key)
    try:
        artifact = catalog.artifact(survey.store, build)
        named = catalog.name_of(artifact)
        entry = survey.against.entry_of(artifact)
    except (FarmError, LookupError, ValueError) as error:
        said = error.message if isinstance(error, FarmError) else f"{type(error).__name__}: {error}"
        survey.say("error", "catalog.unreadable", build.key, said, _REPAIR)
        return
    if named != build:
        survey.say("error", "catalog.name", build.key, f"it is the metadata of {named.key}", _REPAIR)
        return
    survey.builds.append(build)
    known = str(build.cell), build.build_id
    if known not in survey.entries:
        survey.entries[known] = entry
        _files(survey, artifact, entry)
    _metadata(survey, build, artifact, entry)


def _metadata(survey: Survey, build: Published, artifact: Artifact, entry: Entry) -> None:
    data = survey.content(entry.metadata)
    if data is None:
        survey.say("error", "metadata.missing", entry.metadata, f"it is named by {build.key}", _REPAIR)
        return
    try:
        beside = Artifact.model_validate_json(data)
    except ValidationError as error:
        survey.say("error", "metadata.unreadable", entry.metadata, error.errors()[0]["msg"], _REPAIR)
        return
    if beside.model_copy(update={"channel": build.channel}) != artifact:
        survey.say("error", "metadata.differs", entry.metadata, f"{build.key} says something else", _RESTORE)


def _files(survey: Survey, artifact: Artifact, entry: Entry) -> None:
    folder = keys.artifact_folder(Cell.parse(entry.cell), entry.build_id)
    for info in artifact.archives:
        key = f"{folder}/{info.name}"
        survey.named.add(key)
        survey.archives += 1
        if not _archive(survey, key, info, artifact.build):
            survey.damaged.add((entry.cell, entry.build_id))
        if survey.content(f"{key}.sha256") != f"{info.sha256}  {info.name}\n".encode():
            survey.say("error", "archive.sums", f"{key}.sha256", "it does not say what the metadata says", _REPAIR)
    _sbom(survey, f"{entry.metadata.removesuffix('.json')}.spdx.json", artifact)
    _provenance(survey, f"{entry.metadata.removesuffix('.json')}.intoto.json", artifact)


def _archive(survey: Survey, key: str, info: ArchiveInfo, build: BuildInfo) -> bool:
    stat = survey.stat(key)
    if stat is None:
        survey.say("error", "archive.missing", key, "the metadata names it", _RESTORE)
    elif stat.size != info.size:
        survey.say("error", "archive.size", key, f"it has {stat.size} bytes, and the metadata says {info.size}", _RESTORE)
    elif survey.against.deep:
        return _read(survey, key, info, build)
    else:
        return True
    return False


def _read(survey: Survey, key: str, info: ArchiveInfo, build: BuildInfo) -> bool:
    with tempfile.TemporaryDirectory(prefix="farm-audit-") as folder:
        path = Path(folder) / info.name
        if not survey.store.fetch(key, path):
            survey.say("error", "archive.missing", key, "it left the store while it was looked at", _RESTORE)
            return False
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != info.sha256:
            survey.say("error", "archive.sha256", key, f"its sha256 is {sha256}, and the metadata says {info.sha256}", _RESTORE)
            return False
        try:
            contents = inspect(path, info.format)
            inside = BuildInfo.model_validate_json(contents.build_info or b"")
        except (VerificationFailed, ValidationError) as error:
            said = error.message if isinstance(error, VerificationFailed) else "its own metadata cannot be read"
            survey.say("error", "archive.content", key, said, _RESTORE)
            return False
    if (contents.tar_sha256, inside) != (info.tar_sha256, build):
        survey.say("error", "archive.content", key, "its tar, or the metadata inside, is not what the metadata says", _RESTORE)
        return False
    return True


def _absent(survey: Survey, key: str, kind: Beside, artifact: Artifact) -> None:
    """A file that is not there: damage where the build's metadata says that it was written."""
    if kind in (artifact.beside or ()):
        survey.say("error", f"{kind}.missing", key, "it was written when the build was published", _RESTORE)
    elif kind == "sbom" or survey.under(keys.public_keys()):  # without a key in the store nothing was ever signed
        lost = ", or lost it: its metadata is too old to say" if artifact.beside is None else ""
        survey.say("note", f"{kind}.missing", key, f"the build was published without one{lost}")


def _sbom(survey: Survey, key: str, artifact: Artifact) -> None:
    data = survey.content(key)
    if data is None:
        _absent(survey, key, "sbom", artifact)
        return
    try:
        sums = {each["checksumValue"] for package in json.loads(data)["packages"] for each in package.get("checksums", ())}
    except (ValueError, KeyError, TypeError, AttributeError):
        survey.say("error", "sbom.unreadable", key, "it is no SPDX document", _RESTORE)
        return
    if not {info.sha256 for info in artifact.archives} <= sums:
        survey.say("error", "sbom.differs", key, "it speaks of other archives", _RESTORE)


def _provenance(survey: Survey, key: str, artifact: Artifact) -> None:
    data = survey.content(key)
    if data is None:
        _absent(survey, key, "provenance", artifact)
        return
    try:
        payload = envelope.unseal(key, data, envelope.STATEMENT, survey.against.trusted)
        statement = json.loads(payload)
        subjects = {each["name"]: each["digest"]["sha256"] for each in statement["subject"]}
        beside = {each["name"]: each["digest"]["sha256"] for each in statement["predicate"]["runDetails"].get("byproducts", ())}
    except VerificationFailed as error:
        survey.say("error", "provenance.signature", key, error.message, error.hint)
        return
    except (ValueError, KeyError, TypeError):
        survey.say("error", "provenance.unreadable", key, "it is signed, and no in-toto statement", _RESTORE)
        return
    if subjects != {info.name: info.sha256 for info in artifact.archives}:
        survey.say("error", "provenance.subject", key, "it speaks of other archives", _RESTORE)
    for name, sha256 in beside.items():
        data = survey.content(f"{key.rpartition('/')[0]}/{name}")
        if data is None or sha256_of(data) != sha256:
            survey.say("error", "provenance.byproduct", key, f"{name} is not what was signed", _RESTORE)
