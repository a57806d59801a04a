"""A big object, sent in parts: each part is tried again for itself, and a try that was cut off is gone on with."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from farm.store.md5 import content_md5

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TRIES = 4  # of each part, on top of those of botocore
_WAIT = wait_random_exponential(1, max=20)


@dataclass(frozen=True)
class Parts:
    """How big objects are sent. `client` is boto3's; `passes` says of an error whether the same may succeed later."""

    client: Any
    part_bytes: int
    passes: Callable[[BaseException], bool]
    wait: wait_base = _WAIT

    def put(self, where: Mapping[str, str], served_as: Mapping[str, str], body: IO[bytes], condition: Mapping[str, str]) -> str:
        """Write an object from a file; gives its etag. The condition stands on the completion, which makes the object.

        An error that may pass leaves what was sent for the next try; after any other one nothing is left.
        """
        upload, sent = self._begun(where, body) or self._begin(where, served_as)
        with self._aborting(upload):
            parts = []
            for number, chunk in enumerate(self._chunks(body), 1):
                etag = sent.get(number) or self._again(self._send, upload, number, chunk)
                parts.append({"PartNumber": number, "ETag": etag})
            done = self.client.complete_multipart_upload(**upload, **condition, MultipartUpload={"Parts": parts})
        return str(done["ETag"])

    def unfinished(self, bucket: str, prefix: str) -> Iterator[tuple[str, str, Any]]:
        """Uploads under a prefix that nobody completed: key, id, and when each was begun (a datetime)."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for item in page.get("Uploads", []):
                yield item["Key"], item["UploadId"], item["Initiated"]

    def _begin(self, where: Mapping[str, str], served_as: Mapping[str, str]) -> tuple[dict[str, str], dict[int, str]]:
        return {**where, "UploadId": self.client.create_multipart_upload(**where, **served_as)["UploadId"]}, {}

    def _begun(self, where: Mapping[str, str], body: IO[bytes]) -> tuple[dict[str, str], dict[int, str]] | None:
        """An upload of these very bytes that was cut off, and the etag of each part that is there already."""
        for key, name, _ in self.unfinished(where["Bucket"], where["Key"]):
            upload = {**where, "UploadId": name}
            if key == where["Key"] and (sent := self._same(upload, body)):
                return upload, sent
        return None

    def _same(self, upload: Mapping[str, str], body: IO[bytes]) -> dict[int, str]:
        """The parts that are there, when each of them is ours; else none. A part's etag is its MD5, or says nothing to us."""
        there = {
            part["PartNumber"]: part["ETag"]
            for page in self.client.get_paginator("list_parts").paginate(**upload)
            for part in page.get("Parts", [])
        }
        ours = {
            number: hashlib.md5(chunk, usedforsecurity=False).hexdigest() for number, chunk in enumerate(self._chunks(body), 1)
        }
        return there if all(ours.get(number) == etag.strip('"') for number, etag in there.items()) else {}

    def _chunks(self, body: IO[bytes]) -> Iterator[bytes]:
        body.seek(0)
        while chunk := body.read(self.part_bytes):
            yield chunk

    def _send(self, upload: Mapping[str, str], number: int, chunk: bytes) -> str:
        md5 = content_md5(io.BytesIO(chunk))
        return str(self.client.upload_part(**upload, PartNumber=number, Body=chunk, ContentMD5=md5)["ETag"])

    def _again(self, send: Callable[..., str], *arguments: object) -> str:
        again = Retrying(retry=retry_if_exception(self.passes), stop=stop_after_attempt(_TRIES), wait=self.wait, reraise=True)
        return again(send, *arguments)

    @contextmanager
    def _aborting(self, upload: Mapping[str, str]) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not self.passes(error):
                self.abort(upload)
            raise

    def abort(self, upload: Mapping[str, str]) -> None:
        """Drop what was sent of an upload. What refuses is left for `farm clean`."""
        try:
            self.client.abort_multipart_upload(**upload)
        except Exception as error:
            if not isinstance(error, self.client.exceptions.ClientError) and not self.passes(error):
                raise
