"""What a store no longer needs: found without changing anything, then removed while publishers and readers are at work.

Nothing of a build is removed when found. First it is condemned: its channels stop listing it, its claim is taken back, and
a note (`retired/…`) names its files. A later run, at least the grace time after that, removes what nothing names even then.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import Field

from farm.audit.retention import superseded
from farm.index import oci, reading, update
from farm.plan.cell import Cell
from farm.store import catalog, keys, run_keys
from farm.store.artifact import Model
from farm.store.keys import Published
from farm.store.protocol import Stat

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.audit.retention import Policy
    from farm.audit.survey import EntryOf
    from farm.index.model import Entry
    from farm.store.artifact import Artifact
    from farm.store.protocol import Store

_LEFT_OVER = "left-over"


class Retired(Model):
    """A note that these files are to go, unless something names them again."""

    when: float = Field(description="seconds since the epoch")
    files: tuple[str, ...]


@dataclass(frozen=True)
class Doomed:
    """Files that are to go, and under which claims and build id somebody might still want to publish them ('' for none)."""

    files: tuple[str, ...]
    claims: str = ""
    build_id: str = ""


@dataclass
class Garbage:
    """What a store no longer needs. `condemn` are notes to write, `drop` objects to remove now, `waiting` those condemned."""

    stats: dict[str, Stat]
    named: set[str]
    retire: list[Published] = field(default_factory=list)
    condemn: dict[str, Doomed] = field(default_factory=dict)
    drop: dict[str, str] = field(default_factory=dict)  # key: why
    notes: list[str] = field(default_factory=list)  # notes whose files are among those
    waiting: set[str] = field(default_factory=set)

    def size(self, names: Iterable[str]) -> int:
        """How many bytes these objects have."""
        return sum(self.stats[key].size for key in names if key in self.stats)


def find(store: Store, policy: Policy, entry_of: EntryOf, now: float) -> Garbage:
    """What is to be retired, condemned and removed; `now` in seconds since the epoch. Raises StoreUnavailable, FarmError."""
    stats = {stat.key: stat for stat in store.list("")}
    published = catalog.published(store)  # after the listing: what was published meanwhile names its files
    retire = superseded(published, catalog.yanked(store), policy, now)
    going = {build.key for build in retire}
    staying = {(str(build.cell), build.build_id) for build in published if build.key not in going}
    named: set[str] = set()
    gone: dict[Published, set[str]] = {}
    for build in published:
        artifact = catalog.artifact(store, build)
        files = _files(artifact, entry_of(artifact), stats)
        if (str(build.cell), build.build_id) in staying:
            named |= files
        else:
            gone[build] = files | {keys.yank(build.cell, build.build_id)} & set(stats)
    found = Garbage(stats, named, retire)
    found.condemn = {
        keys.retired(f"{build.cell}.{build.build_id}"): Doomed(
            tuple(sorted(files - named)), keys.reservations(build.cell), build.build_id
        )
        for build, files in gone.items()
    }
    for build in retire:  # the page of a channel that people look at; they may still have it open
        page = keys.site(build.channel, f"builds/{build.cell}/{build.build_id}.html")
        if page in stats:
            found.condemn[keys.retired(f"{build.cell}.{build.build_id}.{build.channel}")] = Doomed((page,))
    _condemned(store, found, policy, now)
    _left_over(found, policy, now)
    _shards(store, found, policy, now)
    _staged(found, policy, now)
    return found


def _files(artifact: Artifact, entry: Entry, stats: dict[str, Stat]) -> set[str]:
    """Every object of a build: all its archives, which no index lists, what lies beside them, and its image."""
    folder = keys.artifact_folder(Cell.parse(artifact.build.cell), artifact.build_id)
    stem = entry.metadata.removesuffix(".json")
    files = {entry.metadata, *(key for key in (f"{stem}.intoto.json", f"{stem}.spdx.json") if key in stats)}
    for archive in artifact.archives:
        files |= {f"{folder}/{archive.name}", f"{folder}/{archive.name}.sha256"}
    if image := oci.image(entry):
        files |= {
            keys.oci_blob(f"sha256:{image.layer.sha256}"),
            keys.oci_blob(oci.digest(image.config)),
            keys.oci_manifest(oci.digest(image.manifest)),
        }
    return files


def _condemned(store: Store, found: Garbage, policy: Policy, now: float) -> None:
    """Files whose note is old enough go now; those of younger notes wait."""
    for stat in [stat for key, stat in found.stats.items() if key.startswith(keys.retired())]:
        note = catalog.load(store, stat.key, Retired)
        if note is None:
            continue
        files = {key for key in note[0].files if key in found.stats and key not in found.named}
        if now - note[0].when < policy.grace_s:
            found.waiting |= files
            continue
        found.notes.append(stat.key)
        found.drop |= dict.fromkeys(files, "condemned before, and still named by nothing")
    images = {key.rpartition("/")[2] for key in found.drop if key.startswith(keys.oci_manifest("sha256:"))}
    for key in [key for key in found.stats if images and key.startswith(keys.oci_manifest("sha256:"))]:
        if key not in found.drop and images & _manifests(store, key):
            found.drop[key] = "an earlier tag, of which an image is removed"


def _manifests(store: Store, key: str) -> set[str]:
    """The digests that an index of images names."""
    with suppress(ValueError, KeyError, TypeError):
        data = store.get(key)
        return {each["digest"] for each in json.loads(data[0])["manifests"]} if data else set()
    return set()


def _left_over(found: Garbage, policy: Policy, now: float) -> None:
    """Files of builds that were never published, and layers of no build: condemned once they are as old as the grace."""
    known = found.named | found.waiting | set(found.drop) | {key for doomed in found.condemn.values() for key in doomed.files}
    folders: dict[tuple[str, ...], list[str]] = {}
    for key, stat in found.stats.items():
        if key in known or now - stat.modified < policy.grace_s:
            continue
        if key.startswith("artifacts/"):
            folders.setdefault(tuple(key.split("/")[1:5]), []).append(key)
        elif key.startswith(keys.oci_blob("")):
            folders.setdefault(("v2",), []).append(key)
    for parts, files in folders.items():
        note = keys.retired(".".join((_LEFT_OVER, *parts)))
        if len(parts) == len(("distro", "python", "arch", "build")):
            distro, python, arch, build_id = parts
            found.condemn[note] = Doomed(tuple(sorted(files)), keys.claims_like(distro, python, arch), build_id)
        else:
            found.condemn[note] = Doomed(tuple(sorted(files)))


def _shards(store: Store, found: Garbage, policy: Policy, now: float) -> None:
    named = {ref for channel in reading.channels(store) for ref in update.shard_keys(store, channel)}
    for key, stat in found.stats.items():
        if keys.is_shard(key) and key not in named and now - stat.modified >= policy.grace_s:
            found.drop[key] = "an older part of a channel's index"


def _staged(found: Garbage, policy: Policy, now: float) -> None:
    """What runs that ended have staged. A run that goes on is left alone, however old it is."""
    for key, stat in found.stats.items():
        parts = key.split("/")
        if (
            parts[0] == "staging"
            and run_keys.open_run(parts[1]) not in found.stats
            and now - stat.modified >= policy.staged_s()
        ):
            found.drop[key] = "staged by a run that ended"
