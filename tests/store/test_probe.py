"""`farm store check`: each bad habit of a store is seen, named, and decides what the farm does."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from farm.cli.main import cli
from farm.errors import Conflict
from farm.settings import Settings
from farm.store.folder import FolderStore
from farm.store.open import open_for_probing
from farm.store.probe import probe
from tests.fakes import HostileStore
from tests.fixtures_s3 import ADMIN
from tests.hostile_s3 import BUCKET, HostileS3


@pytest.fixture
def server():
    with HostileS3().running() as running:
        yield running


def probed(server, habits=None):
    store, part = open_for_probing(Settings(store=f"s3://{BUCKET}", s3=server.settings))
    if habits:
        habits(server)
    found = probe(store, part=part)
    assert [key for key in server.objects if key != "layout"] == [], "the probes left something"
    return found, {one.name: one for one in found.seen}


def test_a_real_server_is_fit_for_many_publishers(s3_server):
    settings = Settings(store=f"s3://{s3_server.bucket()}/some/where", s3=s3_server.settings())
    store, part = open_for_probing(settings)
    found = probe(store, part=part)
    assert [(one.name, one.mark) for one in found.seen if one.mark != "ok"] == []
    assert {one.name for one in found.seen} == {
        *("bytes", "If-None-Match", "If-Match", "multipart", "listing", "uploads", "checksums", "clock")
    }
    assert found.verdict == "many"
    assert [stat.key for stat in store.list("")] == ["layout"]


def test_a_folder_is_fit_for_many_publishers(tmp_path):
    found = probe(FolderStore(tmp_path / "store"))
    assert found.verdict == "many"
    assert {one.mark for one in found.seen} == {"ok", "skipped"}


@pytest.mark.parametrize(
    ("ignored", "names"),
    [({"if-none-match"}, {"If-None-Match", "multipart"}), ({"if-match"}, {"If-Match"})],
)
def test_ignored_conditions_leave_one_publisher(server, ignored, names):
    _, seen = probed(server, lambda server: server.manners.ignores.update(ignored))
    assert {name for name, one in seen.items() if one.bars == "one"} == names
    assert all("silently ignored" in seen[name].said for name in names)


def test_presigned_addresses_that_nobody_checks_bar_everybody(server):
    found, seen = probed(server)
    assert found.verdict == "none"
    assert "another object's name and one that had expired was accepted" in seen["uploads"].said
    assert seen["checksums"].mark == "warning"


def test_old_listings_bar_everybody(server):
    store, part = open_for_probing(Settings(store=f"s3://{BUCKET}", s3=server.settings))
    server.grow_old()
    seen = {one.name: one for one in probe(store, part=part).seen}
    assert seen["listing"].bars == "none"
    assert "of 20 objects just written 0 were shown" in seen["listing"].said


def test_uploads_that_lose_bytes_bar_everybody(server):
    def lose(server):
        server.manners.loses = [2, 1, 6, 100]  # the layout, the probes' first two, then the mebibyte

    _, seen = probed(server, lose)
    assert seen["bytes"].bars == "none"


def test_a_clock_that_is_off_is_told(server):
    def late(server):
        server.manners.late_s = 600

    _, seen = probed(server, late)
    assert seen["clock"].mark == "warning"
    assert "behind this host's" in seen["clock"].said


def test_conditions_that_hold_only_without_a_race_are_seen(monkeypatch):
    """As SeaweedFS 4.16 did: the second of two is refused, but of many at once several win."""
    store = HostileStore()
    monkeypatch.setattr(store, "_refuses", lambda held, absent, match: HostileStore._refuses(store, held, False, match))
    whole = store.put

    def put(key, data, *, if_absent=False, if_match=""):
        if if_absent and key.endswith("/once"):
            raise Conflict("there")
        return whole(key, data, if_absent=if_absent, if_match=if_match)

    monkeypatch.setattr(store, "put", put)
    monkeypatch.setattr(store, "upload_url", lambda key, expires_s: "file:///x")
    (seen,) = [one for one in probe(store).seen if one.name == "If-None-Match"]
    assert seen.bars == "one"
    assert "8 of 8 created one object at once" in seen.said


def told(store, settings, *words):
    environment = {"FARM_STORE": store, "FARM_S3_ENDPOINT": settings.endpoint}
    environment |= {"FARM_S3_ACCESS_KEY": ADMIN[0], "FARM_S3_SECRET_KEY": ADMIN[1]}
    done = CliRunner().invoke(cli, ["store", "check", *words], env=environment)
    return done.exit_code, done.output


def test_the_verb_says_what_it_means(server, s3_server):
    code, out = told(f"s3://{BUCKET}", server.settings)
    assert code == 4
    assert out.splitlines()[-1] == "so: refused: this store cannot hold a farm"
    code, out = told(f"s3://{BUCKET}", server.settings, "--json")
    assert code == 4
    assert json.loads(out)["verdict"] == "none"
    code, out = told(f"s3://{s3_server.shared}/checked", s3_server.settings())
    assert code == 0
    assert "so: as many schedulers and submits as you like may publish at once" in out
    assert ADMIN[1] not in out
