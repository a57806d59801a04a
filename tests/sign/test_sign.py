"""Signatures, as the programs of others verify them."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
from dataclasses import fields, replace
from datetime import timedelta
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from farm import __version__
from farm.cli import keys as verbs
from farm.errors import BadInput, VerificationFailed
from farm.plan.facts import load_facts
from farm.plan.recipe import Cross, Library, Source, digest_of, plain
from farm.publish.publisher import publish
from farm.settings import Settings
from farm.sign import envelope
from farm.sign.keys import Signer, trusted
from farm.sign.provenance import package_url
from farm.sign.rotation import KEY
from farm.store import keys
from farm.store.artifact import Isolation
from farm.store.folder import FolderStore
from tests.fakes import MemoryStore
from tests.publish.staging import CELL, TRIPLE, build_info, now, order, stage
from workers.engine.isolation import isolation
from workers.engine.protocol import Limits

SIGNER = Signer.new()
TRUSTED = {SIGNER.verifier.id: SIGNER.verifier}


@given(st.binary(max_size=200), st.text(max_size=20))
def test_what_was_sealed_comes_out_again_and_only_with_its_type_and_key(payload, kind):
    sealed = envelope.seal(kind, payload, SIGNER)
    assert envelope.unseal("x", sealed, kind, TRUSTED) == payload
    other = Signer.new().verifier
    for wrong in ((kind + "x", TRUSTED), (kind, {}), (kind, {other.id: other}), (kind, {SIGNER.verifier.id: other})):
        with pytest.raises(VerificationFailed):
            envelope.unseal("x", sealed, *wrong)


@given(st.binary(max_size=200))
def test_rubbish_is_no_envelope(data):
    with pytest.raises(VerificationFailed):
        envelope.unseal("x", data, envelope.POINTER, TRUSTED)


@pytest.fixture(scope="module")
def store():
    store = MemoryStore()
    of = order(signer=SIGNER)
    publish(store, stage(store, of), of, clock=now)
    return store


def provenance(store):
    key = f"{keys.artifact_folder(CELL, '2026112201')}/{keys.provenance_name(CELL, TRIPLE, '2026112201')}"
    return store.objects[key]


def test_securesystemslib_verifies_the_provenance(store):
    sealed = Envelope.from_dict(json.loads(provenance(store)))
    raw = SIGNER.verifier.key.public_bytes_raw().hex()
    key = SSlibKey(SIGNER.verifier.id, "ed25519", "ed25519", {"public": raw})
    assert list(sealed.verify([key], 1)) == [SIGNER.verifier.id]
    sealed.payload += b" "
    with pytest.raises(Exception, match=r"[Ss]ignature|threshold"):
        sealed.verify([key], 1)


def test_the_provenance_names_every_archive_and_what_went_into_it(store):
    statement = json.loads(envelope.unseal("x", provenance(store), envelope.STATEMENT, TRUSTED))
    folder = f"{keys.artifact_folder(CELL, '2026112201')}/"
    archives = {key.removeprefix(folder) for key in store.objects if key.startswith(folder) and ".tar." in key[-8:]}
    assert {subject["name"] for subject in statement["subject"]} == archives
    (bill,) = statement["predicate"]["runDetails"]["byproducts"]
    assert bill["digest"]["sha256"] == hashlib.sha256(store.objects[folder + bill["name"]]).hexdigest()
    definition = statement["predicate"]["buildDefinition"]
    assert {"source", "debian:13-slim"} <= {each.get("name") for each in definition["resolvedDependencies"]}
    assert "pkg:deb/debian/gcc@14?arch=amd64&distro=debian-13" in [
        each.get("uri") for each in definition["resolvedDependencies"]
    ]
    assert all({"uri", "digest"} & set(each) for each in definition["resolvedDependencies"])
    assert definition["externalParameters"]["cell"] == str(CELL)
    assert definition["externalParameters"]["recipe"] == plain(order().recipe)


def test_the_recipe_in_the_provenance_is_the_one_whose_digest_is_published():
    planned = fully(order().recipe)
    again = json.loads(json.dumps(plain(planned)))
    assert digest_of({name: digest_of(part) for name, part in again.items()}) == planned.digest
    assert set(again) == {field.name for field in fields(planned)}
    assert again["libraries"][0]["source"]["sha256"] == "b" * 64


def fully(made):
    """A recipe with something of every kind in it."""
    library = Library(
        "openssl", "1.1.1w", Source("x.tar.gz", "b" * 64, "", "", 1), (("a", "b"),), (("make",),), ("libssl.so.1.1",), "LICENSE"
    )
    return replace(
        made, libraries=(library,), cross=Cross("amd64", ("gcc",), (), (("CC", "x"),), (), ()), environment=(("A", "b"),)
    )


def made_by(**staged):
    """What the provenance says of the run, when the worker says this."""
    store, of = MemoryStore(), order(signer=SIGNER, granted=now() - timedelta(minutes=20))
    artifact = publish(store, stage(store, of, **staged), of, clock=now)
    statement = json.loads(envelope.unseal("x", provenance(store), envelope.STATEMENT, TRUSTED))
    return artifact, statement["predicate"]["runDetails"]


def test_the_provenance_says_who_built_it_with_what_when_and_how_shut_in():
    shut = isolation(Limits(memory_bytes=1 << 30, cpus=2))
    artifact, details = made_by(farm="0.9", isolation=shut)
    builder = details["builder"]
    assert builder["pythonfarm_worker"] == "w1"
    assert builder["version"] == {"publisher": __version__, "engine": "Docker", "python-farm": "0.9"}
    assert Isolation.model_validate_json(json.dumps(builder["pythonfarm_isolation"])) == shut == artifact.isolation
    assert (builder["pythonfarm_isolation"]["network"], builder["pythonfarm_isolation"]["cap_drop"]) == ("none", ["ALL"])
    assert details["metadata"]["startedOn"] == "2026-11-22T15:10:00Z"
    assert details["metadata"]["finishedOn"] == artifact.created == "2026-11-22T15:30:00Z"


def test_the_provenance_does_not_say_what_nobody_told(store):
    _, details = made_by()
    assert "pythonfarm_isolation" not in details["builder"]
    assert "python-farm" not in details["builder"]["version"]
    statement = json.loads(envelope.unseal("x", provenance(store), envelope.STATEMENT, TRUSTED))
    assert "startedOn" not in statement["predicate"]["runDetails"]["metadata"]


def test_a_build_that_was_begun_with_a_key_does_not_end_without_one():
    store, of = MemoryStore(), order(signer=SIGNER)
    publish(store, staged := stage(store, of), of, clock=now)
    for key in [key for key in store.objects if key.startswith(("catalog/", "channels/")) or key.endswith(".intoto.json")]:
        store.delete(key)
    with pytest.raises(BadInput, match="no key here"):
        publish(store, staged, replace(of, signer=None), clock=now)
    assert publish(store, staged, of, clock=now).beside == ("sbom", "provenance")
    assert provenance(store)


def test_a_package_of_every_distro_has_a_purl_of_its_own_type():
    for name in load_facts().distros:
        url = package_url(build_info(order()).model_copy(update={"distro": name}), "gcc", "14")
        assert url.startswith(("pkg:deb/", "pkg:rpm/", "pkg:apk/")), url


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not installed")
def test_openssl_verifies_the_checksums_and_the_index(store, tmp_path):
    envelope_of = json.loads(store.objects[keys.signed_pointer("dev")])
    payload = base64.b64decode(envelope_of["payload"])
    assert payload == store.objects[keys.channel_pointer("dev")]
    cases = {
        "sums": (store.objects[keys.sums("dev", "debian13")], store.objects[keys.signed_sums("dev", "debian13")]),
        "index": (
            envelope.signed_bytes(envelope_of["payloadType"], payload),
            base64.b64decode(envelope_of["signatures"][0]["sig"]),
        ),
    }
    (tmp_path / "farm.pem").write_bytes(store.objects[keys.public_key(SIGNER.verifier.id)])
    words = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "farm.pem", "-rawin", "-in", "data", "-sigfile", "data.sig"]
    for data, signature in cases.values():
        for content, code in ((data, 0), (data + b"x", 1)):
            (tmp_path / "data").write_bytes(content)
            (tmp_path / "data.sig").write_bytes(signature)
            assert subprocess.run(words, cwd=tmp_path, capture_output=True, check=False).returncode == code


def test_keys_are_made_once_for_their_owner_alone_and_shown(tmp_path):
    path = tmp_path / "private.pem"
    made = CliRunner().invoke(verbs.keys, ["new", str(path)])
    assert made.exit_code == 0, made.output
    assert path.stat().st_mode & 0o777 == 0o600
    public = tmp_path / "public.pem"
    public.write_text(made.stdout)
    assert list(trusted(public)) == [Signer.load(path).verifier.id]
    assert CliRunner().invoke(verbs.keys, ["show", str(path)]).stdout == made.stdout
    assert "PRIVATE" not in made.output
    before = path.read_bytes()
    assert isinstance(CliRunner().invoke(verbs.keys, ["new", str(path)]).exception, BadInput)
    assert path.read_bytes() == before


def test_a_key_takes_the_place_of_another(tmp_path, monkeypatch):
    old = Signer.new()
    old.save(tmp_path / "old.pem")
    values = {"STORE": tmp_path / "store", "STATE": tmp_path / "state", "SIGNING_KEY": tmp_path / "old.pem"}
    for name, value in values.items():
        monkeypatch.setenv(f"FARM_{name}", str(value))
    made = CliRunner().invoke(verbs.keys, ["rotate", str(tmp_path / "new.pem")], catch_exceptions=False)
    fresh = Signer.load(tmp_path / "new.pem").verifier
    (tmp_path / "both.pem").write_text(made.stdout)
    assert list(trusted(tmp_path / "both.pem")) == [old.verifier.id, fresh.id]
    store = FolderStore(tmp_path / "store")
    sealed = store.get(keys.endorsement(fresh.id))[0]
    assert envelope.unseal("x", sealed, KEY, {old.verifier.id: old.verifier}) == fresh.pem
    assert store.get(keys.public_key(fresh.id))[0] == fresh.pem
    monkeypatch.delenv("FARM_SIGNING_KEY")
    with pytest.raises(BadInput, match="no key to replace"):
        CliRunner().invoke(verbs.keys, ["rotate", str(tmp_path / "third.pem")], catch_exceptions=False)
    assert not (tmp_path / "third.pem").exists()


def test_what_is_no_key_is_said(tmp_path):
    for content in (b"", b"-----BEGIN PUBLIC KEY-----\nxx\n-----END PUBLIC KEY-----", b"rubbish"):
        (tmp_path / "x").write_bytes(content)
        for read in (Signer.load, trusted):
            with pytest.raises(BadInput):
                read(tmp_path / "x")
    with pytest.raises(BadInput, match="cannot be read"):
        Signer.load(tmp_path / "none")


def test_a_builder_never_hears_of_the_key(monkeypatch, tmp_path):
    monkeypatch.setenv("FARM_SIGNING_KEY", str(tmp_path / "private.pem"))
    assert not [name for name, value in Settings().child_environment().items() if "SIGNING" in name or "private.pem" in value]


@pytest.mark.parametrize(
    ("distro", "version", "purl"),
    [
        ("debian13", "1:2.41-12", "pkg:deb/debian/libc6@1%3A2.41-12?arch=amd64&distro=debian-13"),
        ("ubuntu24.04", "2.39-0ubuntu8", "pkg:deb/ubuntu/libc6@2.39-0ubuntu8?arch=amd64&distro=ubuntu-24.04"),
        ("rocky9", "0:2.34-100.el9", "pkg:rpm/rocky/libc6@2.34-100.el9?arch=amd64&distro=rocky-9"),
        ("rocky9", "1:3.5.1-3.el9", "pkg:rpm/rocky/libc6@3.5.1-3.el9?arch=amd64&distro=rocky-9&epoch=1"),
        ("rocky9", "", "pkg:rpm/rocky/libc6?arch=amd64&distro=rocky-9"),
    ],
)
def test_a_package_is_named_as_scanners_read_it(distro, version, purl):
    """Vendor and version of the distro apart, or they look in no distro's advisories and find nothing."""
    assert package_url(SimpleNamespace(distro=distro, arch="amd64"), "libc6", version) == purl
