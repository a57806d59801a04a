"""The Dockerfiles that the catalog shows, built: by the engine at hand, and where there is one by a builder with BuildKit."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile

import docker
import pytest

from farm.plan.facts import load_facts
from farm.site.snippets import snippets
from tests.clients import newer
from tests.clients.shop import CHANNEL

PRINTS = "Python 3.13.5 2026112201"


@pytest.fixture
def offered(shop, host_arch):
    """The entry of a Python that prints its version, and its snippets."""
    entry = shop.offer(f"3.13.5-debian13-{host_arch}")
    return entry, {each.name: each.text for each in snippets(entry, CHANNEL, shop.base_url, load_facts())}


def context(folder, lines, *files):
    (folder / "Dockerfile").write_text(lines)
    for path in files:
        shutil.copy(path, folder)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path in folder.iterdir():
            tar.add(path, arcname=path.name)
    packed.seek(0)
    return packed


def built_and_run(url, folder, lines, *files):
    """Build an image with the classic builder and run its Python; no network but the host's, as on loopback."""
    client = docker.DockerClient(base_url=url, timeout=300)
    image, _ = client.images.build(
        fileobj=context(folder, lines, *files), custom_context=True, rm=True, forcerm=True, network_mode="host"
    )
    try:
        return client.containers.run(image.id, ["python3"], remove=True, network_mode="none").decode().strip()
    finally:
        client.images.remove(image.id, force=True)
        client.close()


@pytest.mark.engine
def test_a_local_archive_is_added(shop, offered, engine_url, box_image, tmp_path):
    entry, texts = offered
    lines = texts["dockerfile"].replace("debian:13-slim", box_image)
    assert built_and_run(engine_url, tmp_path, lines, shop.store.root / entry.archives[0].key) == PRINTS


@pytest.mark.engine
def test_a_stage_fetches_compares_and_unpacks(offered, engine_url, box_image, tmp_path):
    """With curl from the distro, as the line before says."""
    texts = offered[1]
    fetching = texts["stages"].replace("debian:13-slim", box_image)
    assert built_and_run(engine_url, tmp_path, fetching) == PRINTS


@pytest.mark.engine
def test_a_stage_ends_where_the_checksum_is_another(shop, offered, engine_url, box_image, tmp_path):
    entry, texts = offered
    shop.spoil(entry.archives[0].key)
    with pytest.raises(docker.errors.BuildError, match="returned a non-zero code"):
        built_and_run(engine_url, tmp_path, texts["stages"].replace("debian:13-slim", box_image))


@pytest.fixture
def buildkit():
    """An engine with nothing in its cache: what has the right checksum is not fetched again."""
    with newer.engine() as environment:
        yield environment


@pytest.mark.parametrize("spoiled", [False, True])
def test_buildkit_fetches_compares_and_unpacks(shop, offered, buildkit, tmp_path, spoiled):
    entry, texts = offered
    lines = texts["buildkit"].replace("# syntax=docker/dockerfile:1\n", "").replace("debian:13-slim", "scratch")
    if spoiled:
        shop.spoil(entry.archives[0].key)
    (tmp_path / "Dockerfile").write_text(lines)
    words = ["docker", "buildx", "build", "--network=host", f"--output=type=local,dest={tmp_path}/out", str(tmp_path)]
    done = subprocess.run(words, env=buildkit, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode == 0) is not spoiled, done.stderr
    if spoiled:
        assert "digest mismatch" in done.stderr
    else:
        assert PRINTS in (tmp_path / "out/opt/python/bin/python3.13").read_text()
