"""What tests of the build wing share: a kernel that runs programs of another arch, a server of source archives."""

import hashlib
import threading

import pytest

from farm.plan.facts import load_facts
from farm.plan.recipe import Source
from tests.fakes import SourceServer
from workers.build.sources import Patience

EMULATOR = load_facts().arches["arm64"].emulators["amd64"]
BODY = b"\x1f\x8b" + bytes(range(256)) * 2000
SOURCE = Source(
    file="Python-3.13.5.tar.xz",
    sha256=hashlib.sha256(BODY).hexdigest(),
    path="3.13.5/Python-3.13.5.tar.xz",
    pool="pool/main/p/python3.13/python3.13_3.13.5.orig.tar.xz",
    epoch=0,
)
HURRY = Patience(connect_s=2, stall_s=0.3, whole_s=5, pause_s=0, redirects=3, bytes=1 << 20)
# The paths are the real ones.
ORG = "/ftp/python/3.13.5/Python-3.13.5.tar.xz"
MIRROR = "/mirror/3.13.5/Python-3.13.5.tar.xz"
POOL = "/debian/pool/main/p/python3.13/python3.13_3.13.5.orig.tar.xz"


@pytest.fixture
def kernel(tmp_path):
    """What /proc/sys/fs/binfmt_misc would look like: `kernel(version, flags, state)` registers a qemu."""
    folder = tmp_path / "binfmt"
    folder.mkdir()
    for name in ("register", "status"):
        (folder / name).touch()

    def register(version="10.0.13", flags="OCF", state="enabled", mask=EMULATOR.mask, name="qemu-aarch64", here=True):
        program = tmp_path / f"program-of-{name}"
        if here:
            program.write_text(f"#!/bin/sh\necho qemu-aarch64 version {version} '(Debian 1:{version}+ds)'\n")
            program.chmod(0o755)
        entry = f"{state}\ninterpreter {program}\nflags: {flags}\noffset 0\nmagic {EMULATOR.magic}\nmask {mask}\n"
        (folder / name).write_text(entry)
        return folder

    return register


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("FARM_SOURCES", raising=False)  # a folder of this host
    with SourceServer(BODY) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def lines():
    return []
