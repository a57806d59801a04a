"""The store as a container registry: plain objects, which skopeo and the Docker engine take for one."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import threading
from functools import partial
from http.server import ThreadingHTTPServer

import docker
import pytest
import requests
from click.testing import CliRunner

from farm.cli.export import export
from farm.errors import BadInput
from farm.index import oci
from farm.plan.cell import Cell
from farm.store import keys
from farm.store.s3 import S3Store
from tests.clients.conftest import run
from tests.clients.shop import CHANNEL, Shop
from tests.fakes import Host, HostOfBucket

OLD, NEW = "2026112201", "2026112202"
AMD, ARM = "3.13.5-debian13-amd64", "3.13.5-debian13-arm64"


@pytest.fixture
def skopeo(home, shop):
    if not (program := shutil.which("skopeo")):
        pytest.skip("skopeo is not installed")

    def call(*words, ok=True):
        return run(home, program, "--insecure-policy", *words, ok=ok)

    return call


@pytest.fixture
def host(shop):
    return shop.base_url.removeprefix("http://")


def copied(skopeo, host, tag, arch, folder):
    skopeo("--override-arch", arch, "copy", "--src-tls-verify=false", f"docker://{host}/python:{tag}", f"oci:{folder}:x")
    (entry,) = json.loads((folder / "index.json").read_text())["manifests"]
    blob = folder / "blobs" / "sha256"
    manifest = json.loads((blob / entry["digest"][7:]).read_text())
    config = json.loads((blob / manifest["config"]["digest"][7:]).read_text())
    return manifest, config, (blob / manifest["layers"][0]["digest"][7:]).read_bytes()


def test_skopeo_copies_the_image_of_each_arch_and_its_layer_is_the_archive(shop, skopeo, host, tmp_path):
    offered = {"amd64": shop.offer(AMD, NEW), "arm64": shop.offer(ARM, OLD)}
    for arch, entry in offered.items():
        manifest, config, layer = copied(skopeo, host, "3.13.5-debian13", arch, tmp_path / arch)
        assert (config["architecture"], config["os"]) == (arch, "linux")
        assert hashlib.sha256(layer).hexdigest() == entry.archives[0].sha256
        assert manifest["annotations"]["org.opencontainers.image.revision"] == entry.build_id
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            assert "python/bin/python3" in tar.getnames()


def test_a_tag_moves_to_the_newest_and_a_digest_stays(shop, skopeo, host, tmp_path):
    first = shop.offer(AMD, OLD)
    before = oci.digest(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/python:3.13-debian13").encode())
    shop.offer(AMD, NEW)
    shop.offer("3.13.6-debian13-amd64", OLD)
    config = copied(skopeo, host, "3.13-debian13", "amd64", tmp_path / "a")[1]
    assert config["config"]["Labels"]["org.opencontainers.image.version"] == "3.13.6"
    pinned = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{host}/python@{before}")
    (manifest,) = json.loads(pinned)["manifests"]
    assert manifest["digest"] == oci.digest(oci.image(first).manifest)


REFUSALS = {
    "layer": "Digest did not match, expected sha256:",
    "configuration": "does not match expected sha256:",
    "manifest": "Manifest does not match provided manifest digest",
    "index": "Manifest does not match provided manifest digest",
}


@pytest.mark.parametrize("what", REFUSALS)
def test_what_was_changed_is_refused_and_the_rest_of_the_store_is_not(shop, skopeo, host, tmp_path, what):
    shop.offer(ARM)
    image = oci.image(shop.offer(AMD))
    tag = oci.release_tag(CHANNEL, Cell.parse(AMD))
    index = oci.digest(shop.store.get(tag)[0])
    changed = {
        "layer": keys.oci_blob(f"sha256:{image.layer.sha256}"),
        "configuration": keys.oci_blob(oci.digest(image.config)),
        "manifest": keys.oci_manifest(oci.digest(image.manifest)),
        "index": keys.oci_manifest(index),
    }
    shop.spoil(changed[what])
    source, target = f"docker://{host}/python@{index}", f"oci:{tmp_path}/x:x"
    said = skopeo("--override-arch", "amd64", "copy", "--src-tls-verify=false", source, target, ok=False)
    assert REFUSALS[what] in said
    assert not (tmp_path / "x" / "index.json").exists()
    if what != "index":
        skopeo("--override-arch", "arm64", "copy", "--src-tls-verify=false", source, target)


@pytest.mark.parametrize(
    ("name", "arch", "said"),
    [
        (":3.14-debian13", "amd64", "StatusCode: 404"),
        (":3.13-debian12", "amd64", "StatusCode: 404"),
        (f"@sha256:{0:064}", "amd64", "StatusCode: 404"),
        (":3.13-debian13", "arm64", "no image found"),
    ],
    ids=["tag of a series", "tag of a distro", "digest", "arch"],
)
def test_what_is_not_there_is_not_found(shop, skopeo, host, tmp_path, name, arch, said):
    shop.offer(AMD)
    source, target = f"docker://{host}/python{name}", f"oci:{tmp_path}/x:x"
    output = skopeo("--override-arch", arch, "copy", "--src-tls-verify=false", source, target, ok=False)
    assert said in output
    assert not (tmp_path / "x" / "index.json").exists()


@pytest.mark.parametrize(
    ("host", "works"),
    [({}, True), ({"registry": 404}, False), ({"registry": 403}, False), ({"types_kept": False}, False)],
    ids=["bucket behind a proxy", "bucket that is asked for v2/", "private listing", "server without types"],
)
def test_a_plain_host_is_a_registry_if_it_keeps_types_and_answers_for_v2(shop, skopeo, tmp_path, host, works):
    shop.offer(AMD)
    handler = partial(type("Handler", (Host,), host), directory=str(shop.store.root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        source = f"docker://127.0.0.1:{running.server_port}/python:3.13-debian13"
        target = f"oci:{tmp_path}/x:x"
        skopeo("--override-arch", "amd64", "copy", "--src-tls-verify=false", source, target, ok=works)
        running.shutdown()
        thread.join()


@pytest.fixture
def laid_out(shop, tmp_path, monkeypatch):
    for name, value in {"STORE": shop.store.root, "CACHE": tmp_path / "cache", "STATE": tmp_path / "state"}.items():
        monkeypatch.setenv(f"FARM_{name}", str(value))
    words = ["oci-layout", "--to", str(tmp_path / "images"), "--distro", "debian13"]

    def call():
        return CliRunner().invoke(export, words, catch_exceptions=False).output.split()

    return call


def test_skopeo_takes_the_image_layout_and_pushes_all_arches_of_it(shop, skopeo, laid_out, tmp_path):
    offered = {"amd64": shop.offer(AMD, NEW), "arm64": shop.offer(ARM, OLD)}
    folder = tmp_path / "images"
    assert laid_out() == [f"oci:{folder}:3.13-debian13", f"oci:{folder}:3.13.5-debian13"]
    assert laid_out() == [f"oci:{folder}:3.13-debian13", f"oci:{folder}:3.13.5-debian13"]  # once more over the same folder
    raw = skopeo("inspect", "--raw", f"oci:{folder}:3.13-debian13").encode()
    assert shop.store.get(keys.oci_manifest("3.13-debian13"))[0] == raw.strip()
    skopeo("copy", "--all", f"oci:{folder}:3.13-debian13", f"oci:{tmp_path}/copy:x")
    for entry in offered.values():
        layer = tmp_path / "copy" / "blobs" / "sha256" / entry.archives[0].sha256
        assert hashlib.sha256(layer.read_bytes()).hexdigest() == entry.archives[0].sha256
    for name in (path for path in (folder / "blobs" / "sha256").iterdir()):
        assert hashlib.sha256(name.read_bytes()).hexdigest() == name.name


def test_a_layout_of_nothing_is_refused(shop, laid_out):
    shop.offer("3.13.5-debian12-amd64")
    with pytest.raises(BadInput, match="has nothing for debian13"):
        laid_out()


def test_tags_name_variants_and_channels():
    cell = Cell.parse("3.14.0-debian13-amd64-freethreaded")
    assert oci.series_tag("dev", cell).rpartition("/")[2] == "dev-3.14-freethreaded-debian13"
    assert oci.release_tag("stable", Cell.parse(AMD)).rpartition("/")[2] == "3.13.5-debian13"


def test_a_bucket_keeps_the_types_that_clients_insist_on(s3_server):
    store = s3_server.store()
    tag, blob = keys.oci_manifest("3.13-debian13"), keys.oci_blob("sha256:" + "0" * 64)
    store.put(tag, oci.index([]))
    store.put(blob, b"{}")
    assert [stat.key for stat in store.list("v2/")] == [blob, tag]
    types = [store._client.head_object(**store._where(key))["ContentType"] for key in (tag, blob)]
    assert types == [oci.INDEX, "application/octet-stream"]


@pytest.fixture
def bucket(s3_server):
    """A shop in a bucket that anybody may read, at the root of a host name of the bucket's own."""
    name = s3_server.bucket(public=True)
    handler = type("Handler", (HostOfBucket,), {"bucket": f"{s3_server.endpoint}/{name}"})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield Shop(S3Store(name, "", s3_server.settings()), f"http://127.0.0.1:{running.server_port}")
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("marked", [False, True], ids=["as it is", "with the object v2/"])
def test_seaweedfs_is_a_registry_by_itself(bucket, skopeo, tmp_path, marked):
    """It answers for what it takes for a folder. Others want the object that docs/clients.md names; ours never touches it."""
    entry = bucket.offer(AMD)
    if marked:
        client = bucket.store._client
        client.put_object(Bucket=bucket.store._where("x")["Bucket"], Key="v2/", ContentType="application/json")
        assert requests.get(bucket.url("v2/"), timeout=10).status_code == 200
        assert "v2/" not in [stat.key for stat in bucket.store.list("")]
    layer = copied(skopeo, bucket.base_url.removeprefix("http://"), "3.13-debian13", "amd64", tmp_path / "x")[2]
    assert hashlib.sha256(layer).hexdigest() == next(a.sha256 for a in entry.archives if a.format == "tar.gz")


# --- Docker Engine --------------------------------------------------------------------------------------------------


@pytest.fixture
def engine(engine_url):
    client = docker.DockerClient(base_url=engine_url)
    yield client
    client.close()


@pytest.mark.engine
def test_docker_pulls_it(shop, engine, host, host_arch):
    shop.offer(f"3.13.5-debian13-{host_arch}")
    image = engine.images.pull(f"{host}/python", tag="3.13-debian13")
    try:
        assert image.attrs["Architecture"] == host_arch
        assert image.labels["org.opencontainers.image.version"] == "3.13.5"
    finally:
        engine.images.remove(image.id, force=True)
