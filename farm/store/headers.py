"""What an object is served as: content type and cache header, both read off its key."""

from __future__ import annotations

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
    (".toml", "application/toml"),
    (".sh", "text/plain; charset=utf-8"),
    ("SHA256SUMS", "text/plain; charset=utf-8"),
    ("layout", "text/plain; charset=utf-8"),
)
_UNKNOWN = "application/octet-stream"


@dataclass(frozen=True)
class Headers:
    """The two headers that an object keeps wherever it is served from."""

    content_type: str
    cache_control: str


def headers(key: str) -> Headers:
    """The headers of a key: written-once objects may be cached for ever, indexes must be asked for again."""
    content_type = next((kind for suffix, kind in _TYPES if key.endswith(suffix)), _UNKNOWN)
    return Headers(content_type, IMMUTABLE if _written_once(key) else MUTABLE)


def _written_once(key: str) -> bool:
    return key.startswith("artifacts/") or (key.startswith("channels/") and "/shards/" in key)
