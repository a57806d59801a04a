"""An S3 bucket (or a prefix of one) as a store. The only module that knows boto3.

Requests are retried by botocore, big uploads part by part (`farm.store.parts`). A lost answer to a conditional write that did
succeed comes back as Conflict: whoever creates something looks at what is there before calling it somebody else's.
"""

from __future__ import annotations

import io
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import boto3
from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError, NoCredentialsError
from tenacity import Retrying, retry_if_exception, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from farm.errors import BadInput, Conflict, FarmError, StoreUnavailable
from farm.store import keys, layout, refusals
from farm.store.headers import headers, told_by_content
from farm.store.md5 import content_md5
from farm.store.parts import Parts
from farm.store.protocol import Stat
from farm.store.sink import arriving
from farm.store.urls import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from farm.settings import S3Settings
    from farm.store.sink import AtMost, Content

MULTIPART_BYTES = 64 << 20
PART_BYTES = 32 << 20
_CHUNK = 1 << 20
_RACES = 6
_READS = 3  # of an object whose answer breaks off; botocore only retries up to the first byte
_CONNECT_S, _READ_S = 10, 120
_BROKEN_OFF = (HTTPClientError, IncompleteReadError)


class _Missing(Conflict):
    """There is no such object; a conflict for whoever had seen one."""


class S3Store:
    """A store in an S3-compatible bucket."""

    conditional = True  # the server honours conditions, and has to prove it before anything is written

    def __init__(
        self,
        bucket: str,
        prefix: str,
        s3: S3Settings,
        *,
        ca_bundle: str = "",
        multipart_bytes: int = MULTIPART_BYTES,
        part_bytes: int = PART_BYTES,
    ) -> None:
        """Open it; `ca_bundle` is a file of CA certificates, empty for the usual ones.

        Raises BadInput when the bucket holds another layout, StoreUnavailable when there is no answer.
        """
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._endpoint = without_secrets(s3.endpoint) or f"AWS S3 in {s3.region}"
        self._multipart_bytes = multipart_bytes
        self._client = _client(s3, ca_bundle)
        self._parts = Parts(self._client, part_bytes, refusals.passes)
        self._preparing = threading.Lock()
        self._ready = False
        layout.check(self)

    @property
    def name(self) -> str:
        """`s3://bucket/prefix`."""
        return f"s3://{self._bucket}/{self._prefix}".rstrip("/")

    def get(self, key: str) -> tuple[bytes, str] | None:
        """The object's bytes and etag, or None."""
        with suppress(_Missing), self._answering(f"read {key}"):
            return _reading()(self._read_whole, self._where(key))
        return None

    def _read_whole(self, where: dict[str, Any]) -> tuple[bytes, str]:
        answer = self._client.get_object(**where)
        return answer["Body"].read(), _token(answer["ETag"])

    def put(self, key: str, data: bytes | Path, *, if_absent: bool = False, if_match: str = "") -> str:
        """Write an object whole; gives its etag. Raises Conflict."""
        self._where(key)
        self._prepare(key)
        condition = {"IfNoneMatch": "*"} if if_absent else {"IfMatch": f'"{if_match}"'} if if_match else {}
        size = data.stat().st_size if isinstance(data, Path) else len(data)
        write = self._put_parts if size > self._multipart_bytes else self._put_whole
        again = Retrying(
            retry=retry_if_exception(refusals.to_repeat),
            stop=stop_after_attempt(_RACES),
            wait=wait_random_exponential(0.05, max=2),
            reraise=True,
        )
        with self._answering(f"write {key}"), data.open("rb") if isinstance(data, Path) else io.BytesIO(data) as body:
            return again(write, key, body, condition)

    def list(self, prefix: str) -> Iterator[Stat]:
        """Every object whose key starts with `prefix`, in key order."""
        with self._answering(f"list {prefix}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix + prefix)
            found = [
                _stat(item["Key"].removeprefix(self._prefix), item["Size"], item)
                for page in pages
                for item in page.get("Contents", [])
            ]
        # Sorted here too: servers over a file system list folder by folder, which puts 'a/b' before 'a-b'.
        yield from sorted((stat for stat in found if keys.valid(stat.key)), key=lambda stat: stat.key)

    def fetch(self, key: str, target: Path, content: Content | AtMost | None = None) -> bool:
        """Stream an object into a file that appears whole or not at all; False when there is no such object."""
        where = self._where(key)
        try:
            with self._answering(f"read {key}"):
                _reading()(self._pour, where, key, target, content)
        except _Missing:
            return False
        except OSError as error:
            raise StoreUnavailable(
                f"cannot write {error.filename or target}: {error.strerror}", hint="free some space"
            ) from error
        return True

    def _pour(self, where: dict[str, Any], key: str, target: Path, content: Content | AtMost | None) -> None:
        body = self._client.get_object(**where)["Body"]
        with body, arriving(key, target, content) as sink:
            for chunk in body.iter_chunks(_CHUNK):
                sink.write(chunk)

    def delete(self, key: str) -> None:
        """Remove an object; nothing happens when there is none."""
        with self._answering(f"delete {key}"):
            self._client.delete_object(**self._where(key))

    def upload_url(self, key: str, *, expires_s: int) -> str:
        """A presigned address for one PUT of this object."""
        where = self._where(key)
        self._prepare(key)
        with self._answering(f"sign an upload of {key}"):
            return str(self._client.generate_presigned_url("put_object", Params=where, ExpiresIn=expires_s))

    def stat(self, key: str) -> Stat | None:
        """Size and etag of an object; None when there is none."""
        with suppress(_Missing), self._answering(f"look at {key}"):
            answer = self._client.head_object(**self._where(key))
            return _stat(key, answer["ContentLength"], answer)
        return None

    def read(self, stat: Stat, start: int, stop: int) -> Iterator[bytes]:
        """The bytes [start, stop) of the object that `stat` saw. Raises Conflict when it has changed since."""
        if start >= stop:
            return iter(())
        with self._answering(f"read {stat.key}"):
            answer = self._client.get_object(
                **self._where(stat.key), Range=f"bytes={start}-{stop - 1}", IfMatch=f'"{stat.etag}"'
            )
        return self._chunks(stat.key, answer["Body"])

    def _chunks(self, key: str, body: Any) -> Iterator[bytes]:  # noqa: ANN401 - botocore's streams have no type
        with self._answering(f"read {key}"), body:
            yield from body.iter_chunks(_CHUNK)

    def _where(self, key: str) -> dict[str, Any]:
        if not keys.valid(key):
            raise BadInput(f"'{key}' is no key", hint="keys are relative paths of letters, digits, '.', '_' and '-'")
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _prepare(self, key: str) -> None:
        if key == keys.LAYOUT_KEY:
            return
        with self._preparing:
            if not self._ready:
                layout.prepare(self, prove=self.conditional)
                self._ready = True

    def _put_whole(self, key: str, body: IO[bytes], condition: dict[str, Any]) -> str:
        told = {**_served_as(key, body), **condition, "ContentMD5": content_md5(body)}
        return _token(self._client.put_object(**self._where(key), **told, Body=body)["ETag"])

    def _put_parts(self, key: str, body: IO[bytes], condition: dict[str, Any]) -> str:
        return _token(self._parts.put(self._where(key), _served_as(key, body), body, condition))

    def drop_unfinished(self, prefix: str, before: datetime) -> int:
        """Drop the parts of big uploads that were begun before then and never completed; gives of how many uploads."""
        dropped = 0
        with self._answering("list unfinished uploads"):
            for key, name, begun in list(self._parts.unfinished(self._bucket, self._prefix + prefix)):
                if begun < before:
                    self._parts.abort({"Bucket": self._bucket, "Key": key, "UploadId": name})
                    dropped += 1
        return dropped

    @contextmanager
    def _answering(self, doing: str) -> Iterator[None]:
        # 'from None': what boto3 raised may show headers of the request.
        try:
            yield
        except ClientError as error:
            raise self._classified(error, doing) from None
        except NoCredentialsError:
            raise StoreUnavailable(
                f"no credentials for the store {self.name}: cannot {doing}",
                hint="set FARM_S3_ACCESS_KEY and FARM_S3_SECRET_KEY, or what boto3 reads (environment, files, role)",
            ) from None
        except (BotoCoreError, HTTPClientError, Boto3Error) as error:
            raise StoreUnavailable(
                f"the store {self.name} at {self._endpoint} does not answer: cannot {doing} ({type(error).__name__})",
                hint="check that the server runs, and FARM_S3_ENDPOINT",
            ) from None

    def _classified(self, error: ClientError, doing: str) -> FarmError:
        code = refusals.code(error)
        if code in refusals.MISSING:
            return _Missing(f"cannot {doing} in the store {self.name}: it is not there")
        if code in refusals.CONFLICT:
            return Conflict(f"cannot {doing} in the store {self.name}: it is already there, or has changed since it was read")
        return StoreUnavailable(
            f"the store {self.name} at {self._endpoint} refused to {doing}: {code}", hint=refusals.hint(code, self._bucket)
        )


def _client(s3: S3Settings, ca_bundle: str) -> Any:  # noqa: ANN401 - boto3's clients are made at run time and have no type of their own
    session = boto3.session.Session(
        aws_access_key_id=s3.access_key or None,
        aws_secret_access_key=s3.secret_key.get_secret_value() or None,
        region_name=s3.region,
    )
    config = Config(
        signature_version="s3v4",
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        retries={"mode": "standard", "max_attempts": 5},
        s3={"addressing_style": s3.addressing},
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        max_pool_connections=16,
    )
    return session.client("s3", endpoint_url=s3.endpoint or None, verify=ca_bundle or None, config=config)


def _reading() -> Retrying:
    return Retrying(retry=retry_if_exception_type(_BROKEN_OFF), stop=stop_after_attempt(_READS), reraise=True)


def _served_as(key: str, body: IO[bytes]) -> dict[str, str]:
    content = body.read() if told_by_content(key) else b""
    body.seek(0)
    found = headers(key, content)
    return {"ContentType": found.content_type, "CacheControl": found.cache_control}


def _stat(key: str, size: int, answer: Any) -> Stat:  # noqa: ANN401 - boto3 gives dicts
    return Stat(key, size, _token(answer["ETag"]), answer["LastModified"].timestamp())


def _token(etag: str) -> str:
    return etag.strip('"')
