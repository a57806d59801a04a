"""Publishing: what is believed, in which order it is written, and what a crash at any point leaves behind."""

from __future__ import annotations

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from farm.errors import BadInput, Conflict, FarmError, StoreUnavailable, Transient, VerificationFailed
from farm.index import update
from farm.plan.cell import Cell
from farm.publish.publisher import offer_again, publish
from farm.store import catalog, keys, run_keys
from farm.store.artifact import Artifact, ConfigureInfo, Finding, PackageVersion, SourceInfo
from tests.fakes import FailingStore, MemoryStore
from tests.publish.reader import check_promises
from tests.publish.staging import BASE, CELL, build_info, good_members, inputs, member, now, order, recipe, stage

FOLDER = "artifacts/debian13/3.13.5/amd64/2026112201"
STEM = "cpython-3.13.5-x86_64-unknown-linux-gnu-debian13.2026112201"


def published(store, of=None, **changes):
    of = of or order()
    return publish(store, stage(store, of, **changes), of, clock=now)


def test_what_was_cross_compiled_is_published_as_such():
    assert published(MemoryStore(), order(inputs=inputs(how="cross"))).build.built == "cross"


def test_a_staged_attempt_becomes_an_artifact():
    store = MemoryStore()
    artifact = published(store)
    assert artifact.build_id == "2026112201"
    assert artifact.created == "2026-11-22T15:30:00Z"
    assert sorted(key.removeprefix(f"{FOLDER}/{STEM}") for key in store.objects if key.startswith("artifacts/")) == sorted(
        [
            "-install_only.tar.gz",
            "-install_only.tar.zst",
            "-debugsymbols.tar.zst",
            "-install_only.tar.gz.sha256",
            "-install_only.tar.zst.sha256",
            "-debugsymbols.tar.zst.sha256",
            ".json",
            ".spdx.json",
        ]
    )
    assert Artifact.model_validate_json(store.objects[f"{FOLDER}/{STEM}.json"]) == artifact
    assert catalog.artifact(store, catalog.newest(store, CELL)) == artifact
    check_promises(store)
    downloads = json.loads(store.objects[keys.uv_index("dev", "debian13")])
    assert downloads["cpython-3.13.5-linux-x86_64-gnu"]["url"] == f"{BASE}/{FOLDER}/{STEM}-install_only.tar.zst"


def test_a_variant_has_names_of_its_own():
    store = MemoryStore()
    cell = Cell.parse("3.14.0-debian13-amd64-freethreaded")
    published(store, order(cell))
    names = [key.rpartition("/")[2] for key in store.objects if key.startswith("artifacts/")]
    stem = "cpython-3.14.0-x86_64-unknown-linux-gnu-debian13.2026112201-freethreaded"
    assert f"{stem}.json" in names
    assert f"{stem}-install_only.tar.gz" in names


def test_a_series_that_calls_its_commands_otherwise_is_published_too():
    layout = replace(recipe().layout, names=("python", "python2", "pip", "pip2"))
    published(MemoryStore(), order(recipe=replace(recipe(), layout=layout)))


def test_publishing_twice_gives_one_artifact():
    store = MemoryStore()
    first = published(store)
    before = dict(store.objects)
    assert published(store) == first
    assert store.objects == before


def test_a_rebuild_has_a_higher_id_even_when_the_clock_went_back():
    store = MemoryStore()
    published(store)
    of = order(inputs=inputs("15"))
    staged = stage(store, of, mark=b"newer libraries")
    artifact = publish(store, staged, of, clock=lambda: now() - timedelta(days=400))
    assert artifact.build_id == "2026112202"
    assert catalog.newest(store, CELL).build_id == "2026112202"
    assert "2026112202" in store.objects[keys.uv_index("dev", "debian13")].decode()
    assert "2026112201" not in store.objects[keys.sums("dev", "debian13")].decode()
    assert len(update.entries(store, "dev", "debian13")) == 2


def test_a_published_build_is_offered_in_another_channel_without_new_bytes():
    store = MemoryStore()
    made = recipe(optimize="pgo")
    first = published(store, order(recipe=made))
    archives = {key for key in store.objects if key.startswith("artifacts/")}
    again = published(store, order(recipe=made, channel="stable", attempt=2))
    assert (again.build_id, again.channel) == (first.build_id, "stable")
    assert {key for key in store.objects if key.startswith("artifacts/")} == archives
    assert [build.channel for build in catalog.published(store)] == ["dev", "stable"]
    assert update.entries(store, "stable", "debian13") == update.entries(store, "dev", "debian13")


def failing_at_every_operation():
    """Where publishing can fail: how many operations a whole publication takes."""
    probe = FailingStore({}, at=10**6)
    published(probe)
    return probe.operations


@pytest.mark.parametrize("after", [False, True], ids=["not-done", "answer-lost"])
@pytest.mark.parametrize("retry", ["same attempt", "other bytes", "other clock"])
def test_a_crash_at_any_operation_is_repaired_by_a_second_call(after, retry):
    of = order()
    start = MemoryStore()
    staged = stage(start, of)
    total = failing_at_every_operation()
    assert total > 25
    for at in range(1, total + 1):
        store = FailingStore(start.objects, at=at, after=after)
        with contextlib.suppress(StoreUnavailable, Conflict):
            publish(store, staged, of, clock=now)
        check_promises(store)
        store.healed = True
        second, again, clock = of, staged, now
        if retry == "other bytes":  # a new attempt, whose PGO build came out differently
            second = replace(of, attempt=2)
            again = stage(store, second, mark=b"not the same")
        elif retry == "other clock":
            clock = lambda: now() + timedelta(days=1)  # noqa: E731
        artifact = publish(store, again, second, clock=clock)
        check_promises(store)
        assert [build.build_id for build in catalog.published(store)] == [artifact.build_id], at
        assert [entry.build_id for entry in update.entries(store, "dev", "debian13")] == [artifact.build_id], at
        settled = dict(store.objects)
        assert publish(store, again, second, clock=clock) == artifact
        assert store.objects == settled, at


def test_many_publishers_lose_nothing_of_a_channel():
    store = MemoryStore()
    cells = [Cell.parse(f"3.{minor}.{patch}-debian13-amd64") for minor in (12, 13) for patch in range(6)]
    orders = [order(cell) for cell in cells]
    staged = [stage(store, of) for of in orders]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pair: publish(store, pair[0], pair[1], clock=now), zip(staged, orders, strict=True)))
    check_promises(store)
    assert {entry.cell for entry in update.entries(store, "dev", "debian13")} == {str(cell) for cell in cells}
    assert len(json.loads(store.objects[keys.uv_index("dev", "debian13")])) == 12
    pointer = json.loads(store.objects[keys.channel_pointer("dev")])
    assert pointer["serial"] == 12


def test_two_recipes_of_a_cell_at_once_get_two_ids():
    store = MemoryStore()
    orders = [order(inputs=inputs(str(number)), run=f"20261122-153000-{number:06}") for number in range(8)]
    staged = [stage(store, of, mark=of.inputs.encode()) for of in orders]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda pair: publish(store, pair[0], pair[1], clock=now), zip(staged, orders, strict=True)))
    assert len({artifact.build_id for artifact in made}) == 8


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


def test_an_unoptimized_build_only_goes_to_dev():
    store = MemoryStore()
    of = order(channel="stable")
    with pytest.raises(BadInput, match="may not go to the channel 'stable'"):
        publish(store, stage(store, of), of, clock=now)


def test_a_store_that_loses_bytes_gets_no_catalog_entry():
    class Forgetful(MemoryStore):
        def put(self, key, data, **condition):
            etag = super().put(key, data, **condition)
            if key.startswith("artifacts/") and key.endswith(".tar.gz"):
                self.objects[key] = self.objects[key][:-1]
            return etag

    store = Forgetful()
    with pytest.raises(StoreUnavailable, match=r"install_only\.tar\.gz was written .* does not come back with its"):
        published(store)
    assert not list(store.list("catalog/"))
    assert not list(store.list("channels/"))


def test_a_publisher_that_was_overtaken_does_not_publish():
    of = order()
    key = keys.claim(of.cell, of.recipe.digest, of.inputs)

    class Overtaken(MemoryStore):
        def put(self, at, data, **condition):
            etag = super().put(at, data, **condition)
            if at.endswith(".json") and at.startswith("artifacts/"):
                super().put(key, b'{"build_id": "2026112299", "content": "theirs"}')
            return etag

    store = Overtaken()
    with pytest.raises(Conflict, match="took over"):
        published(store, of)
    assert not list(store.list("catalog/"))


def test_bytes_of_somebody_else_are_never_overwritten():
    store = MemoryStore()
    of = order()
    staged = stage(store, of)
    theirs = f"{FOLDER}/{STEM}-install_only.tar.gz"
    store.put(theirs, b"theirs")
    with pytest.raises(FarmError, match="with other bytes"):
        publish(store, staged, of, clock=now)
    assert not list(store.list("catalog/"))
    assert publish(store, staged, of, clock=now).build_id == "2026112202", "they do not keep the cell from being published"
    assert store.objects[theirs] == b"theirs"


def test_what_uv_cannot_read_is_not_in_its_index():
    store = MemoryStore()
    published(store, order(Cell.parse("2.7.18-debian13-amd64"), uv=False))
    assert json.loads(store.objects[keys.uv_index("dev", "debian13")]) == {}
    assert "2.7.18" in store.objects[keys.sums("dev", "debian13")].decode()


def test_a_build_whose_publisher_died_before_the_index_is_listed_later():
    store = MemoryStore()
    of = order()
    published(store, of)
    for key in [key for key in store.objects if key.startswith("channels/")]:
        store.delete(key)
    assert offer_again(store, of, clock=now)
    assert [entry.build_id for entry in update.entries(store, "dev", "debian13")] == ["2026112201"]
    check_promises(store)


def test_a_build_is_offered_in_another_channel_without_being_built_again():
    store = MemoryStore()
    made = replace(recipe(), optimize="pgo+lto")
    published(store, order(recipe=made, channel="testing"))
    again = offer_again(store, order(recipe=made, channel="stable"), clock=now)
    assert (again.channel, again.build_id) == ("stable", "2026112201")
    assert [entry.build_id for entry in update.entries(store, "stable", "debian13")] == ["2026112201"]
    check_promises(store)


def test_a_build_without_optimisation_is_offered_in_dev_only():
    store = MemoryStore()
    published(store)
    with pytest.raises(BadInput, match="may not go to the channel 'stable'"):
        offer_again(store, order(channel="stable"), clock=now)


def test_nothing_is_offered_that_was_not_published():
    assert offer_again(MemoryStore(), order(), clock=now) is None
