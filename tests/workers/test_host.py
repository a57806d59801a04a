"""Finding an engine, and what an engine of our own needs: names and networks that are free, control groups, signals."""

from __future__ import annotations

import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import BadInput, EngineUnavailable, Transient
from farm.settings import Settings
from workers.engine import bridge, cgroups, host
from workers.engine.bridge import CANDIDATES, Bridge, free_name, free_network
from workers.engine.command import engine_probe, with_engine
from workers.engine.own import OwnEngine

NOBODY = "unix:///nowhere/engine.sock"


@pytest.fixture
def no_engine(monkeypatch, tmp_path):
    """A host on which nothing answers, and whose user is not root."""
    monkeypatch.setenv("FARM_ENGINE", NOBODY)
    monkeypatch.setenv("FARM_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def test_the_engines_are_asked_in_order(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker.example.org:2376")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    assert Settings(engine="").engine_urls == (
        "tcp://docker.example.org:2376",
        "unix:///var/run/docker.sock",
        "unix:///run/user/1000/podman/podman.sock",
        "unix:///run/podman/podman.sock",
    )


def test_an_engine_that_is_set_is_the_only_one(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://docker.example.org:2376")
    assert Settings(engine="unix:///chosen.sock").engine_urls == ("unix:///chosen.sock",)


def test_without_an_engine_every_place_is_named(no_engine):
    assert host.find(Settings()) is None
    with pytest.raises(EngineUnavailable, match=NOBODY) as caught:
        engine_probe([])
    assert "FARM_ENGINE" in caught.value.hint


def test_something_else_at_the_socket_is_no_engine(tmp_path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "docker.sock"))
        with pytest.raises(EngineUnavailable):
            host.ask(f"unix://{tmp_path}/docker.sock")


@pytest.mark.engine
def test_an_engine_that_answers_says_what_it_is(engine_url, monkeypatch, capsys):
    monkeypatch.setenv("FARM_ENGINE", engine_url)
    assert engine_probe([]) == 0
    monkeypatch.setenv("FARM_ROOM_GB", "1000000000")
    with pytest.raises(Transient, match="FARM_ROOM_GB asks for"):
        engine_probe([])
    assert "Engine" in capsys.readouterr().out


def test_without_an_engine_and_root_the_operator_learns_what_to_do(no_engine):
    with pytest.raises(EngineUnavailable) as caught:
        with_engine(["--", "true"])
    assert "FARM_ENGINE" in caught.value.hint


@pytest.mark.parametrize("arguments", [[], ["--"], ["--help"], ["--", "--help"]], ids=" ".join)
def test_a_command_is_needed_before_any_engine_is_started(arguments, no_engine):
    with pytest.raises(BadInput, match="needs a command"):
        with_engine(arguments)


def _run_in_child(command: list[str]) -> subprocess.Popen:
    code = f"import sys; from workers.engine.command import run; sys.exit(run({command!r}))"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)


@pytest.mark.parametrize(("script", "wanted"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)])
def test_the_commands_exit_code_is_passed_on(script, wanted):
    with _run_in_child(["sh", "-c", script]) as child:
        assert child.wait(20) == wanted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_is_passed_on_and_its_answer_awaited(number):
    script = f"trap 'echo got it; exit 9' {number.name[3:]}; echo ready; while :; do sleep 0.05; done"
    with _run_in_child(["sh", "-c", script]) as child:
        assert child.stdout.readline() == "ready\n"
        child.send_signal(number)
        assert child.wait(20) == 9
        assert child.stdout.read() == "got it\n"


def test_ctrl_c_reaches_the_command_once():
    """A terminal signals the whole process group; passing that on would interrupt twice."""
    script = """
import os, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: os.write(1, b"got it"))  # print must not be entered while it prints
print("ready", flush=True)
time.sleep(1)
sys.exit(5)
"""
    pid, terminal = os.forkpty()
    if pid == 0:
        code = f"import sys; from workers.engine.command import run; sys.exit(run([sys.executable, '-c', {script!r}]))"
        os.execv(sys.executable, [sys.executable, "-c", code])
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    while True:
        try:
            seen += os.read(terminal, 1000)
        except OSError:  # the other end is closed
            break
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5
    assert seen.count(b"got it") == 1


def test_a_bridge_takes_a_free_name():
    assert free_name(["lo", "eth0"]) == "farm0"
    assert free_name(["farm0", "lo", "farm1"]) == "farm2"


NETWORKS = st.builds(
    lambda number, prefix: ipaddress.IPv4Network((number, prefix), strict=False), st.integers(0, 2**32 - 1), st.integers(8, 32)
)


@given(st.lists(NETWORKS, max_size=6))
def test_a_bridges_network_overlaps_with_no_route(routes):
    try:
        chosen = free_network(["default", *map(str, routes), "0.0.0.0/0"])
    except EngineUnavailable:
        assert all(any(candidate.overlaps(route) for route in routes) for candidate in CANDIDATES)
    else:
        assert not any(chosen.overlaps(route) for route in routes)


def test_a_taken_network_is_passed_over():
    assert free_network([str(CANDIDATES[0][7])]) == CANDIDATES[1]


def test_a_bridge_is_remembered_whole(tmp_path):
    bridge = Bridge("farm0", "172.30.213.0/24", 1400, forwarded=False)
    bridge.save(tmp_path / "bridge.json")
    assert Bridge.load(tmp_path / "bridge.json") == bridge
    assert Bridge.load(tmp_path / "none.json") is None
    assert bridge.address == "172.30.213.1/24"


def test_every_rule_names_only_our_bridge_and_network():
    for rule in Bridge("farm0", "172.30.213.0/24", 1400, forwarded=True).rules():
        assert "farm0" in rule
        assert "python-farm" in rule


def test_the_host_goes_on_forwarding_until_the_last_bridge_of_ours_is_gone(tmp_path, monkeypatch):
    forward = tmp_path / "ip_forward"
    forward.write_text("0\n")
    monkeypatch.setattr(bridge, "_FORWARD", forward)
    monkeypatch.setattr(bridge, "_do", lambda *command: "[]" if "-j" in command else "")
    monkeypatch.setattr(bridge, "_try", lambda *command: None)
    runs = [tmp_path / f"farm-{number}" for number in range(2)]
    for run in runs:
        run.mkdir()
        chosen = bridge.choose(bridge.remembered(run))
        assert not chosen.forwarded, "the host did not, before the first of them"
        chosen.save(run / "bridge.json")
        chosen.up()
    for run, left in zip(runs, ("1\n", "0\n"), strict=True):
        Bridge.load(run / "bridge.json").down(bridge.remembered(run))
        (run / "bridge.json").unlink()
        assert forward.read_text() == left


MOUNTED = (
    "31 23 0:28 / /sys/fs/cgroup rw - tmpfs tmpfs rw\n32 31 0:29 / /sys/fs/cgroup/cpu rw shared:3 - cgroup cgroup rw,cpu\n"
)
UNIFIED = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
ELSEWHERE = "31 23 0:28 / /srv/other/cgroup rw - cgroup2 cgroup2 rw\n"


@pytest.mark.parametrize(("info", "wanted"), [(MOUNTED, True), (UNIFIED, True), (ELSEWHERE, False), ("", False)])
def test_mounted_control_groups_are_seen(info, wanted):
    assert cgroups.mounted(info) is wanted


def test_the_version_1_hierarchies_are_mounted_as_the_kernel_has_them():
    rows = ("cpu 2 1 1", "cpuacct 2 1 1", "memory 4 1 1", "rdma 0 1 1", "hugetlb 5 1 0")
    listing = "\n".join(("#subsys_name hierarchy num_cgroups enabled", *rows))
    assert cgroups.hierarchies(listing) == ("cpu,cpuacct", "memory")
    assert cgroups.hierarchies("cpu 0 1 1") == ()


# --- the real thing ----------------------------------------------------------------------------------------------------


@pytest.fixture
def own(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("an engine of our own takes root")
    said: list[str] = []
    engine = OwnEngine(Settings(cache=tmp_path / "cache"), said.append)
    yield engine, said
    engine._stop()
    shutil.rmtree(engine.run)


def _processes(engine: OwnEngine) -> list[str]:
    wanted = str(engine.run).encode()
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(file.read_bytes())
        except OSError:
            continue
    return [line.replace(b"\0", b" ").decode() for line in lines if wanted in line]


@pytest.mark.engine
def test_an_engine_of_our_own_comes_and_goes_without_a_trace(own):
    engine, said = own
    before = set(Path("/sys/class/net").iterdir())
    with engine.running() as url:
        assert "Docker" in host.ask(url).name
        assert "started" in said[0]
    assert _processes(engine) == []
    assert set(Path("/sys/class/net").iterdir()) <= before
    with pytest.raises(EngineUnavailable):
        host.ask(url)


@pytest.mark.engine
def test_two_users_share_it_and_the_last_one_stops_it(own):
    engine, said = own
    other = OwnEngine(Settings(cache=engine.data.parent), said.append)
    with other.running():
        with engine.running() as url:
            pass
        assert "another command uses it" in said[-1]
        assert host.ask(url)
    assert "stopped" in said[-1]
    assert len([line for line in said if line.startswith("started")]) == 1


@pytest.mark.engine
def test_what_a_killed_command_left_is_taken_over(own):
    engine, _ = own
    code = f"""
import os, signal
from farm.settings import Settings
from workers.engine.own import OwnEngine
with OwnEngine(Settings(cache={str(engine.data.parent)!r}), print).running():
    os.kill(int(open({str(engine.run / "pid")!r}).read()), signal.SIGKILL)  # the daemon dies, its containerd stays
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while any("dockerd --" in line for line in _processes(engine)) and time.monotonic() < deadline:
        time.sleep(0.05)
    with engine.running() as url:
        assert host.ask(url)
    assert _processes(engine) == []
