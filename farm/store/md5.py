"""The MD5 with which S3 servers check what arrives; it is no protection against anybody."""

from __future__ import annotations

import base64
import hashlib
from typing import Any


def content_md5(body: Any) -> str:  # noqa: ANN401 - whatever reads bytes and seeks
    """The value of `Content-MD5` (RFC 1864) for a whole file, which is left at its start.

    A server refuses what was cut off or changed on the way.
    """
    body.seek(0)
    digest = hashlib.file_digest(body, lambda: hashlib.md5(usedforsecurity=False))
    body.seek(0)
    return base64.b64encode(digest.digest()).decode()
