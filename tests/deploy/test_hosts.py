"""docs/operating.md as it is written: three hosts from nothing, an upgrade while they build, and what to do after a disaster.

Its blocks of commands are read from the page and typed by root on hosts with systemd; only what an operator fills in differs.
It takes ten minutes and installs packages, so it is no part of the default run: `make hosts-test`.
"""

import json
import os
import platform
import re
import subprocess

import pytest

from farm.plan.facts import load_facts
from farm.settings import Settings
from tests.chaos.cells import small_cells
from tests.deploy.hosts import PAGE, ROOT, Hosts
from tests.deploy.rehearsal import (
    BASE_URL,
    BUILDERS,
    COPY_URL,
    EVERYBODY,
    FARM,
    KEYS,
    OWN,
    READER,
    SOURCE,
    Farm,
    addresses,
    control,
    meddle,
    trust,
    typed,
)

pytestmark = [
    pytest.mark.engine,
    pytest.mark.optional,
    pytest.mark.timeout(5400),
    pytest.mark.skipif(not os.environ.get("HOSTS"), reason="make hosts-test"),
]


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """What is committed here, with a commit to upgrade to that is not there yet."""
    folder = tmp_path_factory.mktemp("repository")
    bare = folder / "farm.git"
    subprocess.run(["git", "clone", "-q", "--bare", "--single-branch", ROOT, bare], check=True)
    return bare


@pytest.fixture(scope="module")
def cells(tmp_path_factory):
    return small_cells(tmp_path_factory.mktemp("small") / "cells", 15)


@pytest.fixture(scope="module")
def hosts(engine, engine_url, tmp_path_factory):
    from tests.fixtures_engine import ARCHES, ensure_base, release_of  # noqa: PLC0415

    base = ensure_base(release_of(load_facts().distros["debian12"]), ARCHES[platform.machine()], engine, Settings(), print)
    made = Hosts(engine_url, base.name, tmp_path_factory.mktemp("hosts"))
    try:
        made.serve_s3("pythons/farm", KEYS, READER)
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def boot(hosts, repository, cells):
    """Switches on a host with nothing of ours."""
    files = ("-v", f"{repository}:/mnt/farm.git:ro", "-v", f"{cells.folder}:/mnt/cells:ro")

    def booted(name):
        hosts.start(name, f"{name}.internal", options=files)
        hosts.until(name, "systemctl is-system-running", 60)
        hosts.run(name, "git config --global --add safe.directory '*'; apt-get -qq update")

    return booted


@pytest.fixture(scope="module")
def farm(hosts, cells):
    return Farm(hosts, cells)


def test_three_hosts_from_nothing(hosts, farm, boot):
    for name in EVERYBODY:
        boot(name)
        hosts.run(name, typed("**1. On every host**"))
    address = control(hosts)
    for name in BUILDERS:
        trust(hosts, name)
        step = typed("**5. Each build host**", 1, builder=address["builder"])
        assert step.count("FARM_LOG=json\n") == 1
        said = hosts.run(name, step.replace("FARM_LOG=json\n", "\n".join(("FARM_LOG=json", *OWN, ""))), folder=SOURCE)
        assert "broker: it answers at rediss://control.internal:6379/0" in said
        assert "isolation: no network, no privileges, read-only root, and limits of memory and processes hold" in said
    hosts.until("control", f"{FARM}\ntest $(farm workers --json | grep -c '\"engine\"') -ge 2")
    farm.farm("doctor --role trusted")
    said = json.loads(farm.farm("workers --json"))
    assert {card["name"].partition(".")[0] for card in said} == set(BUILDERS)
    farm.ended(farm.submit(2))
    farm.right()
    hosts.run("control", typed("**7. Every day.**"), folder=SOURCE)
    assert "enabled" in hosts.run("control", "systemctl start farm-daily.service && systemctl is-enabled farm-daily.timer")
    farm.right()
    assert "running" in hosts.run(
        "control", "curl -sf http://127.0.0.1:8080/status.json >/dev/null && systemctl is-active farm-status && echo running"
    )


def test_an_upgrade_while_they_build(hosts, farm, repository, tmp_path):
    work = tmp_path / "work"
    subprocess.run(["git", "clone", "-q", repository, work], check=True)
    (work / "NEWER").touch()
    who = ("-c", "user.name=operator", "-c", "user.email=operator@example.org")
    subprocess.run(["git", "-C", work, "add", "NEWER"], check=True)
    subprocess.run(["git", "-C", work, *who, "commit", "-q", "-m", "newer"], check=True)
    subprocess.run(["git", "-C", work, "push", "-q"], check=True)
    run = farm.submit(3)
    farm.building(run)
    hosts.run("control", typed("**1. Stop granting.**"))
    for name in BUILDERS:
        hosts.run(name, typed("**2. Let builders finish.**"))
    for name in EVERYBODY:
        hosts.run(name, typed("**3. The new code.**"))
        assert hosts.run(name, "ls NEWER", folder=SOURCE) == "NEWER\n"
    for name in BUILDERS:
        hosts.run(name, typed("**4. Start again.**", 0))
    hosts.run("control", typed("**4. Start again.**", 1))
    farm.ended(run)
    farm.right()


def test_going_back(hosts, farm):
    hosts.run("control", typed("**1. Stop granting.**"))
    for name in BUILDERS:
        hosts.run(name, typed("**2. Let builders finish.**"))
    for name in EVERYBODY:
        hosts.run(name, typed("**To go back**"))
        assert "NEWER" not in hosts.run(name, "ls", folder=SOURCE)
    for name in BUILDERS:
        hosts.run(name, typed("**4. Start again.**", 0))
    hosts.run("control", typed("**4. Start again.**", 1))
    hosts.until("control", f"{FARM}\ntest $(farm workers --json | grep -c '\"engine\"') -ge 2")
    farm.right()


def test_redis_is_gone(hosts, farm):
    run = farm.submit(3)
    farm.building(run)
    hosts.run("control", typed("**Redis.**", 0))
    farm.ended(run)
    farm.right()


def test_the_users_of_redis_are_gone(hosts, farm):
    hosts.run("control", "rm /etc/redis/farm.acl")
    address = addresses(hosts.run("control", typed("**Redis.**", 1)))
    hosts.run("control", typed("**Redis.**", 2, farm=address["farm"]))
    for name in BUILDERS:
        hosts.run(name, typed("**Redis.**", 3, builder=address["builder"]))
    farm.ended(farm.submit(1))
    farm.right()


def test_the_host_of_scheduler_and_redis_is_gone(hosts, farm, boot):
    run = farm.submit(2)
    key = hosts.run("control", "cat /etc/farm/signing.pem")
    hosts.lose("control")
    boot("control")
    hosts.run("control", typed("**1. On every host**"))
    address = control(hosts, key)
    for name in BUILDERS:
        trust(hosts, name)
        hosts.run(name, typed("**Redis.**", 3, builder=address["builder"]))
    farm.ended(run)
    farm.right()


def test_the_signing_key_is_gone(hosts, farm):
    hosts.run("control", "rm /etc/farm/signing.pem")
    assert "BEGIN PUBLIC KEY" in hosts.run("control", typed("**Scheduler or publisher host.**"))
    farm.ended(farm.submit(1))
    farm.right()


def test_an_index_is_damaged(hosts, farm):
    meddle(hosts, "bucket.put_object(Key='farm/channels/dev/index.json', Body=b'{')")
    hosts.run("control", typed("**An index.**", 0))
    farm.right()


def test_the_indexes_are_gone(hosts, farm):
    hosts.run("control", f"curl -sf {BASE_URL}/channels/dev/index.json")
    meddle(hosts, "drop('farm/channels/')", "drop('farm/v2/')")
    hosts.run("control", f"! curl -sf {BASE_URL}/channels/dev/index.json")
    assert f"files say {BASE_URL}" in hosts.run("control", typed("**An index.**", 1))
    farm.right()


def test_the_bucket_is_restored_from_a_copy(hosts, farm):
    needed = re.search(r"^A copy needs (.*?);", PAGE.read_text("utf-8"), re.MULTILINE)[1]
    parts = re.findall(r"`([a-z]+/?)`", needed)
    assert {"artifacts/", "catalog/", "layout"} <= set(parts)
    meddle(hosts, *(f"copy('farm/{part}', 'copy/{part}')" for part in parts))
    kept = farm.asked
    farm.ended(farm.submit(1))  # the copy does not have this one
    meddle(hosts, "drop('farm/')")
    assert f"files say {COPY_URL}" in hosts.run("control", typed("**The bucket, restored from a copy.**"))
    assert len(farm.published()) == kept
    farm.asked = kept
    farm.ended(farm.submit(2))
    farm.right()
