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
PACKAGE = "libexpat1"  # small, and the image is without it
TELL = f"python3; dpkg-query --show --showformat='${{Package}} ${{db:Status-Status}}' {PACKAGE}"
TELLS = f"{PRINTS}\n{PACKAGE} installed"


@pytest.fixture
def offered(shop, host_arch, box_image):
    """The entry of a Python that prints its version and needs a package, and its snippets on the image at hand."""
    entry = shop.offer(f"3.13.5-debian13-{host_arch}", runtime=(PACKAGE,))
    made = snippets(entry, CHANNEL, shop.base_url, load_facts())
    return entry, {each.name: each.text.replace("debian:13-slim", box_image) for each in made}


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
    """Build an image with the classic builder: what its Python and dpkg say; the network is the host's, for loopback."""
    client = docker.DockerClient(base_url=url, timeout=300)
    image, _ = client.images.build(
        fileobj=context(folder, lines, *files), custom_context=True, rm=True, forcerm=True, network_mode="host"
    )
    try:
        container = client.containers.create(image.id, ["sh", "-ec", TELL], network_mode="none")
        try:
            container.start()
            assert container.wait()["StatusCode"] == 0
            return container.logs().decode().strip()  # only now: whoever follows them may miss the last lines of a busy engine
        finally:
            container.remove()
    finally:
        client.images.remove(image.id, force=True)
        client.close()


@pytest.mark.engine
def test_the_image_is_without_the_package(engine_url, box_image):
    """Or no build would show that the line which installs it does so."""
    client = docker.DockerClient(base_url=engine_url)
    with pytest.raises(docker.errors.ContainerError, match="no packages found"):
        client.containers.run(box_image, ["dpkg-query", "--show", PACKAGE], remove=True, network_mode="none")
    client.close()


@pytest.mark.engine
def test_a_local_archive_is_added(shop, offered, engine_url, tmp_path):
    entry, texts = offered
    assert built_and_run(engine_url, tmp_path, texts["dockerfile"], shop.store.root / entry.archives[0].key) == TELLS


@pytest.mark.engine
def test_a_stage_fetches_compares_and_unpacks(offered, engine_url, tmp_path):
    """With curl from the distro, as the line before says."""
    assert built_and_run(engine_url, tmp_path, offered[1]["stages"]) == TELLS


@pytest.mark.engine
def test_a_stage_ends_where_the_checksum_is_another(shop, offered, engine_url, tmp_path):
    entry, texts = offered
    shop.spoil(entry.archives[0].key)
    with pytest.raises(docker.errors.BuildError, match="returned a non-zero code"):
        built_and_run(engine_url, tmp_path, texts["stages"])


@pytest.mark.engine
def test_the_store_is_copied_from_as_a_registry(shop, offered, engine_url, tmp_path):
    assert built_and_run(engine_url, tmp_path, offered[1]["registry"]) == TELLS
    client = docker.DockerClient(base_url=engine_url)
    client.images.remove(f"{shop.base_url.removeprefix('http://')}/python:3.13.5-debian13", force=True)
    client.close()


@pytest.fixture
def buildkit(engine_url, box_image, tmp_path):
    """An engine with one image in it and nothing in its cache: what has the right checksum is not fetched again."""
    client = docker.DockerClient(base_url=engine_url)
    with newer.engine() as environment:
        with subprocess.Popen(["docker", "load"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as loading:
            for chunk in client.images.get(box_image).save(named=box_image):
                loading.stdin.write(chunk)
        assert loading.returncode == 0
        yield environment
    client.close()


@pytest.mark.engine
@pytest.mark.parametrize("spoiled", [False, True])
def test_buildkit_fetches_compares_and_unpacks(shop, offered, buildkit, tmp_path, spoiled):
    """Without the line that names the frontend: the engine would fetch that from a registry, and has one itself."""
    entry, texts = offered
    lines = texts["buildkit"].replace("# syntax=docker/dockerfile:1\n", "")
    if spoiled:
        shop.spoil(entry.archives[0].key)
    (tmp_path / "Dockerfile").write_text(lines)
    building = ["docker", "buildx", "build", "--network=host", "--load", "--tag=python-farm/test-built", str(tmp_path)]
    done = subprocess.run(building, env=buildkit, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode == 0) is not spoiled, done.stderr
    if spoiled:
        assert "digest mismatch" in done.stderr
        return
    running = ["docker", "run", "--rm", "--network=none", "python-farm/test-built", "sh", "-ec", TELL]
    assert subprocess.run(running, env=buildkit, capture_output=True, text=True, timeout=60, check=True).stdout == TELLS
