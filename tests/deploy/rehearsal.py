"""What an operator of three hosts types and looks at: the blocks of docs/operating.md with what they leave open filled in."""

import json
import re

from tests.deploy.hosts import blocks

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


# What somebody with another tool does to the bucket: `copy(a, b)` of all that begins so, `drop(a)`.
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
