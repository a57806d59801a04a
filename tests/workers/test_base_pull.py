"""The pull path for real: Debian's own registry on loopback, a base image pushed to it, and pulled again."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import tarfile
import time
from typing import TYPE_CHECKING

import docker
import pytest
import requests

from farm.settings import Settings
from workers.build.base import Release, ensure_base

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

CONFIG = """
version: 0.1
log: {{accesslog: {{disabled: true}}, level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/images}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
RELEASE = Release("pulltest1", "library/debian:13-slim", ("trixie",), "/nowhere.gpg")


def _registry_program(folder: Path) -> str:
    """The registry's program: installed, or unpacked from its Debian package without installing it."""
    if installed := shutil.which("docker-registry"):
        return installed
    if not shutil.which("apt-get"):
        pytest.skip("needs docker-registry, or apt to get it")
    download = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", "docker-registry"]
    if subprocess.run(download, cwd=folder, check=False, capture_output=True).returncode:
        if os.geteuid() != 0:
            pytest.skip("apt has no docker-registry, and only root can update its lists")
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(download, cwd=folder, check=True)
    (package,) = folder.glob("docker-registry_*.deb")
    subprocess.run(["dpkg", "-x", package, folder / "unpacked"], check=True)
    return str(folder / "unpacked/usr/bin/docker-registry")


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Host and port of a registry of our own."""
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "config.yml"
    config.write_text(CONFIG.format(folder=folder, port=address.partition(":")[2]))
    program = _registry_program(folder)
    with (folder / "log").open("wb") as log, subprocess.Popen([program, "serve", config], stdout=log, stderr=log) as process:
        try:
            _wait_for(address, process, folder / "log")
            yield address
        finally:
            process.terminate()


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        try:
            requests.get(f"http://{address}/v2/", timeout=2, proxies={"http": ""}).raise_for_status()
        except requests.RequestException:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the registry did not come up: {log.read_text()[-500:]}")


def _rootfs() -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo("etc/os-release")
        member.size = len(b"ID=debian\n")
        tar.addfile(member, io.BytesIO(b"ID=debian\n"))
    return stream.getvalue()


@pytest.fixture
def client(engine_url):
    client = docker.DockerClient(base_url=engine_url)
    yield client
    client.close()


@pytest.mark.parametrize("mode", ["auto", "pull"])
def test_a_base_image_is_pulled_from_a_registry(registry, client, engine, host_arch, tmp_path, mode):
    name = f"{registry}/{RELEASE.image}"
    engine.load_base(io.BytesIO(_rootfs()), name, arch=host_arch)
    pushed = engine.layers(name)
    answer = client.images.push(name)
    assert "error" not in answer
    client.images.remove(name)
    settings = Settings(cache=tmp_path / "cache", base_image=mode, registry=registry)
    try:
        base = ensure_base(RELEASE, host_arch, engine, settings, print)
        assert (base.name, base.how, base.layers) == (name, "pull", pushed)
    finally:
        client.images.remove(name, force=True)
