"""What is published is compared with the build that users have had until now, which no builder sees."""

from __future__ import annotations

import pytest

from farm.publish.publisher import publish
from farm.store.artifact import VerifiedIn
from tests.fakes import MemoryStore
from tests.publish.staging import build_info, good_members, inputs, member, now, order, stage

VERIFIED = VerifiedIn(
    runtime_image="r", builder_image="b", packages=(), passed=("run.version",), without=("size.budget", "upgrade.place")
)
RANDOM = bytes(number * number * 7919 % 251 for number in range(4000))


def published(store, of, *files, mark=b""):
    members = [*good_members(build_info(of), mark), *(member(name, RANDOM * times) for name, times in files)]
    return publish(store, stage(store, of, members=members, verified=VERIFIED), of, clock=now)


def test_of_a_first_build_nobody_says_that_it_was_compared():
    artifact = published(MemoryStore(), order())
    assert artifact.findings == ()
    assert artifact.verified == VERIFIED


def test_growth_since_the_build_before_is_a_warning_that_names_the_files():
    store = MemoryStore()
    published(store, order(), ("python/lib/same.py", 1))
    files = ("python/lib/same.py", 1), ("python/lib/fat.py", 5)
    artifact = published(store, order(inputs=inputs("15")), *files)
    assert {(finding.check, finding.severity) for finding in artifact.findings} == {("size.budget", "warning")}
    assert [finding.message.split(" it")[0] for finding in artifact.findings] == ["packed", "unpacked"]
    assert all("most of it: lib/fat.py +20000" in finding.hint for finding in artifact.findings)
    assert artifact.verified.passed == ("run.version", "size.budget")
    assert artifact.verified.without == ("upgrade.place",)


@pytest.mark.parametrize("times", [2, 1], ids=["smaller", "as big"])
def test_no_growth_passes(times):
    store = MemoryStore()
    published(store, order(), ("python/lib/same.py", times))
    artifact = published(store, order(inputs=inputs("15")), ("python/lib/same.py", 1))
    assert artifact.findings == ()
    assert "size.budget" in artifact.verified.passed


@pytest.mark.parametrize("loss", ["damaged", "gone"])
def test_a_build_before_that_nobody_can_read_stops_nothing(loss):
    store = MemoryStore()
    published(store, order())
    (key,) = [key for key in store.objects if key.endswith("-install_only.tar.gz")]
    if loss == "gone":
        store.delete(key)
    else:
        store.objects[key] = store.objects[key][:-1] + b"x"
    artifact = published(store, order(inputs=inputs("15")), ("python/lib/fat.py", 5))
    assert (artifact.findings, artifact.verified) == ((), VERIFIED)
