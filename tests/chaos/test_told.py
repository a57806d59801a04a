"""A secret that a run tells is found, wherever it lies."""

from types import SimpleNamespace

import pytest

from tests.chaos.told import told
from tests.fixtures_s3 import ADMIN

PASSWORD = "f00dbabe"


@pytest.fixture
def site(tmp_path):
    """What a run leaves that told nothing."""
    (tmp_path / "s3.json").write_text(ADMIN[1])
    (tmp_path / "redis").mkdir()
    (tmp_path / "redis" / "appendonly.aof").write_text("https://store/staging/x?X-Amz-Signature=1")
    services = [SimpleNamespace(log=tmp_path / f"{name}.log") for name in ("scheduler0", "worker0")]
    for service in services:
        service.log.write_text("all is well")
    objects = {"catalog/a.json": b"{}", "runs/r/logs/a/1.log": b"making"}
    return SimpleNamespace(
        folder=tmp_path, redis_password=PASSWORD, schedulers=services[:1], workers=services[1:], objects=lambda: objects
    )


def test_nothing_is_found_where_nothing_was_told(site):
    assert told(site) == []


@pytest.mark.parametrize(("secret", "name"), [(ADMIN[1], "the store's key"), (PASSWORD, "Redis' password")])
@pytest.mark.parametrize("place", ["worker0.log", "state/kept/note.json", "tmp/worker0/x", "runs/r/logs/a/1.log"])
def test_a_secret_is_found(site, secret, name, place):
    if place in site.objects():
        site.objects()[place] = f"url {secret}".encode()
    else:
        (site.folder / place).parent.mkdir(parents=True, exist_ok=True)
        (site.folder / place).write_text(f"redis://:{secret}@127.0.0.1/0")
    assert told(site) == [f"{place}: {name}"]


def test_an_address_of_an_upload_is_a_secret(site):
    site.workers[0].log.write_text("PUT https://store/staging/x?X-Amz-Signature=1 failed")
    assert told(site) == ["worker0.log: a signed address"]


def test_a_run_that_said_nothing_shows_nothing(site):
    site.workers[0].log.write_text("")
    with pytest.raises(AssertionError, match=r"these said nothing.*worker0\.log"):
        told(site)
