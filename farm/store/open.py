"""From settings to the store they name, and to the address that clients reach it at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from farm.errors import BadInput
from farm.store.folder import FolderStore

if TYPE_CHECKING:
    from farm.settings import Settings
    from farm.store.protocol import Reading
    from farm.store.s3 import S3Store

_S3 = "s3://"
_PROBED = 5 << 20  # the smallest part that AWS takes


def open_store(settings: Settings) -> FolderStore | S3Store:
    """The store that `settings.store` names. Raises BadInput for an address that is none, StoreUnavailable."""
    if settings.store.startswith(_S3):
        from farm.store.s3 import S3Store  # noqa: PLC0415 - boto3 takes a quarter of a second to import

        bucket, prefix = _bucket(settings.store)
        if settings.single_publisher:
            from farm.store.single import SinglePublisherStore  # noqa: PLC0415 - hardly ever needed

            return SinglePublisherStore(bucket, prefix, settings.s3, ca_bundle=settings.ca_bundle)
        return S3Store(bucket, prefix, settings.s3, ca_bundle=settings.ca_bundle)
    if "://" in settings.store:
        raise BadInput(f"FARM_STORE is '{settings.store}', which is no store", hint="write a folder, or s3://bucket/prefix")
    return FolderStore(Path(settings.store).expanduser())


def open_for_probing(settings: Settings) -> tuple[FolderStore | S3Store, int]:
    """The store with nothing taken for proven, and above how many bytes it writes in parts (0: never). Raises BadInput."""
    if not settings.store.startswith(_S3):
        return open_store(settings), 0
    from farm.store.s3 import S3Store  # noqa: PLC0415 - see above

    bucket, prefix = _bucket(settings.store)
    store = S3Store(bucket, prefix, settings.s3, ca_bundle=settings.ca_bundle, multipart_bytes=_PROBED, part_bytes=_PROBED)
    store.conditional = False  # that is what is to be found out
    return store, _PROBED


def open_reader(settings: Settings, address: str = "") -> Reading:
    """The store at an address to read from: also https://… or http://…; '' is the one of the settings. Raises BadInput."""
    if address.startswith(("https://", "http://")):
        from farm.store.remote import HttpStore  # noqa: PLC0415 - most verbs never ask over HTTP

        return HttpStore(address, ca_bundle=settings.ca_bundle)
    return open_store(settings.model_copy(update={"store": address}) if address else settings)


def base_url(settings: Settings) -> str:
    """Where clients reach the store, without a slash at the end: as set, or else the store's own address."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    if not settings.store.startswith(_S3):
        return Path(settings.store).expanduser().absolute().as_uri()
    bucket, prefix = _bucket(settings.store)
    endpoint = settings.s3.endpoint or f"https://s3.{settings.s3.region}.amazonaws.com"
    parts = urlsplit(endpoint)
    if settings.s3.addressing == "virtual":
        endpoint = parts._replace(netloc=f"{bucket}.{parts.netloc}").geturl()
        return "/".join(part for part in (endpoint.rstrip("/"), prefix) if part)
    return "/".join(part for part in (endpoint.rstrip("/"), bucket, prefix) if part)


def _bucket(address: str) -> tuple[str, str]:
    bucket, _, prefix = address.removeprefix(_S3).partition("/")
    if not bucket:
        raise BadInput(f"FARM_STORE is '{address}', which names no bucket", hint="write s3://bucket or s3://bucket/prefix")
    return bucket, prefix.strip("/")
