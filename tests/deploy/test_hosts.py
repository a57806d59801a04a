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
from tests.deploy.hosts import PAGE, ROOT, Hosts, blocks

KEYS, READER = ("AKIAFARM", "farmsecret0123456789"), ("AKIAREADER", "readersecret0123456789")
BUILDERS = ("build1", "build2")
EVERYBODY = ("control", *BUILDERS)
FARM = "set -a; . /etc/farm/scheduler.env; set +a; PATH=/opt/farm/venv/bin:$PATH"
SOURCE = "/opt/farm/src"
BASE_URL, COPY_URL = "http://s3.example.org:8333/pythons/farm", "http://s3.example.org:8333/pythons/copy"
OWN = ("FARM_FACTS=/mnt/cells/facts", "FARM_SOURCES=/mnt/cells/sources")
# What the page leaves to its reader.
FILLED = {
    "https://git.example.org/python-farm.git": "/mnt/farm.git",
    "FARM_S3_ENDPOINT=https://s3.example.org": "FARM_S3_ENDPOINT=http://s3.example.org:8333",
    "FARM_S3_ACCESS_KEY=… FARM_S3_SECRET_KEY=…": f"FARM_S3_ACCESS_KEY={READER[0]} FARM_S3_SECRET_KEY={READER[1]}",
    "FARM_S3_ACCESS_KEY=…": f"FARM_S3_ACCESS_KEY={KEYS[0]}",
    "FARM_S3_SECRET_KEY=…": f"FARM_S3_SECRET_KEY={KEYS[1]}",
    "FARM_BASE_URL=https://python.example.org": "\n".join((f"FARM_BASE_URL={BASE_URL}", *OWN)),
    "s3://pythons-copy/farm": "s3://pythons/copy",
    "https://copy.example.org": COPY_URL,
}
pytestmark = [
    pytest.mark.engine,
    pytest.mark.optional,
    pytest.mark.timeout(5400),
    pytest.mark.skipif(not os.environ.get("HOSTS"), reason="make hosts-test"),
]


def typed(after, index=0, **more):
    """A block of the page with what an operator fills in; `more` names what comes in the place of an address' or CA's dots."""
    text = blocks(after)[index]
    dots = {
        "farm": "rediss://farm:…@control.internal:6379/0",
        "builder": "rediss://builder:…@control.internal:6379/0",
        "ca": "…\nCA\n",
    }
    for written, meant in {**{dots[name]: meant for name, meant in more.items()}, **FILLED}.items():
        text = text.replace(written, meant)
    assert "…" not in text, text
    return text


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


class Farm:
    """The farm on these hosts, as its operator sees it from `control`."""

    def __init__(self, hosts, cells):
        self.hosts, self.cells = hosts, cells
        self.asked = 0

    def farm(self, words):
        return self.hosts.run("control", f"{FARM}\nfarm {words}")

    def submit(self, count):
        """Ask for cells that nobody asked for yet; gives the run."""
        wanted = self.cells.versions[self.asked : self.asked + count]
        self.asked += count
        matrix = self.cells.matrix.read_text().replace(
            f"pythons: [{self.quoted(self.cells.versions)}]", f"pythons: [{self.quoted(wanted)}]"
        )
        self.hosts.run("control", f"cat > matrix.yaml <<'MATRIX'\n{matrix}MATRIX\n")
        return json.loads(self.farm("submit --no-wait --json matrix.yaml"))["run"]

    @staticmethod
    def quoted(versions):
        return ", ".join(f'"{version}"' for version in versions)

    def building(self, run):
        """Wait until a cell of it is being built."""
        self.hosts.until("control", f"{FARM}\nfarm status --json | grep -q {run}; farm status --json | grep -q building")

    def ended(self, run):
        """Wait for its end: all that was asked for is published."""
        said = json.loads(self.farm(f"watch --json {run}"))
        assert {cell["result"] for cell in said["cells"]} == {"published"}, said

    def published(self):
        return sorted(entry["cell"] for entry in json.loads(self.farm("ls --json")))

    def right(self):
        """All that was asked for is published, once, and the store is what it says."""
        assert self.published() == sorted(self.cells.names[: self.asked])
        self.hosts.run(
            "control", "set -a; . /etc/farm/publisher.env; set +a\n/opt/farm/venv/bin/farm verify-store --quick", folder="/root"
        )


@pytest.fixture(scope="module")
def farm(hosts, cells):
    return Farm(hosts, cells)


def addresses(printed):
    """Each user's address of Redis, as `farm broker users` prints them."""
    found = dict(re.findall(r"^(\w+): (rediss://\S+)$", printed, re.MULTILINE))
    assert set(found) == {"farm", "builder"}
    return found


def control(hosts, key=""):
    """Steps 2 to 4, with this signing key or a new one; gives each user's address of the Redis there."""
    step = typed("**2. The store.**")
    made = "/opt/farm/venv/bin/farm keys new /etc/farm/signing.pem"
    assert made in step
    if key:
        step = step.replace(made, f"cat > /etc/farm/signing.pem <<'KEY'\n{key}KEY\nchmod 600 /etc/farm/signing.pem").replace(
            " && ", "\n"
        )
    assert "as many schedulers and submits as you like may publish at once" in hosts.run("control", step, folder=SOURCE)
    hosts.run("control", typed("**3. Redis**", 0), folder=SOURCE)
    address = addresses(hosts.run("control", typed("**3. Redis**", 1), folder=SOURCE))
    hosts.run("control", typed("**4. Services of `control`.**", farm=address["farm"]), folder=SOURCE)
    return address


def trust(hosts, name):
    """What step 5 begins with: the CA of the Redis on `control`, on a build host."""
    ca = hosts.run("control", "cat /etc/farm/ca.crt")
    hosts.run(name, typed("**5. Each build host**", 0, ca=f"{ca}CA\n"))


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


# What somebody with another tool does to the bucket: `move(a, b)` of all that begins so, `drop(a)`.
TOOL = """
import os, boto3
from farm.settings import Settings
own = Settings()
bucket = boto3.resource("s3", endpoint_url=own.s3.endpoint, aws_access_key_id=own.s3.access_key,
    aws_secret_access_key=own.s3.secret_key.get_secret_value(), region_name="us-east-1").Bucket("pythons")
def drop(start):
    for one in list(bucket.objects.filter(Prefix=start)):
        one.delete()
def copy(start, target):
    for one in list(bucket.objects.filter(Prefix=start)):
        bucket.Object(target + one.key.removeprefix(start)).copy_from(CopySource={"Bucket": "pythons", "Key": one.key})
"""


def meddle(hosts, *lines):
    script = "\n".join((TOOL, *lines))
    hosts.run("control", f"{FARM}\npython - <<'PYTHON'\n{script}\nPYTHON\n")


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
