"""What channels offer after publication."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from farm.cli import channels as verbs
from farm.errors import BadInput
from farm.index import reading
from farm.plan.cell import Cell
from farm.publish import channels
from farm.publish.publisher import offer_again, publish
from farm.sign.keys import Signer
from farm.store import catalog, keys
from farm.store.folder import FolderStore
from tests.publish.staging import BASE, CELL, inputs, now, order, recipe, stage

PLACE = channels.Place(BASE, now)


@pytest.fixture
def store(tmp_path):
    store = FolderStore(tmp_path / "store")
    for gcc, mark in (("1", b"1"), ("2", b"2")):
        of = order(
            channel="testing", recipe=recipe(optimize="pgo"), inputs=inputs(gcc), run=f"20261122-15300{mark.decode()}-a1b2c3"
        )
        publish(store, stage(store, of, mark=mark), of, clock=now)
    return store


def uv(store, channel):
    found = store.get(keys.uv_index(channel, "debian13"))
    return [each["build"] for each in json.loads(found[0]).values()] if found else None


OLD, NEW = "2026112201", "2026112202"


def test_a_yanked_build_gives_way_to_the_one_before_and_comes_back(store):
    assert channels.yank(store, CELL, NEW, "miscompiled", PLACE) == ["testing"]
    assert uv(store, "testing") == [OLD]
    assert {each.build_id: each.yanked for each in reading.entries(store, "testing", "debian13")} == {
        OLD: "",
        NEW: "miscompiled",
    }
    assert catalog.newest(store, CELL).build_id == OLD
    channels.yank(store, CELL, OLD, "also", PLACE)
    assert uv(store, "testing") == []
    assert catalog.newest(store, CELL) is None
    channels.give_back(store, CELL, NEW, PLACE)
    assert uv(store, "testing") == [NEW]


def test_its_files_stay_and_publishing_it_again_does_not_bring_it_back(store):
    before = {stat.key for stat in store.list("artifacts/")}
    channels.yank(store, CELL, NEW, "miscompiled", PLACE)
    of = order(channel="testing", recipe=recipe(optimize="pgo"), inputs=inputs("2"))
    assert offer_again(store, of, clock=now).build_id == NEW
    assert uv(store, "testing") == [OLD]
    assert {stat.key for stat in store.list("artifacts/")} == before


def test_what_is_not_there_cannot_be_yanked(store):
    with pytest.raises(BadInput, match="no build 2026010101") as caught:
        channels.yank(store, CELL, "2026010101", "x", PLACE)
    assert caught.value.hint == f"its builds: {OLD}, {NEW}"


def test_promotion_lists_the_same_build_elsewhere(store):
    build = catalog.newest(store, CELL, "testing")
    channels.promote(store, [build], "stable", PLACE)
    channels.promote(store, [build], "stable", PLACE)
    assert uv(store, "stable") == uv(store, "testing") == [NEW]
    assert catalog.newest(store, CELL, "stable").build_id == NEW
    assert {each.key for each in reading.entries(store, "stable", "debian13")[0].archives} == {
        each.key for each in reading.entries(store, "testing", "debian13")[1].archives
    }
    channels.yank(store, CELL, NEW, "x", PLACE)
    assert (uv(store, "stable"), uv(store, "testing")) == ([], [OLD])


def test_neither_a_yanked_nor_a_slow_build_is_promoted(store):
    channels.yank(store, CELL, NEW, "x", PLACE)
    new = catalog.published(store, CELL)[-1]
    with pytest.raises(BadInput, match="was yanked"):
        channels.promote(store, [new], "stable", PLACE)
    cell = Cell.parse("3.14.0-debian13-amd64")
    of = order(cell)
    publish(store, stage(store, of), of, clock=now)
    with pytest.raises(BadInput, match="optimize 'none'"):
        channels.promote(store, [catalog.newest(store, cell)], "stable", PLACE)
    assert uv(store, "stable") is None


def test_one_that_may_not_go_keeps_all_back(store):
    first = catalog.published(store, CELL)[0]
    slow = Cell.parse("3.14.0-debian13-amd64")
    of = order(slow)
    publish(store, stage(store, of), of, clock=now)
    channels.yank(store, CELL, NEW, "x", PLACE)
    before = {stat.key for stat in store.list("")}
    for bad, why in ((catalog.newest(store, slow), "optimize 'none'"), (catalog.published(store, CELL)[-1], "was yanked")):
        with pytest.raises(BadInput, match=why):
            channels.promote(store, [first, bad], "stable", PLACE)
        assert {stat.key for stat in store.list("")} == before


def test_a_signed_channel_takes_nothing_without_a_key(store):
    first, new = catalog.published(store, CELL)
    channels.promote(store, [first], "stable", replace(PLACE, signer=Signer.new()))
    with pytest.raises(BadInput, match="no key here"):
        channels.promote(store, [new], "stable", PLACE)
    assert [build.build_id for build in catalog.published(store, CELL) if build.channel == "stable"] == [OLD]


def call(store, monkeypatch, verb, *words):
    monkeypatch.setenv("FARM_STORE", str(store.root))
    monkeypatch.setenv("FARM_BASE_URL", BASE)
    done = CliRunner().invoke(verb, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_the_verbs(store, monkeypatch):
    said = call(store, monkeypatch, verbs.promote, "--from", "testing", "--to", "stable", "--run", "20261122-153001-a1b2c3")
    assert said == f"{CELL}, build {OLD}: now in stable\n"
    assert uv(store, "stable") == [OLD]
    call(store, monkeypatch, verbs.promote, str(CELL), "--from", "testing", "--to", "stable")
    assert uv(store, "stable") == [NEW]
    said = call(store, monkeypatch, verbs.yank, str(CELL), NEW, "--reason", "bad")
    assert said == f"{CELL}, build {NEW}, is no longer offered in stable, testing\n"
    assert uv(store, "stable") == [OLD]
    call(store, monkeypatch, verbs.yank, str(CELL), NEW, "--undo")
    assert uv(store, "stable") == [NEW]
    for words in ((), ("--reason", "x", "--undo")):
        with pytest.raises(BadInput, match="either"):
            call(store, monkeypatch, verbs.yank, str(CELL), NEW, *words)
    with pytest.raises(BadInput, match=r"does not have 3\.9"):
        call(store, monkeypatch, verbs.promote, "3.9.1-debian13-amd64", "--from", "testing", "--to", "stable")
    with pytest.raises(BadInput, match="say which"):
        call(store, monkeypatch, verbs.promote, "--from", "testing", "--to", "stable")


def test_a_run_goes_without_what_was_yanked_of_it(store, monkeypatch):
    run, other = "20261122-153001-a1b2c3", Cell.parse("3.14.0-debian13-amd64")
    of = order(other, channel="testing", recipe=recipe(other, optimize="pgo"), run=run)
    publish(store, stage(store, of), of, clock=now)
    channels.yank(store, CELL, OLD, "bad", PLACE)
    words = ("--from", "testing", "--to", "stable", "--run", run)
    said = call(store, monkeypatch, verbs.promote, *words)
    assert f"{CELL}, build {OLD}, was yanked: left out\n" in said
    assert f"{other}, build 2026112201: now in stable\n" in said
    assert [build.cell for build in catalog.published(store) if build.channel == "stable"] == [other]
    channels.yank(store, other, "2026112201", "bad", PLACE)
    with pytest.raises(BadInput, match="has nothing of that"):
        call(store, monkeypatch, verbs.promote, *words)


def test_a_copied_store_says_where_it_is_now(store, monkeypatch):
    channels.promote(store, [catalog.newest(store, CELL)], "stable", PLACE)
    before = {stat.key: store.get(stat.key)[0] for stat in store.list("channels/")}
    said = call(store, monkeypatch, verbs.index, "--base-url", "https://mirror.example.org")
    assert [line.split(":")[0] for line in said.splitlines()] == ["stable", "testing"]
    for key, data in before.items():
        moved = data.replace(BASE.encode(), b"https://mirror.example.org")
        moved = moved.replace(f"--from={urlsplit(BASE).netloc}/".encode(), b"--from=mirror.example.org/")
        moved = moved.replace(f'"oci":"{urlsplit(BASE).netloc}/'.encode(), b'"oci":"mirror.example.org/')
        assert store.get(key)[0] == moved
    call(store, monkeypatch, verbs.index)
    assert {stat.key: store.get(stat.key)[0] for stat in store.list("channels/")} == before
    for key in [stat.key for stat in store.list("") if stat.key.startswith(("channels/", "v2/"))]:
        store.delete(key)
    call(store, monkeypatch, verbs.index, "--relist")
    after = {stat.key: store.get(stat.key)[0] for stat in store.list("channels/")}
    assert {key for key in before if "shards" not in key} <= set(after)
    assert [after[key] == before[key] for key in before if "index.json" not in key and "shards" not in key].count(False) == 0
    with pytest.raises(BadInput, match="nothing is published"):
        call(store, monkeypatch, verbs.index, "--channel", "nightly")
