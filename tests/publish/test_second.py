"""The second verifier: nothing is published that it does not agree with; where it cannot look, it is no objection."""

from __future__ import annotations

import errno

import pytest

from farm.cli import offering
from farm.dispatch import offer
from farm.dispatch.offer import publisher
from farm.errors import EngineUnavailable, Failure, NoRoomHere, VerificationFailed, from_failure, no_room
from farm.publish import second
from farm.publish.publisher import publish
from farm.settings import Settings
from farm.store import catalog
from farm.store.artifact import Finding
from farm.wire.verification import Checked, Verification
from tests.fakes import MemoryStore
from tests.publish.staging import CELL, now, order, stage
from tests.verify.crafted import Crafted


def outcome(*findings: Finding, skipped: str = "") -> Verification:
    checks = (Checked(check="run.version", proves="it runs", where="runtime", skipped=skipped),)
    return Verification(cell=str(CELL), archive="a", checks=checks, findings=findings)


BAD = Finding(check="run.version", severity="error", message="it does not run", file="bin/python3.13")


def test_it_is_asked_before_anything_is_written_with_the_other_archives_beside():
    store, seen = MemoryStore(), []

    def look(archive):
        seen.append((archive.name, sorted(path.name for path in archive.parent.iterdir())))
        assert not catalog.published(store)
        assert not [key for key in store.objects if key.startswith("artifacts/")]

    of = order(second=look)
    publish(store, stage(store, of), of, clock=now)
    assert seen == [("install_only.tar.gz", ["debugsymbols.tar.zst", "install_only.tar.gz", "install_only.tar.zst"])]
    assert len(catalog.published(store)) == 1


def test_what_it_refuses_is_not_published(monkeypatch):
    store = MemoryStore()
    monkeypatch.setattr(second, "asked", lambda *_, **__: outcome(BAD))
    of = order(second=second.agree)
    with pytest.raises(
        VerificationFailed, match=r"does not agree .* 1 check\(s\) found an error: run\.version: bin/python3\.13: it does"
    ):
        publish(store, stage(store, of), of, clock=now)
    assert not catalog.published(store)
    assert not [key for key in store.objects if key.startswith("artifacts/")]


def test_a_warning_is_no_refusal(monkeypatch):
    monkeypatch.setattr(second, "asked", lambda *_, **__: outcome(BAD.model_copy(update={"severity": "warning"})))
    assert second.agree("x") is None


def test_a_verifier_that_cannot_look_says_nothing_against_the_cell(monkeypatch):
    def cannot(kind, message):
        def asked(*_, **__):
            raise from_failure(Failure(kind, message))

        return asked

    for kind, message, raised in (
        ("transient", no_room(OSError(errno.ENOSPC, "No space left")).message, NoRoomHere),
        ("transient", "the engine's disk is full: cc found no room", NoRoomHere),
        ("transient", "the engine does not answer", EngineUnavailable),
        ("internal", "the process of 'workers verify' ended with exit code -9 and no outcome", EngineUnavailable),
        ("bad-input", "there is no folder of facts", EngineUnavailable),
    ):
        monkeypatch.setattr(second, "asked", cannot(kind, message))
        with pytest.raises(raised, match="cannot look"):
            second.agree("x")


def test_a_verifier_without_an_engine_says_nothing_against_the_cell(monkeypatch, tmp_path):
    monkeypatch.setattr(second, "asked", lambda *_, **__: outcome(skipped="no container engine answers"))
    with pytest.raises(EngineUnavailable, match="could not run 1 checks: no container engine answers"):
        second.agree(tmp_path)


def test_the_setting_gives_it_to_whoever_publishes(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(offer, "publisher", lambda *words: given.append(words[3]) or publisher(*words))
    for wanted in (True, False):
        offering.publishing(Settings(store=str(tmp_path), second_verifier=wanted), MemoryStore())
    assert given == [second.agree, None]


@pytest.mark.engine
def test_a_real_engine_sees_what_a_builder_did_not_say(tmp_path, engine_url, monkeypatch):
    """The crafted tree has no program in it that runs; its builder says that all is well."""
    monkeypatch.setenv("FARM_ENGINE", engine_url)
    archive = tmp_path / "install_only.tar.gz"
    archive.write_bytes(Crafted().packed())
    with pytest.raises(VerificationFailed, match="the second verifier does not agree with the builder"):
        second.agree(archive)
