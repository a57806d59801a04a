"""A whole store, held against itself: every kind of damage is seen, and what can be derived is written anew."""

from __future__ import annotations

import base64
import json
import shutil

import pytest
from click.testing import CliRunner

from farm.audit.repair import repair
from farm.cli import audit as verbs
from farm.cli.main import cli
from farm.errors import BadInput
from farm.index import oci, reading, update
from farm.index.rebuild import rebuild
from farm.publish import channels
from farm.sign.keys import Signer
from farm.store import catalog, keys
from farm.store.folder import FolderStore
from tests.audit import shelf
from tests.audit.shelf import METADATA, NEW, OLD, PROVENANCE, errors, gz, seen
from tests.publish.staging import BASE, CELL, now

ROOM = channels.Place(BASE, now, shelf.SIGNER)
POINTER, SIGNED = keys.channel_pointer("testing"), keys.signed_pointer("testing")
SBOM = f"{METADATA.removesuffix('.json')}.spdx.json"
FEED = keys.site("testing", "feed.atom")
SUMS = keys.sums("testing", "debian13")


@pytest.fixture
def store():
    return shelf.filled()


def marked(store, build_id=NEW):
    return next(build.key for build in catalog.published(store, CELL) if build.build_id == build_id)


def shard(store):
    return json.loads(store.objects[POINTER])["shards"][-1]["key"]


def flip(data):
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


def forged(signed):
    """A signed document whose signature is another one."""
    document = json.loads(signed)
    (said,) = document["signatures"]
    said["sig"] = base64.b64encode(flip(base64.b64decode(said["sig"]))).decode()
    return json.dumps(document).encode()


def page(build_id=NEW):
    return keys.site("testing", f"builds/{CELL}/{build_id}.html")


def layer(store):
    listed = {(each.cell, each.build_id): each for each in reading.entries(store, "testing", "debian13")}
    return keys.oci_blob(f"sha256:{oci.image(listed[str(CELL), NEW]).layer.sha256}")


def test_a_store_as_publishers_leave_it_has_nothing_wrong(store):
    survey = seen(store)
    assert survey.errors == 0
    assert {finding.check for finding in survey.findings} <= {"orphan.kept"}
    assert (len(survey.entries), survey.archives) == (3, 9)
    assert store.objects == shelf.filled(store).objects


# what is broken, by whom it is seen, whether it can be derived again
DAMAGE = {
    "archive changed": (lambda s: {gz(): flip(s.objects[gz()])}, "archive.sha256", False),
    "archive cut": (lambda s: {gz(): s.objects[gz()][:-1]}, "archive.size", False),
    "archive gone": (lambda _: {gz(): None}, "archive.missing", False),
    "sum gone": (lambda _: {f"{gz()}.sha256": None}, "archive.sums", True),
    "sum wrong": (lambda _: {f"{gz()}.sha256": b"x"}, "archive.sums", True),
    "metadata gone": (lambda _: {METADATA: None}, "metadata.missing", True),
    "metadata rubbish": (lambda _: {METADATA: b"{}"}, "metadata.unreadable", True),
    "metadata differs": (lambda s: {METADATA: s.objects[METADATA].replace(b'"w1"', b'"w2"')}, "metadata.differs", False),
    "catalog rubbish": (lambda s: {marked(s): b"{}"}, "catalog.unreadable", True),
    "catalog of another": (lambda s: {marked(s): s.objects[marked(s, OLD)]}, "catalog.name", True),
    "catalog gone": (lambda s: {marked(s): None}, "channel.dangling", True),
    "provenance changed": (lambda s: {PROVENANCE: forged(s.objects[PROVENANCE])}, "provenance.signature", False),
    "provenance of another": (
        lambda s: {PROVENANCE: next(d for k, d in s.objects.items() if k.endswith(".intoto.json") and OLD in k)},
        "provenance.subject",
        False,
    ),
    "provenance gone": (lambda _: {PROVENANCE: None}, "provenance.missing", False),
    "sbom gone": (lambda _: {SBOM: None}, "sbom.missing", False),
    "page gone": (lambda _: {page(): None}, "channel.page", True),
    "link of a page to nowhere": (
        lambda s: {page(): s.objects[page()].replace(b'href="../../index.html"', b'href="../../home.html"')},
        "channel.link",
        True,
    ),
    "link of the feed to nowhere": (
        lambda s: {FEED: s.objects[FEED].replace(f"{NEW}.html".encode(), b"x.html")},
        "channel.link",
        True,
    ),
    "sbom changed": (lambda s: {SBOM: s.objects[SBOM].replace(b"libssl3", b"libxxx3")}, "provenance.byproduct", False),
    "sbom rubbish": (lambda _: {SBOM: b"[]"}, "sbom.unreadable", False),
    "sbom of another": (
        lambda s: {SBOM: next(d for k, d in s.objects.items() if k.endswith(".spdx.json") and OLD in k)},
        "sbom.differs",
        False,
    ),
    "pointer gone": (lambda _: {POINTER: None}, "channel.pointer", True),
    "pointer rubbish": (lambda _: {POINTER: b"rubbish"}, "channel.pointer", True),
    "shard gone": (lambda s: {shard(s): None}, "channel.shard", True),
    "shard changed": (lambda s: {shard(s): flip(s.objects[shard(s)])}, "channel.shard", True),
    "signed index gone back": (lambda s: {POINTER: s.objects[POINTER].replace(b'"serial": 3', b'"serial": 4')}, None, True),
    "signature of the index": (lambda s: {SIGNED: forged(s.objects[SIGNED])}, "channel.signature", True),
    "sums changed": (lambda _: {SUMS: b"0  x\n"}, "channel.file", True),
    "signature of the sums": (lambda _: {f"{SUMS}.sig": b"x" * 64}, "channel.signature", True),
    "signature of the script gone": (lambda _: {"get-python.sh.sig": None}, "channel.signature", True),
    "uv's list gone": (lambda _: {keys.uv_index("testing", "debian13"): None}, "channel.file", True),
    "tag gone": (lambda _: {keys.oci_manifest("testing-3.13-debian13"): None}, "channel.file", True),
    "layer gone": (lambda s: {layer(s): None}, "registry.missing", True),
    "layer changed": (lambda s: {layer(s): flip(s.objects[layer(s)])}, "registry.sha256", True),
    "yank rubbish": (lambda _: {keys.yank(CELL, OLD): b"x"}, "yank.unreadable", False),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_seen_and_what_can_be_derived_is_derived_again(store, name):
    broken, check, derived = DAMAGE[name]
    for key, data in broken(store).items():
        assert data is None or data != store.objects.get(key)
        if data is None:
            store.delete(key)
        else:
            store.put(key, data)
    survey = seen(store)
    assert survey.errors
    assert check is None or check in errors(survey), survey.findings
    if name == "yank rubbish":
        return
    repair(survey, shelf.means())
    after = seen(store)
    assert (after.errors == 0) == derived, after.findings
    serial = json.loads(store.objects[POINTER])["serial"]
    assert serial >= 3


def test_a_damaged_build_gives_way_to_the_one_before(store):
    store.put(gz(), flip(store.objects[gz()]))
    repair(seen(store), shelf.means())
    offered = [each["build"] for each in json.loads(store.objects[keys.uv_index("testing", "debian13")]).values()]
    assert offered == [OLD, OLD]  # of this cell, and of the other
    assert errors(seen(store)) == ["archive.sha256"]


def test_every_index_and_the_catalog_come_back_from_the_artifacts_alone(store):
    channels.promote(store, [catalog.newest(store, CELL)], "stable", ROOM)
    before = dict(store.objects)
    for key in [key for key in store.objects if key.startswith("catalog/")]:
        store.delete(key)
    repair(seen(store), shelf.means())
    assert seen(store).errors == 0
    assert {key for key in before if key.startswith("catalog/")} == {key for key in store.objects if key.startswith("catalog/")}
    for key in [key for key in store.objects if key.startswith(("catalog/", "channels/", "v2/", "get-python"))]:
        store.delete(key)
    repair(seen(store), shelf.means())
    assert seen(store).errors == 0
    again = {key for key in before if "stable" not in key and "/shards/" not in key and not key.startswith("v2/")}
    assert {key for key in again if not key.startswith("staging/")} <= set(store.objects)
    # readers who saw an index take the new one: its serial is above any count
    assert json.loads(store.objects[POINTER])["serial"] > 1_000_000


def test_quick_reads_no_archive(store):
    store.put(gz(), flip(store.objects[gz()]))
    assert seen(store, deep=False).errors == 0
    assert errors(seen(store)) == ["archive.sha256", "channel.damaged"]


def without(store, *fields):
    """The metadata of the newest build, as a publisher wrote it that did not know these fields."""
    for key in (METADATA, marked(store)):
        old = {name: value for name, value in json.loads(store.objects[key]).items() if name not in fields}
        store.put(key, json.dumps(old).encode())


def test_an_early_build_may_lack_what_its_metadata_does_not_speak_of(store):
    without(store, "beside", "started", "farm", "isolation")
    assert seen(store).errors == 0
    for key in (SBOM, PROVENANCE):
        store.delete(key)
    update.rewrite(store, "testing", base_url=BASE, signer=shelf.SIGNER)  # whose page no longer links to them
    survey = seen(store)
    assert survey.errors == 0, survey.findings
    assert {"sbom.missing", "provenance.missing"} <= {finding.check for finding in survey.findings}
    assert all("too old to say" in finding.message for finding in survey.findings if finding.check.endswith(".missing"))


def test_a_build_without_a_key_has_no_provenance_and_needs_none():
    store = shelf.filled(signer=None)
    assert seen(store).errors == 0
    update.rewrite(store, "testing", base_url=BASE, signer=shelf.SIGNER)
    survey = seen(store)
    assert survey.errors == 0
    assert [finding.severity for finding in survey.findings if finding.check == "provenance.missing"] == ["note"] * 3
    store.delete(SBOM)
    assert "sbom.missing" in errors(seen(store))


def test_another_key_is_not_trusted(store):
    checks = errors(seen(store, trusted=(Signer.new(),)))
    assert checks == ["channel.signature", "provenance.signature"]


def test_orphans_are_told_and_harmless(store):
    left = f"{keys.artifact_folder(CELL, '2026112209')}/x.tar.gz"
    for key in (left, "stray/file", "catalog/rubbish.json", "channels/testing/uv/debian9.json"):
        store.put(key, b"x")
    survey = seen(store)
    told = {finding.check: finding.severity for finding in survey.findings}
    assert survey.errors == 0
    assert told == {
        "orphan.artifact": "warning",
        "orphan.unknown": "warning",
        "orphan.catalog": "warning",
        "orphan.file": "note",
        "orphan.kept": "note",
    }


def test_what_a_publisher_is_about_to_list_is_no_error(store):
    kept = [each for each in reading.entries(store, "testing", "debian13") if (each.cell, each.build_id) != (str(CELL), NEW)]
    rebuild(store, "testing", lambda: kept, now)
    update.rewrite(store, "testing", base_url=BASE, signer=shelf.SIGNER)
    for age_s, severity in ((5, "note"), (7200, "error")):
        store.times = {marked(store): shelf.NOW_S - age_s}
        assert [f.severity for f in seen(store).findings if f.check == "channel.unlisted"] == [severity]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    store = shelf.filled(FolderStore(tmp_path / "store"))
    shelf.SIGNER.save(tmp_path / "key.pem")
    for name, value in {
        "FARM_STORE": store.root,
        "FARM_STATE": tmp_path / "state",
        "FARM_BASE_URL": BASE,
        "FARM_SIGNING_KEY": tmp_path / "key.pem",
    }.items():
        monkeypatch.setenv(name, str(value))
    return store


def call(*words):
    done = CliRunner().invoke(verbs.verify_store, words)
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_the_verb(folder):
    assert call().exit_code == 0
    assert "0 error(s)" in call("--quick").output
    shutil.rmtree(folder.root / "channels")
    done = call("--json")
    assert done.exit_code == 3
    said = json.loads(done.stdout)
    assert said["errors"] == len([each for each in said["findings"] if each["severity"] == "error"]) > 0
    for key in (folder.root / "keys").iterdir():
        key.unlink()
    assert call("--repair").exit_code == 0
    assert call("--base-url", "https://elsewhere.example.org").exit_code == 3
    with pytest.raises(BadInput, match="read the archives"):
        call("--quick", "--repair")


def test_where_the_key_is_lost_another_one_signs_all_that_is_listed(tmp_path, monkeypatch):
    """As docs/operating.md has it: what the lost key signed stays believed, for its public half is in the store."""
    store = shelf.filled(FolderStore(tmp_path / "store"))
    for name, value in (("STORE", store.name), ("BASE_URL", BASE), ("SIGNING_KEY", tmp_path / "new.pem")):
        monkeypatch.setenv(f"FARM_{name}", str(value))
    before = store.get(SIGNED)
    for words in (("keys", "new", str(tmp_path / "new.pem")), ("index", "--relist"), ("verify-store",)):
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, (words, done.output, done.exception)
    assert store.get(SIGNED) != before
    assert "0 error(s)" in done.output
