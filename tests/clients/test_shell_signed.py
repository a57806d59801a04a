"""`get-python.sh` with a key; and one build by its name, offline, for another arch, with its packages."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess

import pytest

from farm.index import reading, update
from farm.plan.cell import Cell
from farm.sign import envelope
from farm.sign.keys import Signer
from farm.store import keys
from farm.store.artifact import BUILD_INFO_PATH, Yank
from tests.clients.conftest import run
from tests.clients.shop import CHANNEL
from tests.clients.test_shell import MACHINE, NEW, OLD, cell, installed
from tests.publish.staging import now


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_with_a_key_nothing_else_is_taken(shop, get, home, tmp_path):
    signer = Signer.new()
    key = tmp_path / "farm.pem"
    key.write_bytes(signer.verifier.pem)
    shop.offer(cell(), OLD, signer=signer)
    get("--key", key)
    assert installed(home, tmp_path) == ["3.13.5", OLD]
    assert signer.verifier.accepts(shop.store.get(f"{keys.get_python()}.sig")[0], shop.text(keys.get_python()).encode())
    other = tmp_path / "other.pem"
    other.write_bytes(Signer.new().verifier.pem)
    assert "the index is not signed by" in get("--key", other, ok=False)
    both = tmp_path / "both.pem"  # as `farm keys rotate` prints them
    both.write_bytes(other.read_bytes() + key.read_bytes())
    get("--key", both)
    both.write_bytes(Signer.new().verifier.pem + other.read_bytes())
    assert "the index is not signed by" in get("--key", both, ok=False)
    for wrong in (tmp_path / "nowhere.pem", shop.store.root / keys.get_python()):
        assert "is no file with a public key" in get("--key", wrong, ok=False)
    index = shop.store.root / keys.signed_pointer(CHANNEL)
    signed = json.loads(index.read_text())
    payload = base64.b64decode(signed["payload"])
    changed = base64.b64encode(payload.replace(b'"serial": 1', b'"serial": 9')).decode()
    assert changed != signed["payload"]
    for bad in ({"payload": changed}, {"signatures": []}, {"payload": ""}):
        index.write_text(json.dumps(signed | bad, indent=1))
        assert "the index is not signed by" in get("--key", key, ok=False)
    statement = envelope.seal(envelope.STATEMENT, payload, signer)  # right bytes, signed as something else
    index.write_bytes(statement)
    assert "the index is not signed by" in get("--key", key, ok=False)
    index.write_bytes(envelope.seal(envelope.POINTER, payload.replace(CHANNEL.encode(), b"another"), signer))
    assert "that of another channel" in get("--key", key, ok=False)
    index.write_bytes(envelope.seal(envelope.POINTER, payload, signer))
    part = shop.store.root / json.loads(payload)["shards"][0]["key"]
    part.write_text(part.read_text().replace("debian13", "debian12"))
    assert "is not what the index says" in get("--key", key, ok=False)
    index.unlink()
    assert "is not signed, or there is none" in get("--key", key, ok=False)
    assert installed(home, tmp_path) == ["3.13.5", OLD]


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_the_scripts_own_signature_is_right_for_openssl(shop, tmp_path):
    signer, key = Signer.new(), tmp_path / "farm.pem"
    key.write_bytes(signer.verifier.pem)
    shop.offer(cell(), OLD, signer=signer)
    script = shop.store.root / keys.get_python()
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-sigfile", f"{script}.sig", "-in"]
    changed = tmp_path / "changed.sh"
    changed.write_bytes(script.read_bytes() + b"\n")
    assert subprocess.run([*verify, script], capture_output=True, check=False).returncode == 0
    assert subprocess.run([*verify, changed], capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_a_signed_index_never_goes_back_also_for_a_new_folder(shop, get, home, tmp_path):
    signer, key = Signer.new(), tmp_path / "farm.pem"
    key.write_bytes(signer.verifier.pem)
    index = shop.store.root / keys.signed_pointer(CHANNEL)
    shop.offer(cell(), OLD, signer=signer)
    old = index.read_bytes()
    shop.offer(cell(), NEW, signer=signer)
    get("--key", key)
    index.write_bytes(old)
    said = get("--key", key, to=tmp_path / "out" / "another", ok=False)
    assert "the index went back from serial 2 to 1" in said
    assert not (tmp_path / "out" / "another").exists()
    assert "went back" in get("--key", key, "--older", ok=False)
    (mark,) = (tmp_path / "home" / ".cache" / "python-farm" / "get-python").glob("*.serial")
    assert str(mark) in said
    mark.unlink()
    get("--key", key, to=tmp_path / "out" / "another")


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_a_signed_index_gives_the_newest_that_is_offered(shop, get, home, tmp_path):
    signer, key = Signer.new(), tmp_path / "farm.pem"
    key.write_bytes(signer.verifier.pem)
    for name, build_id in ((cell(), OLD), (cell(), NEW), (cell("3.14.0"), NEW), (cell("3.13.6", "-freethreaded"), NEW)):
        shop.offer(name, build_id, signer=signer)
    get("--key", key)
    assert installed(home, tmp_path) == ["3.13.5", NEW]
    made = next(e for e in reading.entries(shop.store, CHANNEL, "debian13") if (e.cell, e.build_id) == (cell(), NEW))
    mark = Yank(reason='"bad"', when="2026-11-22T15:30:00Z").model_dump_json().encode()
    shop.store.put(keys.yank(Cell.parse(cell()), NEW), mark)
    update.add(shop.store, CHANNEL, made, base_url=shop.base_url, clock=now, signer=signer)
    assert "--older takes it" in get("--key", key, ok=False)
    get("--key", key, "--older")
    assert installed(home, tmp_path) == ["3.13.5", OLD]
    get("--key", key, python="3")
    assert installed(home, tmp_path) == ["3.14.0", NEW]


# --- one build, offline, another arch, packages -----------------------------------------------------------------------


def test_one_build_is_had_by_its_name_also_when_it_is_offered_no_more(shop, get, home, tmp_path):
    shop.offer(cell(), OLD)
    shop.offer(cell(), NEW)
    shop.offer(cell("3.14.0", "-freethreaded"), OLD)
    get("--exact", OLD, python="3.13.5")
    assert installed(home, tmp_path) == ["3.13.5", OLD]
    get("--exact", OLD, "--variant", "freethreaded", python="3.14.0")
    assert installed(home, tmp_path) == ["3.14.0", OLD]
    assert "about a whole version" in get("--exact", OLD, ok=False)
    assert "there is no build 2026010101 of Python 3.13.5 for debian13" in get(
        "--exact", "2026010101", python="3.13.5", ok=False
    )
    (sums,) = (shop.store.root / "artifacts").rglob(f"*{NEW}-install_only.tar.gz.sha256")
    sums.write_text(sums.read_text().replace(NEW, OLD))
    assert "does not speak of" in get("--exact", NEW, python="3.13.5", ok=False)
    shop.spoil(next(iter((shop.store.root / "artifacts").rglob(f"*{OLD}-install_only.tar.gz"))).relative_to(shop.store.root))
    assert "has not the bytes" in get("--exact", OLD, python="3.13.5", ok=False)


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_one_build_is_what_its_signed_provenance_says(shop, get, home, tmp_path):
    signer, key = Signer.new(), tmp_path / "farm.pem"
    key.write_bytes(signer.verifier.pem)
    archive = next(a for a in shop.offer(cell(), OLD).archives if a.format == "tar.gz")
    name = archive.key.rpartition("/")[2]
    path = shop.store.root / archive.key.replace("-install_only.tar.gz", ".intoto.json")

    def said(sha256, name=name, who=signer, kind=envelope.STATEMENT):
        others = [{"name": "another.tar.gz", "digest": {"sha256": "0" * 64}}]
        subject = [*others, {"name": name, "digest": {"sha256": sha256}}]
        built = {"predicateType": "x", "predicate": {"byproducts": [{"name": name, "digest": {"sha256": "1" * 64}}]}}
        document = {"_type": "x", "subject": subject, **built, "long": "x" * 200_000}
        path.write_bytes(envelope.seal(kind, json.dumps(document, indent=1).encode(), who))

    def exact(ok):
        return get("--key", key, "--exact", OLD, python="3.13.5", ok=ok)

    assert "no signed build" in exact(False)
    said(archive.sha256)
    exact(True)
    assert installed(home, tmp_path) == ["3.13.5", OLD]
    said(archive.sha256, who=Signer.new())
    assert "is not signed by" in exact(False)
    said(archive.sha256, kind=envelope.POINTER)
    assert "is not signed by" in exact(False)
    said(archive.sha256, name="a-third.tar.gz")
    assert "does not speak of" in exact(False)
    said("2" * 64)
    assert "has not the bytes" in exact(False)


@pytest.mark.parametrize("how", ["channel", "exact", "key"])
def test_offline_has_what_was_fetched_and_nothing_else(shop, get, home, tmp_path, how):
    signer, key = Signer.new(), tmp_path / "farm.pem"
    key.write_bytes(signer.verifier.pem)
    shop.offer(cell(), OLD, signer=signer)
    words = {"channel": [], "exact": ["--exact", OLD], "key": ["--key", key]}[how]
    assert "with --offline only what was fetched before is there" in get("--offline", *words, python="3.13.5", ok=False)
    get(*words, python="3.13.5")
    asked = len(shop.asked)
    get("--offline", *words, python="3.13.5", to=tmp_path / "out" / "again")
    assert run(home, tmp_path / "out" / "again" / "bin" / "python3").split()[1:] == ["3.13.5", OLD]
    assert len(shop.asked) == asked
    kept = next(
        path for path in (tmp_path / "home" / ".cache").rglob("*") if path.is_file() and path.read_bytes()[:2] == b"\x1f\x8b"
    )
    kept.write_bytes(kept.read_bytes()[:-1])
    assert "has not the bytes" in get("--offline", *words, python="3.13.5", ok=False)
    kept.unlink()
    assert "cannot be fetched; with --offline" in get("--offline", *words, python="3.13.5", ok=False)


def test_another_arch_is_taken_when_it_is_asked_for(shop, get, tmp_path):
    other = "arm64" if MACHINE == "amd64" else "amd64"
    shop.offer(cell(arch=other), OLD)
    assert f"for debian13 on {MACHINE}" in get(ok=False)
    for words in ([], ["--exact", OLD]):
        get("--arch", other, *words, python="3.13.5")
        assert json.loads((tmp_path / "out/python" / BUILD_INFO_PATH).read_text())["cell"] == cell(arch=other)


def test_only_packages_that_are_lacking_are_named_and_installed(shop, get, tmp_path):
    there, done = tmp_path / "there", tmp_path / "done"
    there.write_text("libc6 2.41-1\nlibssl3t64 3.5.1-1\n")
    shop.offer(cell(), runtime=("libffi8", "libssl3t64", "zlib1g"))
    facts = f"query='cat {there}' install='echo {{packages}} >>{done} && true'"
    assert get("--with-runtime", facts=facts).splitlines()[-1] == "packages of debian13 that this host lacks: libffi8 zlib1g"
    assert not done.exists()
    if os.geteuid():
        assert "only root can" in get("--with-runtime=install", facts=facts, ok=False)
        return
    get("--with-runtime=install", facts=facts)
    assert done.read_text() == "libffi8 zlib1g\n"
    there.write_text(there.read_text() + "libffi8 1\nzlib1g 1\n")
    assert "lacks" not in get("--with-runtime=install", facts=facts)
    assert done.read_text() == "libffi8 zlib1g\n"
    assert "the package manager failed" in get(
        "--with-runtime=install", facts="query='echo x' install='false {packages}'", ok=False
    )
    assert "packages cannot be listed" in get("--with-runtime", facts="query='false'", ok=False)


@pytest.mark.skipif(not shutil.which("dpkg-query"), reason="this host has no packages of Debian's")
def test_the_facts_in_the_script_ask_the_hosts_own_packages(shop, get):
    shop.offer(cell(), runtime=("libc6", "no-such-package"))
    assert get("--with-runtime").splitlines()[-1] == "packages of debian13 that this host lacks: no-such-package"
