"""What S3 servers answer when they refuse: what a code means, whether the same may succeed later, and what to do about it."""

from __future__ import annotations

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, NoCredentialsError

MISSING = ("NoSuchKey", "NotFound", "404")
RACED = ("ConditionalRequestConflict", "409", "NoSuchUpload")  # the last: another publisher completed the same bytes
CONFLICT = ("PreconditionFailed", "412", *RACED)
_DAMAGED = ("BadDigest", "InvalidDigest", "IncompleteBody", "XAmzContentSHA256Mismatch")  # on its way: what we send is right
_BUSY = ("SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable")
_REFUSED = ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "403")
_SKEWED = ("RequestTimeTooSkewed", "RequestExpired")
_SERVER_ERROR = 500


def code(error: ClientError) -> str:
    """The server's own word for it."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def passes(error: BaseException) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return status >= _SERVER_ERROR or code(error) in (*_BUSY, *_DAMAGED)
    return isinstance(error, BotoCoreError | HTTPClientError) and not isinstance(error, NoCredentialsError)


def to_repeat(error: BaseException) -> bool:
    """Whether a write has to be repeated at once: it met another one, or arrived damaged."""
    return isinstance(error, ClientError) and code(error) in (*RACED, *_DAMAGED)


def hint(said: str, bucket: str) -> str:
    """What to do about a code."""
    if said in _SKEWED:
        return "this host's clock and the server's differ by more than it allows: compare `date -u`, and let NTP set both"
    if said == "NoSuchBucket":
        return f"create the bucket '{bucket}', or set FARM_STORE"
    if said in _REFUSED:
        return "check FARM_S3_ACCESS_KEY, FARM_S3_SECRET_KEY and what that key may do in the bucket"
    if said in ("NotImplemented", "501"):
        return "the server does not know this request; conditional writes are needed"
    return "it may pass; run it again, or look at the server's log"
