"""A client that follows every promise of a store and complains about the first that is not kept."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from farm.index.model import Pointer, Shard
from farm.store import keys
from farm.store.artifact import Artifact
from farm.store.keys import Published
from tests.publish.staging import BASE

if TYPE_CHECKING:
    from tests.fakes import MemoryStore


def check_promises(store: MemoryStore) -> None:
    objects = dict(store.objects)
    listed = set()
    for key, data in objects.items():
        if key.startswith("catalog/"):
            _check_artifact(objects, Published.parse(key), Artifact.model_validate_json(data))
        elif key == keys.channel_pointer("dev"):
            for ref in Pointer.model_validate_json(data).shards:
                assert hashlib.sha256(objects[ref.key]).hexdigest() == ref.sha256
                shard = Shard.model_validate_json(objects[ref.key])
                older = [entry for page in shard.older for entry in Shard.model_validate_json(objects[page.key]).entries]
                for entry in (*shard.entries, *older):
                    assert entry.metadata in objects
                    listed |= {(archive.key, archive.sha256) for archive in entry.archives}
        elif "/uv/" in key:
            listed |= {(each["url"], each["sha256"]) for each in json.loads(data).values()}
        elif key.endswith("SHA256SUMS"):
            listed |= {tuple(reversed(line.split("  "))) for line in data.decode().splitlines()}
    for where, sha256 in listed:
        key = where.removeprefix(f"{BASE}/")
        assert hashlib.sha256(objects[key]).hexdigest() == sha256, key


def _check_artifact(objects: dict[str, bytes], name: Published, artifact: Artifact) -> None:
    assert (name.build_id, name.channel, str(name.cell)) == (artifact.build_id, artifact.channel, artifact.build.cell)
    folder = keys.artifact_folder(name.cell, name.build_id)
    for archive in artifact.archives:
        assert hashlib.sha256(objects[f"{folder}/{archive.name}"]).hexdigest() == archive.sha256
        assert objects[f"{folder}/{archive.name}.sha256"] == f"{archive.sha256}  {archive.name}\n".encode()
