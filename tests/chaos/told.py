"""Secrets that a run told somebody: looked for in what services print and keep, and in what lies in the store."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from tests.fixtures_s3 import ADMIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chaos.site import Site

SIGNED = "X-Amz-Signature"  # an address that whoever has it can write to
_MEANT_TO = (
    "s3.json",
    "redis/",
    "seaweedfs/",
)  # the server's own keys; answers on their way; the store, whose objects are read


def told(site: Site) -> list[str]:
    """Each place that holds a secret, and which."""
    secrets = {"the store's key": ADMIN[1], "Redis' password": site.redis_password, "a signed address": SIGNED}
    return [f"{place}: {name}" for place, data in _places(site) for name, one in secrets.items() if one.encode() in data]


def _places(site: Site) -> Iterator[tuple[str, bytes]]:
    logs = {service.log for service in (*site.schedulers[:1], *site.workers)}
    empty = [path.name for path in logs if not path.exists() or not path.stat().st_size]
    assert not empty, f"these said nothing, so nothing was looked at: {empty}"
    for path in site.folder.rglob("*"):
        place = path.relative_to(site.folder).as_posix()
        if path.is_file() and not place.startswith(_MEANT_TO):
            with suppress(FileNotFoundError):  # workers are up, and come and go with their temporary files
                yield place, path.read_bytes()
    objects = site.objects()
    assert any(key.startswith("catalog/") for key in objects), "nothing was published, so nothing was looked at"
    yield from objects.items()
