"""What an object is served as: content type and cache header, both read off its key."""

from __future__ import annotations

import json
from dataclasses import dataclass

IMMUTABLE = "public, max-age=31536000, immutable"
MUTABLE = "no-cache"

# No Content-Encoding for archives: clients would unpack them and their checksums would not match.
_TYPES = (
    (".tar.gz", "application/gzip"),
    (".tar.zst", "application/zstd"),
    (".json", "application/json"),
    (".sha256", "text/plain; charset=utf-8"),
    (".log", "text/plain; charset=utf-8"),
    (".html", "text/html; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
    (".svg", "image/svg+xml"),
    (".atom", "application/atom+xml"),
    (".toml", "application/toml"),
    (".pem", "application/x-pem-file"),
    (".sh", "text/plain; charset=utf-8"),
    ("SHA256SUMS", "text/plain; charset=utf-8"),
    (".bazel", "text/plain; charset=utf-8"),
    ("layout", "text/plain; charset=utf-8"),
)
_UNKNOWN = "application/octet-stream"
_MANIFESTS = "v2/python/manifests/"


@dataclass(frozen=True)
class Headers:
    """The two headers that an object keeps wherever it is served from."""

    content_type: str
    cache_control: str


def headers(key: str, content: bytes = b"") -> Headers:
    """The headers of a key: written-once objects may be cached for ever, indexes must be asked for again.

    A registry's documents share their names' form and say in their content what they are (see `told_by_content`).
    """
    content_type = next((kind for suffix, kind in _TYPES if key.endswith(suffix)), _UNKNOWN)
    if told_by_content(key) and content:
        content_type = str(json.loads(content)["mediaType"])
    return Headers(content_type, IMMUTABLE if _written_once(key) else MUTABLE)


def told_by_content(key: str) -> bool:
    """Whether `headers` needs the content of this object, which is a small one."""
    return key.startswith(_MANIFESTS)


def _written_once(key: str) -> bool:
    if key.startswith("v2/"):
        return "/sha256:" in key
    return key.startswith("artifacts/") or (key.startswith("channels/") and "/shards/" in key)
