"""deploy/compose.yaml: understood by both Compose commands, and the farm that it starts builds, publishes and serves a cell.

The whole of it builds four images, so it is no part of the default run: `make compose-test`.
"""

import json
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
import requests

from tests.chaos.cells import small_cells
from tests.clients.newer import newer
from tests.fixtures_s3 import free_ports

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose.yaml"
SERVICES = {"scheduler", "publisher", "status", "builder-1", "builder-2", "redis", "s3"}
TRUSTED_ONLY = ("FARM_S3_ACCESS_KEY", "FARM_S3_SECRET_KEY", "FARM_SIGNING_KEY", "FARM_STORE")


def found():
    """The `docker-compose` of this distro; skips the test where there is none."""
    if program := shutil.which("docker-compose"):
        return program
    return pytest.skip("DOCKER-COMPOSE IS MISSING: the compose file is not looked at; apt-get install docker-compose")


# What each answers to `version`: 1.29 is a command of Debian 12, v2 a plugin of docker's that runs by itself, too.
COMMANDS = {
    "docker-compose": (found, r"docker-compose version 1\.29|Docker Compose version v?[2-9]"),
    "Compose v2": (lambda: newer("usr/libexec/docker/cli-plugins/docker-compose"), r"Docker Compose version v?2\."),
}


@pytest.fixture
def env_file(tmp_path):
    """What deploy/env.sh prints, as an operator keeps it."""
    file = tmp_path / "env"
    file.write_text(subprocess.run(["sh", ROOT / "deploy" / "env.sh"], capture_output=True, text=True, check=True).stdout)
    return file


def configured(command, env_file):
    argv = [*command, "--env-file", env_file, "-f", COMPOSE, "config"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    from ruamel.yaml import YAML  # noqa: PLC0415 - only here

    return YAML(typ="safe").load(done.stdout)


@pytest.fixture(params=COMMANDS)
def compose(request):
    find, version = COMMANDS[request.param]
    command = (find(),)
    said = subprocess.run([*command, "version"], capture_output=True, text=True, check=True).stdout
    assert re.match(version, said), said
    return command


def test_it_is_understood_and_has_every_service(compose, env_file):
    assert set(configured(compose, env_file)["services"]) == SERVICES


def test_builders_get_no_key_and_each_service_only_what_it_needs(compose, env_file):
    services = configured(compose, env_file)["services"]
    secrets = dict(line.split("=", 1) for line in env_file.read_text().splitlines() if "=" in line and line[0] != "#")
    for name in ("builder-1", "builder-2"):
        assert not set(services[name]["environment"]) & set(TRUSTED_ONLY)
        assert secrets["FARM_S3_SECRET_KEY"] not in json.dumps(services[name])
    assert "FARM_BROKER_URL" not in services["publisher"]["environment"]
    assert secrets["FARM_REDIS_PASSWORD"] not in json.dumps(services["publisher"])
    assert "FARM_SIGNING_KEY" not in services["scheduler"]["environment"]
    assert secrets["FARM_S3_SECRET_KEY"] not in json.dumps(services["status"]), "status only reads"
    sockets = {name for name, service in services.items() if "engine.sock" in json.dumps(service.get("volumes", []))}
    assert sockets == {"builder-1", "builder-2"}


def test_without_its_secrets_it_does_not_start(compose, tmp_path):
    (tmp_path / "env").touch()
    argv = [*compose, "--env-file", tmp_path / "env", "-f", COMPOSE, "config"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "run deploy/env.sh" in done.stderr


def test_secrets_are_fresh_each_time():
    made = [subprocess.run(["sh", ROOT / "deploy" / "env.sh"], capture_output=True, text=True, check=True).stdout for _ in "ab"]
    secret = [[line for line in text.splitlines() if "PASSWORD" in line or "SECRET" in line] for text in made]
    assert len(secret[0]) == 3
    assert not set(secret[0]) & set(secret[1])


class Composition:
    """A farm that docker-compose started."""

    def __init__(self, folder, engine_url, base):
        self.folder = folder
        self.s3, self.status = free_ports(2)
        self.cells = small_cells(folder / "cells", 2)
        self.base_url = f"http://127.0.0.1:{self.s3}/pythons/farm"
        self.engine_url = engine_url
        changed = {
            "FARM_BASE_URL": self.base_url,
            "FARM_IMAGE_BASE": base,
            "FARM_ENGINE_SOCKET": engine_url.removeprefix("unix://"),
            "FARM_FACTS_FOLDER": self.cells.facts,
            "FARM_SOURCES_FOLDER": self.cells.sources,
            "FARM_S3_PORT": self.s3,
            "FARM_STATUS_PORT": self.status,
        }
        secrets = subprocess.run(["sh", ROOT / "deploy" / "env.sh"], capture_output=True, text=True, check=True).stdout
        kept = [line for line in secrets.splitlines() if line.partition("=")[0] not in changed]
        (folder / "env").write_text("\n".join([*kept, *(f"{name}={value}" for name, value in changed.items())]) + "\n")
        # A copy, because an operator's certificates lie among the sources, and this machine's are none of ours.
        self.source = folder / "source"
        ignore = shutil.ignore_patterns("__pycache__", "*.crt", ".env", "keys")
        for part in ("farm", "workers", "deploy"):
            shutil.copytree(ROOT / part, self.source / part, ignore=ignore)
        for part in ("pyproject.toml", "constraints.txt", "README.md", ".dockerignore"):
            shutil.copy(ROOT / part, self.source)
        if bundle := os.environ.get("FARM_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE"):
            shutil.copy(bundle, self.source / "deploy" / "certificates" / "host.crt")
        self.name = f"farmtest{os.getpid()}"

    def compose(self, *words, timeout=1200):
        argv = ["docker-compose", "--env-file", self.folder / "env", "-p", self.name, "-f", self.source / "deploy/compose.yaml"]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
        environment |= {"DOCKER_HOST": self.engine_url, "COMPOSE_HTTP_TIMEOUT": "600"}
        done = subprocess.run([*argv, *words], capture_output=True, text=True, timeout=timeout, env=environment, check=False)
        assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def standing(self):
        return requests.get(f"http://127.0.0.1:{self.status}/status.json", timeout=60).json()

    def until(self, what, seconds=600):
        """What the status page shows, once it shows that."""
        ends = time.monotonic() + seconds
        while True:
            try:
                if what(seen := self.standing()):
                    return seen
            except requests.RequestException as error:
                seen = error
            assert time.monotonic() < ends, f"{seen}\n{self.compose('logs', '--tail', '20', '--no-color')}"
            time.sleep(1)


@pytest.fixture
def composition(tmp_path, engine_url, engine):
    from farm.settings import Settings  # noqa: PLC0415
    from tests.fixtures_engine import ARCHES, ensure_base, load_facts, release_of  # noqa: PLC0415

    release = release_of(load_facts().distros["debian13"])
    base = ensure_base(release, ARCHES[platform.machine()], engine, Settings(), print)
    made = Composition(tmp_path, engine_url, base.name)
    try:
        made.compose("build")
        made.compose("up", "-d", "--no-build")
        yield made
    finally:
        made.compose("down", "--volumes", "--timeout", "30")


@pytest.mark.compose
@pytest.mark.timeout(2400)
def test_a_cell_is_built_by_it_and_published_and_served(composition):
    seen = composition.until(lambda now: now["scheduler"] and sum(bool(card["engine"]) for card in now["workers"]) == 2)
    assert {card["name"].partition(".")[0] for card in seen["workers"]} == {"builder-1", "builder-2"}
    volume = ("-v", f"{composition.cells.matrix}:/matrix.yaml:ro")
    out = composition.compose(
        "run", "--rm", "-T", "--no-deps", *volume, "scheduler", "submit", "--no-wait", "--json", "/matrix.yaml"
    )
    run = json.loads(out[out.index("{") :])["run"]
    ended = composition.until(lambda now: any(line["run"] == run and not line["going"] for line in now["runs"]))
    (line,) = (line for line in ended["runs"] if line["run"] == run)
    assert (line["cells"], line["published"]) == (2, 2), composition.compose("logs", "--tail", "60", "--no-color")
    # Anybody may read what is published, and nothing else.
    pointer = requests.get(f"{composition.base_url}/channels/dev/index.json", timeout=30)
    assert pointer.status_code == 200
    assert requests.get(f"{composition.base_url}/asked/{run}.json", timeout=30).status_code == 403
    told = composition.compose("logs", "--no-color", "publisher")
    for cell in composition.cells.names:
        assert any(f'"cell": "{cell}"' in one and "published as" in one for one in told.splitlines())
