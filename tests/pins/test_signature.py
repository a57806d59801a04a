"""Sigstore bundles: verified where that can be, refused when they do not hold, and said aloud when nobody looked."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import threading
import tomllib
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from farm.cli import pins
from farm.errors import Transient
from farm.plan.cell import Version
from farm.plan.facts import load_facts
from farm.plan.rows import SignerRow
from farm.settings import Settings
from farm.wire.pins import NewSource
from tests.fakes import Host, plain_words
from tests.pins.test_looking import archive
from workers.pins import command
from workers.pins.release import Release
from workers.pins.signature import BundleRefused, NotLookedAt, look_at, sigstore_verifier

SHA = "a" * 64
SIGNERS = tuple(load_facts().signers.values())
THOMAS = "thomas@python.org (https://accounts.google.com)"

# A bundle of the real service: https://github.com/trailofbits/rfc8785.py/releases/tag/v0.1.2
REAL = Path(__file__).with_name("rfc8785-0.1.2-py3-none-any.whl.sigstore").read_bytes()
REAL_SHA = base64.b64decode(json.loads(REAL)["messageSignature"]["messageDigest"]["digest"]).hex()
REAL_SIGNER = SignerRow(
    identity="https://github.com/trailofbits/rfc8785.py/.github/workflows/release.yml@refs/tags/v0.1.2",
    issuer="https://token.actions.githubusercontent.com",
    why="its workflow of releases",
)


@pytest.fixture
def release(tmp_path):
    """Makes a release whose bundle has this text, on a server of our own."""
    folder = tmp_path / "served"
    folder.mkdir()

    def of(text, version="3.13.99", sha256=SHA, bundle=None):
        (folder / "bundle").write_text(text)
        where = f"http://127.0.0.1:{httpd.server_port}/bundle" if bundle is None else bundle
        return Release(Version.parse(version), "tar.xz", sha256, "python.org", bundle=where)

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, directory=str(folder))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield of
        httpd.shutdown()
        thread.join()


def looked(release, signers=SIGNERS):
    return look_at(release, signers, Settings(), lambda: plain_words)


def test_whose_signature_it_is_is_told(release):
    seen = looked(release(f"thomas@python.org {SHA}"))
    assert seen.signed_by == THOMAS
    assert seen.said == f"sigstore: its bundle was verified, signed by {THOMAS}"


@pytest.mark.parametrize("text", [f"thomas@python.org {'b' * 64}", f"hugo@python.org {SHA}", ""])
def test_what_does_not_verify_is_refused(release, text):
    with pytest.raises(Transient, match=r"/bundle does not verify: thomas@python\.org: it says something else"):
        looked(release(text))


def test_any_of_those_who_may_sign_a_series_may_have(release):
    other = SignerRow(identity="hugo@python.org", issuer="https://example.org", since="3.13", until="3.13", why="stood in once")
    assert looked(release(f"hugo@python.org {SHA}"), (*SIGNERS, other)).signed_by == "hugo@python.org (https://example.org)"


def test_every_series_that_gets_releases_has_a_signer():
    facts = load_facts()
    alive = {name for name, row in facts.series.items() if row.status != "end-of-life"}
    signed = {name for name in alive for row in SIGNERS if row.spans((*map(int, name.split(".")), 0))}
    assert signed == alive


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"bundle": ""}, "python.org names no bundle"),
        ({"version": "2.7.99"}, "signers.toml does not say who signs 2.7"),
        ({"bundle": "http://127.0.0.1:9/bundle"}, "http://127.0.0.1:9/bundle cannot be fetched: ConnectionError"),
    ],
)
def test_nobody_looked_and_it_says_why(release, given, why):
    seen = looked(release("", **given))
    assert (seen.signed_by, seen.said) == ("", f"sigstore was not looked at: {why}")


def test_a_bundle_that_is_gone_or_no_bundle_is_not_looked_at(release):
    gone = release("")
    assert looked(release("", bundle=f"{gone.bundle}s")).said.endswith("/bundles cannot be fetched: HTTPError")
    assert looked(release("x" * ((1 << 20) + 1))).said.endswith("/bundle has more than 1048576 bytes: no bundle")


def test_without_the_package_it_says_how_to_get_it(release, monkeypatch):
    monkeypatch.setitem(sys.modules, "sigstore.errors", None)
    seen = look_at(release("anything"), SIGNERS, Settings())
    assert seen.signed_by == ""
    assert seen.said.startswith("sigstore was not looked at: its package cannot be imported (")
    assert seen.said.endswith("): pip install 'sigstore>=4'")


def test_a_root_of_trust_that_cannot_be_refreshed_is_not_believed(tmp_path, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(NotLookedAt, match="root of trust cannot be refreshed"):
        sigstore_verifier()


def test_a_real_bundle_is_verified_and_no_other_signer_or_bytes(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    verify = sigstore_verifier(offline=True)
    verify(REAL, REAL_SHA, REAL_SIGNER)
    for bundle, sha256, signer in (
        (REAL, SHA, REAL_SIGNER),
        (REAL, REAL_SHA, REAL_SIGNER.model_copy(update={"issuer": "https://accounts.google.com"})),
        *((REAL, REAL_SHA, signer) for signer in SIGNERS),
        (REAL.replace(b'"1710888076"', b'"1710888077"'), REAL_SHA, REAL_SIGNER),
        (b"{}", REAL_SHA, REAL_SIGNER),
        (b"\xff no JSON", REAL_SHA, REAL_SIGNER),
    ):
        with pytest.raises(BundleRefused):
            verify(bundle, sha256, signer)


def pinning(release, signer, tmp_path, monkeypatch):
    """What the build wing finds, with this signer of the archive, and what the command then writes and says."""
    (tmp_path / "sources").mkdir()
    sha256 = hashlib.sha256(archive(tmp_path / "sources", [1_790_000_000]).read_bytes()).hexdigest()
    settings = Settings(cache=tmp_path / "cache", sources=tmp_path / "sources")
    monkeypatch.setattr(command, "look_at", partial(look_at, verifier=lambda: plain_words))
    found = command._found(release(f"{signer} {sha256}", sha256=sha256), load_facts(), settings, look=False)
    (tmp_path / "facts").mkdir()
    monkeypatch.setenv("FARM_FACTS", str(tmp_path / "facts"))
    monkeypatch.setattr(pins.child, "ask", lambda *_, **__: (NewSource.model_validate_json(found.model_dump_json()),))
    return CliRunner().invoke(pins.pins, ["update", "3.13"]), tmp_path / "facts" / "sources.toml"


def test_the_row_keeps_whose_signature_was_verified(release, tmp_path, monkeypatch):
    done, file = pinning(release, "thomas@python.org", tmp_path, monkeypatch)
    assert f"  sigstore: its bundle was verified, signed by {THOMAS}\n" in done.output
    row = tomllib.loads(file.read_text())["3.13.99"]
    assert row["signed_by"] == THOMAS
    assert load_facts(file.parent).sources["3.13.99"].signed_by == THOMAS


def test_what_does_not_verify_gets_no_row(release, tmp_path, monkeypatch):
    done, file = pinning(release, "mallory@python.org", tmp_path, monkeypatch)
    assert isinstance(done.exception, Transient)
    assert "3.13.99 is not pinned: http://127.0.0.1:" in done.exception.message
    assert "does not verify: thomas@python.org" in done.exception.message
    assert not file.exists()
