"""What pages say, without a browser."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from farm.index import update
from farm.plan.cell import Cell
from farm.plan.facts import load_facts
from farm.publish.publisher import publish
from farm.site import pages
from farm.site.model import Channel
from farm.site.snippets import filled, snippets
from farm.store import keys
from farm.store.artifact import Yank
from tests.fakes import MemoryStore
from tests.index.test_render import BASE, entry, with_tar
from tests.index.test_update import now
from tests.publish.staging import order, recipe, stage

CELL = "3.13.5-debian13-amd64"
FACTS = load_facts()


def add(store, cell=CELL, build_id="2026112201", **changed):
    update.add(store, "stable", entry(cell, build_id).model_copy(update=changed), base_url=BASE, clock=now)


def text(store, name):
    return store.objects[keys.site("stable", name)].decode()


def said(store):
    return Channel.parse(store.objects[keys.site("stable", "data/channel.js")])


def test_lines_without_a_value_and_texts_with_an_unknown_place_are_left_out():
    assert filled("a {x}\nb {y}\nc", {"x": "1", "y": ""}) == "a 1\nc"
    assert filled("a {x}\nb {z}", {"x": "1"}) == ""


def test_snippets_name_packages_address_and_checksum():
    made = with_tar(entry(CELL)).model_copy(update={"runtime": ("libssl3t64", "zlib1g")})
    found = {each.name: each.text for each in snippets(made, "stable", BASE, FACTS)}
    assert "libssl3t64 zlib1g" in found["dockerfile"]
    assert found["dockerfile"].startswith("FROM debian:13-slim\nRUN apt-get update")
    assert f"--checksum=sha256:{12:064x} --unpack=true {BASE}/artifacts/" in found["buildkit"]
    assert "COPY --from=python.example.org/python:3.13.5-debian13 /python /opt/python" in found["registry"]
    assert found["uv"] == f"uv python install --python-downloads-json-url {BASE}/channels/stable/uv/debian13.json 3.13.5"


def test_a_build_without_packages_installs_none_and_one_that_uv_cannot_use_has_no_uv():
    found = {each.name: each.text for each in snippets(entry("2.7.18-debian11-amd64", uv=False), "stable", BASE, FACTS)}
    assert "RUN" not in found["dockerfile"]
    assert "uv" not in found


def test_a_distro_that_we_know_nothing_of_has_the_snippets_that_need_nothing_of_it():
    found = {each.name for each in snippets(entry("3.13.5-beos5-amd64"), "stable", BASE, FACTS)}
    assert found == {"uv", "mise", "curl"}


def test_a_rebuild_changes_the_page_of_the_build_before():
    store = MemoryStore()
    add(store)
    assert "The first build of this cell" in text(store, f"builds/{CELL}/2026112201.html")
    for number in range(2, 9):
        add(store, build_id=f"20261122{number:02}")
    before = text(store, f"builds/{CELL}/2026112207.html")
    assert 'href="2026112208.html"' in before
    assert 'href="2026112206.html"' in before


def test_a_build_whose_metadata_names_no_checks_names_none():
    store, of = MemoryStore(), order(channel="stable", recipe=recipe(optimize="pgo"))
    publish(store, stage(store, of), of, clock=now)
    page = text(store, f"builds/{CELL}/2026112201.html")
    assert "The archive passed every check that publishing needs, in debian:13-slim" in page
    assert "Which checks" not in page


def test_a_page_has_the_checksum_of_every_archive():
    store, of = MemoryStore(), order(channel="stable", recipe=recipe(optimize="pgo"))
    artifact = publish(store, stage(store, of), of, clock=now)
    page = text(store, f"builds/{CELL}/2026112201.html")
    assert len(artifact.archives) == 3
    for archive in artifact.archives:
        assert archive.sha256 in page, archive.name


def test_a_yank_is_said_and_another_build_offered():
    store = MemoryStore()
    add(store)
    add(store, build_id="2026112202")
    mark = Yank(reason="<b>miscompiled</b>", when="2026-11-22T15:30:00Z").model_dump_json().encode()
    store.put(keys.yank(Cell.parse(CELL), "2026112202"), mark)
    add(store, build_id="2026112202")
    page = text(store, f"builds/{CELL}/2026112202.html")
    assert "&lt;b&gt;miscompiled&lt;/b&gt;" in page
    assert "There is a newer build" not in page
    assert [each.build_id for each in said(store).recent] == ["2026112201"]
    assert '"build":"2026112201"' in text(store, "data/debian13.js")


def test_the_last_cell_of_a_distro_that_is_yanked_takes_the_distro_away():
    channel = Channel(channel="stable").told("debian13", [entry(CELL)], BASE, FACTS)
    assert channel.distros == {"debian13": (CELL,)}
    assert channel.told("debian13", [], BASE, FACTS).distros == {}


def test_the_feed_is_atom_and_the_newest_stands_first():
    store = MemoryStore()
    add(store, created="2026-11-21T10:00:00Z")
    add(store, cell="3.14.0-debian12-arm64", created="2026-11-22T10:00:00Z", runtime=("libssl3",))
    atom = "{http://www.w3.org/2005/Atom}"
    feed = ET.fromstring(text(store, "feed.atom"))
    assert feed.find(f"{atom}updated").text == "2026-11-22T10:00:00Z"
    titles = [each.find(f"{atom}title").text for each in feed.findall(f"{atom}entry")]
    assert titles == ["3.14.0-debian12-arm64, build 2026112201", f"{CELL}, build 2026112201"]
    for each in feed.iter(f"{atom}id"):
        assert each.text.removeprefix(f"{BASE}/") in store.objects


def test_a_channel_comes_back_from_its_script_which_ends_no_element():
    channel = Channel(channel="stable").told("debian13", [entry(CELL)], "</script>", FACTS)
    assert Channel.parse(channel.script()) == channel
    assert b"</" not in channel.script()
    json.loads(channel.script()[len("farm.channel(") : -3])


@pytest.mark.parametrize("name", ["index.html", "build.html", "style.css", "app.js", "icon.svg"])
def test_nothing_is_loaded_from_elsewhere(name):
    said = pages.asset(name).decode().replace("http://www.w3.org/2000/svg", "")
    assert "//" not in said.replace("// ", "")


def test_a_distro_whose_facts_are_untested_is_marked():
    store = MemoryStore()
    add(store)
    add(store, "3.13.5-rocky9-amd64")
    assert list(said(store).untested) == ["rocky9"]
    assert said(store).untested["rocky9"].startswith("no cell was built on it yet")
