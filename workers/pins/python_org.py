"""Releases in python.org's own list, which tells the sha256 of each file, and where its sigstore bundle is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from pydantic import BaseModel, TypeAdapter, ValidationError

from farm.errors import BadInput, Transient
from farm.plan.cell import Version
from workers.pins.release import Release

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from farm.settings import Settings

API = "https://www.python.org/api/v2/downloads/"  # https://github.com/python/pythondotorg: apps/downloads/api.py


class _Listed(BaseModel):
    """A release as the list has it; what else it says is no matter of ours."""

    name: str
    resource_uri: str
    is_published: bool


class _File(BaseModel):
    url: str
    sha256_sum: str = ""
    sigstore_bundle_file: str = ""


_LISTED = TypeAdapter(list[_Listed])
_FILES = TypeAdapter(list[_File])


def releases(series: Collection[str], settings: Settings, api: str = API) -> Iterator[Release]:
    """Every published release of the series whose source archive has a sha256 there. Raises Transient."""
    found = _read(_LISTED, _get(f"{api}release/?is_published=true", settings), api)
    for listed in found:
        version = _version(listed.name)
        if version and version.series in series and listed.is_published:
            number = listed.resource_uri.rstrip("/").rpartition("/")[2]
            yield from _sources(version, number, settings, api)


def _sources(version: Version, number: str, settings: Settings, api: str) -> Iterator[Release]:
    for file in _read(_FILES, _get(f"{api}release_file/?release={number}", settings), api):
        name = file.url.rpartition("/")[2]
        if name == f"Python-{version}.tar.xz" and file.sha256_sum:
            yield Release(version, "tar.xz", file.sha256_sum.lower(), "python.org", bundle=file.sigstore_bundle_file)


def _version(name: str) -> Version | None:
    """'Python 3.13.5' as a version; None for what is no release of CPython."""
    try:
        return Version.parse(name.removeprefix("Python "))
    except BadInput:
        return None


def _get(url: str, settings: Settings) -> Any:  # noqa: ANN401 - checked by whoever asked
    try:
        answer = requests.get(url, timeout=(10, 60), verify=settings.ca_bundle or True)
        answer.raise_for_status()
        return answer.json()
    except (requests.RequestException, ValueError) as error:
        raise Transient(f"python.org's release list does not answer: {url}: {type(error).__name__}") from error


def _read(adapter: TypeAdapter[Any], data: object, api: str) -> Any:  # noqa: ANN401 - the adapter's type
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        raise Transient(f"{api} answers what no release list is: {error.errors()[0]['msg']}") from error
