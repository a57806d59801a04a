"""The files in deploy/ that no process of ours reads: dashboards ask for metrics that exist, units start verbs that exist."""

import configparser
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from farm.cli.main import VERBS, cli
from farm.dispatch.metrics import PrometheusMeter
from farm.settings import Settings
from workers.__main__ import VERBS as WORKER_VERBS

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
NAME = re.compile(r"\bfarm_[a-z_]+")
# Every metric of a builder, as one says it itself; a process of its own, because meters are made when they are first counted.
BUILDER = """
import os, tempfile
from types import SimpleNamespace as one
from farm.settings import Settings
from workers import metrics
from tests.fixtures_s3 import free_ports
import urllib.request
port = free_ports(1)[0]
with metrics.shown(Settings(metrics=f"127.0.0.1:{port}"), 1, lambda: True):
    metrics.cache("source", hit=True)
    metrics.attempted(one(failure=None, steps=(one(step="compile", seconds=3.0),)))
    print(urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode())
"""


@pytest.fixture(scope="module")
def known():
    """The names of all samples."""
    trusted = {sample.name for metric in PrometheusMeter().registry.collect() for sample in metric.samples}
    # Without a count yet a histogram or a labelled counter has no samples.
    trusted |= {"farm_step_duration_seconds_bucket", "farm_attempts_ended_total"}
    done = subprocess.run([sys.executable, "-c", BUILDER], capture_output=True, text=True, check=True)
    return trusted | {found[0] for line in done.stdout.splitlines() if (found := NAME.match(line))}


def test_the_dashboard_asks_for_metrics_that_exist(known):
    board = json.loads((DEPLOY / "grafana.json").read_text())
    asked = {name for panel in board["panels"] for target in panel["targets"] for name in NAME.findall(target["expr"])}
    assert len(asked) > 10
    assert asked <= known


def test_alerts_ask_for_metrics_that_exist(known):
    rules = YAML(typ="safe").load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
    asked = {name for rule in rules for name in NAME.findall(rule["expr"])}
    assert asked
    assert asked <= known


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_unit_starts_a_verb_that_exists(unit):
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(unit)
    commands = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
    assert commands
    for words in map(shlex.split, commands):
        verbs, verb = (WORKER_VERBS, words[3]) if words[0].endswith("python") else (VERBS, words[1])
        assert verb in verbs
    if unit.with_suffix(".timer").exists():
        target = "timers.target"
        parser.read(unit.with_suffix(".timer"))
        assert parser["Timer"]["Persistent"] == "true"
    else:
        target = "multi-user.target"
    assert parser["Install"]["WantedBy"] == target


def test_a_host_can_emulate_before_its_builder_looks():
    """A builder looks once, when it starts, which arches its host runs."""
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read(DEPLOY / "systemd" / "farm-emulation@.service")
    assert parser["Unit"]["Before"] == "farm-builder.service"
    assert (parser["Service"]["Type"], parser["Service"]["RemainAfterExit"]) == ("oneshot", "yes")  # Before waits for its end


def test_every_option_of_the_daily_unit_exists():
    """A verb that lost an option would fail at three in the morning."""
    for words in re.findall(
        r"^ExecStart=\S+/farm (.*)$", (DEPLOY / "systemd" / "farm-daily.service").read_text(), re.MULTILINE
    ):
        done = CliRunner().invoke(cli, [*shlex.split(words), "--help"], catch_exceptions=False)
        assert done.exit_code == 0
        for option in re.findall(r"--[a-z-]+", words):
            assert option in done.output


def test_the_s3_server_is_the_one_of_the_tests():
    (wanted,) = [line for line in (DEPLOY / "s3.txt").read_text().splitlines() if not line.startswith("#")]
    version, _, digest = wanted.partition(" --hash=sha256:")
    assert version in (DEPLOY.parent / "constraints.txt").read_text().splitlines()
    assert len(digest) == 64


def test_what_the_images_copy_is_sent_to_the_engine():
    sent = [line[1:] for line in (DEPLOY.parent / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        word.rstrip("/")
        for file in DEPLOY.glob("*.Dockerfile")
        for line in file.read_text().splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
    ]
    assert len(copied) > 5
    assert [name for name in copied if name not in sent or not (DEPLOY.parent / name).exists()] == []


def test_there_is_a_unit_for_each_service():
    names = ["farm-builder", "farm-daily", "farm-emulation@", "farm-publisher", "farm-scheduler", "farm-status"]
    assert [unit.stem for unit in UNITS] == names


def seconds(time):
    """As Compose and systemd write it, e.g. '60s', '3h'."""
    number, unit = re.fullmatch(r"([0-9]+)(s|m|h)?", time).groups()
    return int(number) * {"h": 3600, "m": 60}.get(unit, 1)


def said(name, text):
    (number,) = re.findall(rf"\b{name}: ([0-9]+)\b", text)
    return int(number)


def test_whatever_stops_a_builder_waits_until_it_has_handed_back_its_work():
    """Else it is killed in the middle of a cell, and nobody says that it was."""
    services = YAML(typ="safe").load((DEPLOY / "compose.yaml").read_text())["services"]
    builders = [service for name, service in services.items() if name.startswith("builder-")]
    assert len(builders) == 2
    for builder in builders:
        assert seconds(builder["stop_grace_period"]) >= int(builder["environment"]["FARM_STOP_S"]) + 10
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(DEPLOY / "systemd" / "farm-builder.service")
    assert seconds(unit["Service"]["TimeoutStopSec"]) >= Settings.model_fields["stop_s"].default + 10
    kubernetes = (DEPLOY.parent / "docs" / "operating.md").read_text().partition("## Kubernetes")[2]
    assert said("terminationGracePeriodSeconds", kubernetes) >= said("FARM_STOP_S", kubernetes) + 10
