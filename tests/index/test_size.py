"""How large an index gets: what a channel lists of a build, and what all parts of one for 5,000 builds have when compressed."""

from __future__ import annotations

import gzip

from benchmarks import synthetic
from farm.audit.repair import relist
from farm.index import growth, reading, update
from farm.index.model import Entry, entry_of
from farm.index.rebuild import rebuild
from farm.publish.publisher import publish
from farm.store import catalog, keys
from tests.audit import shelf
from tests.audit.shelf import seen
from tests.fakes import MemoryStore
from tests.index.test_growth import CELLS, EMPTY, Pages
from tests.index.test_render import entry
from tests.publish.staging import BASE, CELL, TRIPLE, now, order, recipe, stage


def test_all_parts_of_an_index_of_5000_builds_are_less_than_1_mb_compressed():
    store = MemoryStore()
    made = synthetic.entries(5000)
    synthetic.fill(store, "stable", made)
    parts = {keys.channel_pointer("stable"), *update.shard_keys(store, "stable")}
    assert parts == {stat.key for stat in store.list(keys.channels())}
    listed = [each for distro in reading.distros(store, "stable") for each in reading.entries(store, "stable", distro)]
    assert {(each.cell, each.build_id) for each in listed} == {(each.cell, each.build_id) for each in made}
    assert sum(len(gzip.compress(store.objects[key])) for key in parts) < 1_000_000


def test_made_up_entries_have_the_fields_of_real_ones():
    store, of = MemoryStore(), order(recipe=recipe(optimize="pgo"))
    real = entry_of(publish(store, stage(store, of), of, clock=now), TRIPLE, uv=True)
    like = synthetic.entry(CELL, 0)
    assert {name for name, value in real if value} == {name for name, value in like if value}
    assert (len(real.recipe), len(real.inputs)) == (len(like.recipe), len(like.inputs))
    told = [[(a.kind, a.format, len(a.sha256), len(a.tar_sha256)) for a in each.archives] for each in (real, like)]
    assert sorted(told[0]) == sorted(told[1]) == [("install_only", "tar.gz", 64, 64), ("install_only", "tar.zst", 64, 0)]


def test_one_more_build_makes_no_page_of_its_own():
    shard, pages = EMPTY, Pages()
    for number in range(growth.KEPT + growth.LEAST - 1):
        shard = pages.add(shard, entry(CELLS[0], f"2026{number:06}"))
    assert not shard.older
    shard = pages.add(shard, entry(CELLS[0], "2027000000"))
    assert [len(pages.load(ref)) for ref in shard.older] == [growth.LEAST]
    assert len(shard.entries) == growth.KEPT


def of_old(store):
    """What an older farm listed: every archive, and digests in full."""
    for artifact in (catalog.artifact(store, build) for build in catalog.published(store)):
        lean = shelf.entry(artifact)
        folder = lean.metadata.rpartition("/")[0]
        archives = [{**a.model_dump(exclude={"name"}), "key": f"{folder}/{a.name}"} for a in artifact.archives]
        changes = {"archives": archives, "recipe": artifact.build.recipe, "inputs": artifact.build.inputs}
        yield Entry.model_validate(lean.model_dump() | changes)


def kinds(store):
    return {archive.kind for each in reading.entries(store, "testing", "debian13") for archive in each.archives}


def test_an_index_of_an_older_farm_is_as_good_until_it_is_listed_anew():
    store = shelf.filled()
    parts = update.shard_keys(store, "testing")
    index = {keys.channel_pointer("testing"), keys.signed_pointer("testing"), *parts}
    clients = {key: data for key, data in store.objects.items() if key not in index}
    rebuild(store, "testing", lambda: of_old(store), now)
    update.rewrite(store, "testing", base_url=BASE, signer=shelf.SIGNER)
    assert kinds(store) == {"install_only", "debugsymbols"}
    assert not parts & update.shard_keys(store, "testing")
    assert clients.items() <= store.objects.items(), "what clients read is the same"
    assert seen(store).errors == 0
    relist(store, "testing", shelf.means())
    assert kinds(store) == {"install_only"}
    assert update.shard_keys(store, "testing") == parts
