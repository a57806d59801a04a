"""What a builder says and stages: all of it is compared with what was granted before anything is written."""

from __future__ import annotations

import pytest

from farm.errors import Conflict, Transient, VerificationFailed
from farm.publish.publisher import publish
from farm.store import run_keys
from farm.store.artifact import ConfigureInfo, Finding, PackageVersion, SourceInfo
from tests.fakes import MemoryStore
from tests.publish.staging import CELL, build_info, good_members, member, now, order, stage


def said(**changes):
    return lambda store, of: stage(store, of, **changes)


def with_build(**changes):
    return lambda store, of: stage(store, of, build=build_info(of).model_copy(update=changes))


def without_object(store, of):
    staged = stage(store, of)
    store.delete(run_keys.staging(of.run, of.cell, of.attempt, "install_only.tar.gz"))
    return staged


def other_object(content):
    def staged(store, of):
        result = stage(store, of)
        key = run_keys.staging(of.run, of.cell, of.attempt, "install_only.tar.gz")
        store.put(key, content(store.objects[key]))
        return result

    return staged


def archives(**changes):
    def staged(store, of):
        result = stage(store, of)
        changed = result.archives[0].model_copy(update=changes)
        return result.model_copy(update={"archives": (changed, *result.archives[1:])})

    return staged


def without_info(store, of):
    return stage(store, of, members=good_members(build_info(of))[:-1])


def with_other_info(store, of):
    return stage(store, of, members=good_members(build_info(of).model_copy(update={"compiler": "clang"})))


ERROR = Finding(check="linkage.libpython", severity="error", message="the executable needs libpython")


@pytest.mark.parametrize(
    ("staging", "message"),
    [
        (said(findings=(ERROR,)), "needs libpython"),
        (said(attempt=2), "attempt is 2"),
        (said(recipe="f" * 64), "recipe is"),
        (said(inputs="f" * 64), "inputs is"),
        (said(build=None), "nothing to publish"),
        (said(archives=()), "its archives are none"),
        (with_build(cell="3.13.4-debian13-amd64"), "cell of the build"),
        (with_build(optimize="pgo"), "optimize"),
        (with_build(lib="python3.99"), "layout"),
        (with_build(runtime=()), "run-time packages"),
        (with_build(configure=ConfigureInfo(shared=("--without-ssl",), static=(), make=())), "configure"),
        (with_build(builder_packages=(PackageVersion(name="gcc", version="13"),)), "what the inputs are made of"),
        (with_build(built="cross"), "what the inputs are made of"),
        (with_build(source=SourceInfo(url="https://elsewhere.example", sha256="a" * 64, epoch=1749600000)), "source"),
        (with_build(compiler="clang"), "is not what the builder reported"),
        (with_build(compiler="gcc\x1b]52;c;eA==\x07"), r"'gcc\\x1b\]52;c;eA==\\x07' is nothing that a terminal may have"),
        (without_object, "did not stage"),
        (other_object(lambda data: data + b"x"), "bytes, and said"),
        (other_object(lambda data: data[:-1] + b"x"), "with sha256"),
        (archives(name="../../layout"), "did not stage"),
        (archives(name="debugsymbols.tar.zst"), "one name"),
        (archives(tar_sha256="0" * 64), "different tars"),
        (archives(kind="tests"), "should be"),
        (without_info, "missing"),
        (with_other_info, "is not what the builder reported"),
        (said(members=[member("python/bin/su", b"", mode=0o4755)]), "setuid"),
    ],
)
def test_a_builder_is_not_believed(staging, message):
    store = MemoryStore()
    of = order()
    staged = staging(store, of)
    before = dict(store.objects)
    with pytest.raises((VerificationFailed, Transient), match=message) as caught:
        publish(store, staged, of, clock=now)
    assert str(CELL) in caught.value.message or "unsafe" in caught.value.message
    assert store.objects == before, "something was written for an archive that was refused"


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: data[:-1] + b"x"])
def test_what_was_damaged_on_its_way_is_built_again(damage):
    store = MemoryStore()
    of = order()
    staged = other_object(damage)(store, of)
    with pytest.raises(Transient, match="and said"):
        publish(store, staged, of, clock=now)
    assert not [key for key in store.objects if key.startswith(("artifacts/", "catalog/"))]


@pytest.mark.parametrize("newest", [0, 2])
def test_only_the_newest_granted_attempt_is_published(newest):
    store = MemoryStore()
    of = order()
    staged = stage(store, of)
    store.delete(run_keys.attempt(of.run, of.cell, 1))
    if newest:
        store.put(run_keys.attempt(of.run, of.cell, newest), b"{}")
    with pytest.raises(Conflict):
        publish(store, staged, of, clock=now)
    assert not list(store.list("catalog/"))
