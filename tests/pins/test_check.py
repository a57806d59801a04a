"""`farm pins update` as a timer runs it: the build wing asks a mirror of our own; the exit code says what it found."""

from __future__ import annotations

import hashlib
import lzma
import os
import shutil
import subprocess
import sys
import threading
import tomllib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.pins.test_looking import archive
from workers.pins import debian

NOBODY = "http://127.0.0.1:9"

pytestmark = pytest.mark.skipif(not (shutil.which("gpg") and shutil.which("gpgv")), reason="needs the gpg and gpgv commands")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def gpg(tmp_path):
    """Runs gpg with a key of our own."""
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)
    environment = {**os.environ, "GNUPGHOME": str(home)}

    def run(*words, text=b""):
        return subprocess.run(["gpg", "--batch", *words], input=text, env=environment, capture_output=True, check=True).stdout

    run("--passphrase", "", "--quick-gen-key", "mirror@example.org", "ed25519", "sign", "never")
    yield run
    subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=True)


@pytest.fixture
def mirror(tmp_path, gpg, monkeypatch):
    """Makes the mirror have a release of Python in a suite that is signed; python.org does not answer."""
    facts, served = tmp_path / "facts", tmp_path / "served"
    (facts / "distros").mkdir(parents=True)
    (facts / "keyring.gpg").write_bytes(gpg("--export"))
    (facts / "distros" / "debian12.toml").write_text(f'newest_suites = ["sid"]\nkeyring = "{facts}/keyring.gpg"\n')

    def have(version, sha256="a" * 64):
        index = (
            f"Package: python3.13\nVersion: {version}-1\nDirectory: pool/main/p/python3.13\n"
            f"Checksums-Sha256:\n {sha256} 5 python3.13_{version}.orig.tar.xz\n"
        )
        path = served / "dists" / "sid" / debian.INDEX
        path.parent.mkdir(parents=True)
        path.write_bytes(packed := lzma.compress(index.encode()))
        release = f"SHA256:\n {hashlib.sha256(packed).hexdigest()} {len(packed)} {debian.INDEX}\n"
        (served / "dists" / "sid" / "InRelease").write_bytes(gpg("--clearsign", text=release.encode()))

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(served))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        for name, value in (
            ("FARM_FACTS", str(facts)),
            ("FARM_APT_MIRROR", f"http://127.0.0.1:{httpd.server_port}"),
            ("https_proxy", NOBODY),
            ("no_proxy", "127.0.0.1"),
        ):
            monkeypatch.setenv(name, value)
        yield have
        httpd.shutdown()
        thread.join()


def check(*words):
    return update("--check", *words)


def update(*words):
    """Exit code, output and errors of the whole command."""
    argv = [sys.executable, "-c", "from farm.cli.main import main; main()", "pins", "update", *words]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr


def test_something_newer_exits_1(mirror, tmp_path):
    mirror("3.13.99")
    code, said, _ = check("3.13")
    assert (code, said.partition(" (")[0]) == (1, "3.13.99 is out")
    assert not (tmp_path / "facts" / "sources.toml").exists()


@pytest.mark.parametrize(("there", "series"), [("3.13.5", "3.13"), ("3.13.99", "3.9")])
def test_nothing_newer_exits_0(mirror, there, series):
    mirror(there)
    assert check(series)[:2] == (0, "nothing newer than what is pinned\n")


def test_a_mirror_has_no_bundles_and_the_row_says_nothing_of_signatures(mirror, tmp_path, monkeypatch):
    sources = tmp_path / "sources"
    sources.mkdir()
    digest = hashlib.sha256(archive(sources, [1_790_000_000]).read_bytes()).hexdigest()
    monkeypatch.setenv("FARM_SOURCES", str(sources))
    monkeypatch.setenv("FARM_CACHE", str(tmp_path / "cache"))
    mirror("3.13.99", digest)
    code, said, errors = update("3.13")
    assert (code, "sid names no bundle\n1 row written to" in said) == (0, True), (said, errors)
    row = tomllib.loads((tmp_path / "facts" / "sources.toml").read_text())["3.13.99"]
    assert (row["sha256"], "signed_by" in row) == (digest, False)


def test_what_was_changed_after_it_was_signed_is_neither(mirror, tmp_path):
    mirror("3.13.99")
    signed = tmp_path / "served" / "dists" / "sid" / "InRelease"
    signed.write_bytes(signed.read_bytes().replace(b"SHA256:", b"Origin: x\nSHA256:"))
    code, said, errors = check("3.13")
    assert (code, said) == (4, "")
    assert "is not signed by" in errors
