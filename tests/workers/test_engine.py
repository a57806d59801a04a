"""Boxes on a real engine: what runs in them is shut in, ends in time, and leaves nothing behind."""

import gc
import io
import os
import signal
import subprocess
import sys
import tarfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from farm.errors import BuildFailed, Cancelled, EngineUnavailable, Transient
from farm.plan.facts import load_facts
from tests.chaos.engines import PrivateEngine
from workers.engine.docker import DockerEngine
from workers.engine.isolation import isolation
from workers.engine.owners import DEADLINE, OWNER, owner
from workers.engine.protocol import Bounds, BoxSpec, Limits

pytestmark = pytest.mark.engine

QUICK = Limits(memory_bytes=256 << 20, pids=64, deadline_s=60, silent_s=60, lease_s=6)


def boxes(engine, label):
    return engine._client.containers.list(all=True, filters={"label": label}, ignore_removed=True)


def volumes(engine):
    return {volume.name for volume in engine._client.volumes.list()}


def wait_until(true, seconds=20.0):
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # docker-py leaves the failed socket to gc
def test_an_address_where_nothing_answers_is_named():
    with pytest.raises(EngineUnavailable, match=r"unix:///nowhere/engine\.sock"):
        DockerEngine("unix:///nowhere/engine.sock")
    gc.collect()


def test_an_image_that_is_not_there_has_no_layers(engine):
    assert engine.layers("python-farm/no-such-image:1") is None


@pytest.mark.parametrize(
    ("command", "output", "whole"),
    [
        ("echo a; printf b", "a\nb", True),
        ("echo a", "a", True),
        ("true", "", True),
        ("echo a; kill -9 $PPID; sleep 1", "a", False),  # nobody is left to print the mark
    ],
)
def test_a_lost_end_of_output_is_noticed(engine, box_image, command, output, whole):
    with engine.box(BoxSpec(box_image, QUICK)) as box:
        done = box.run(["sh", "-c", command])
    assert (done.output, done.whole) == (output, whole)


def test_a_box_is_shut_in(engine, box_image):
    with engine.box(BoxSpec(box_image, QUICK)) as box:
        said = box.run(["sh", "-c", "id -u; ls /sys/class/net; cat /proc/self/status"]).output
        assert said.splitlines()[:2] == ["1000", "lo"]
        assert "CapEff:\t0000000000000000" in said
        assert "CapBnd:\t0000000000000000" in said
        assert "NoNewPrivs:\t1" in said
        assert not box.run(["touch", "/etc/x"]).ok
        assert box.run(["sh", "-c", "touch /work/x && cp /bin/true /tmp/t && /tmp/t"]).ok
        mounts = box.run(["cat", "/proc/mounts"]).output
        assert str(Path.cwd()) not in mounts
        held = engine._client.containers.get(box.name).attrs
        shut = isolation(QUICK)
        assert (held["Config"]["User"], held["HostConfig"]["NetworkMode"]) == (shut.user, shut.network)
        assert (held["HostConfig"]["Memory"], held["HostConfig"]["PidsLimit"]) == (shut.memory_bytes, shut.pids)


def test_a_box_that_sees_anothers_folder_cannot_write_it_and_leaves_nothing(engine, box_image):
    with engine.box(BoxSpec(box_image, QUICK)) as box:
        assert box.run(["sh", "-c", "echo mine > /work/file"]).ok
        with engine.box(BoxSpec(box_image, QUICK, sees=box)) as twin:
            assert twin.run(["cat", "/work/file"]).output == "mine"
            assert "Read-only file system" in twin.run(["touch", "/work/file"]).output
            assert twin.run(["touch", "/tmp/file"]).ok
        assert box.run(["cat", "/work/file"]).output == "mine"
    wait_until(lambda: box.name not in {container.id for container in boxes(engine, OWNER)})


def test_output_exit_code_and_lines_come_back(engine, box_image):
    lines = []
    with engine.box(BoxSpec(box_image, QUICK)) as box:
        done = box.run(["sh", "-c", 'echo "$A"; echo two >&2; printf three; exit 7'], env={"A": "one"}, on_line=lines.append)
    assert (done.exit_code, done.output, lines) == (7, "one\ntwo\nthree", ["one", "two", "three"])


def test_files_go_in_and_come_out(engine, box_image):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        info = tarfile.TarInfo("in.txt")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"hello"))
    with engine.box(BoxSpec(box_image, QUICK)) as box:
        box.put("/work", stream.getvalue())
        assert box.run(["sh", "-c", "mkdir out && cp in.txt out/"]).ok
        out = io.BytesIO(b"".join(box.get("/work/out")))
    with tarfile.open(fileobj=out) as tar:
        assert tar.extractfile("out/in.txt").read() == b"hello"


def test_a_command_has_its_own_time_limit(engine, box_image):
    with engine.box(BoxSpec(box_image, QUICK)) as box:
        assert box.run(["sleep", "30"], timeout_s=0.5).exit_code == 124
        assert box.run(["echo", "alive"]).ok


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (replace(QUICK, deadline_s=2), "longer than its deadline of 2 s"),
        (replace(QUICK, silent_s=2), "nothing was printed for 2 s"),
        (replace(QUICK, step_s=2), "a single command took longer than its deadline of 2 s"),
    ],
)
def test_a_box_ends_when_its_time_is_over(engine, box_image, limits, said):
    with pytest.raises(BuildFailed, match=said), engine.box(BoxSpec(box_image, limits)) as box:
        box.run(["sleep", "50"])


def test_a_box_ends_when_somebody_cancels(engine, box_image):
    began = time.monotonic()
    with (
        pytest.raises(Cancelled),
        engine.box(BoxSpec(box_image, QUICK, cancelled=lambda: time.monotonic() - began > 1.5)) as box,
    ):
        box.run(["sleep", "50"])
    assert time.monotonic() - began < 20


def test_memory_is_limited(engine, box_image):
    with engine.box(BoxSpec(box_image, QUICK)) as box:
        done = box.run(["sh", "-c", "head -c 400000000 /dev/zero | tail | wc -c"])
    assert "400000000" not in done.output


def test_nothing_is_left_behind(engine, box_image):
    before = volumes(engine)
    with engine.box(BoxSpec(box_image, QUICK, labels={"farm.test": "tidy"})) as box:
        box.run(["true"])
        assert len(boxes(engine, "farm.test=tidy")) == 1
        assert volumes(engine) - before
    wait_until(lambda: not boxes(engine, "farm.test=tidy") and volumes(engine) <= before)


ORPHAN = """
import sys, time
from tests.chaos.engines import PrivateEngine
from workers.engine.docker import DockerEngine
from workers.engine.owners import DEADLINE, OWNER, owner
from workers.engine.protocol import Bounds, BoxSpec, Limits
with DockerEngine(sys.argv[1]).box(BoxSpec(sys.argv[2], Limits(lease_s=6), labels={"farm.test": sys.argv[3]})) as box:
    print("up", flush=True)
    box.run(["sleep", "300"])
"""


def test_a_box_is_gone_soon_after_its_worker_was_killed(engine, engine_url, box_image):
    before = volumes(engine)
    worker = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, engine_url, box_image, "orphan"], stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout.readline() == "up\n"
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    worker.stdout.close()
    wait_until(lambda: not boxes(engine, "farm.test=orphan") and volumes(engine) <= before, seconds=60)


def test_what_a_dead_process_only_created_is_swept(engine, box_image):
    dead = f"{os.uname().nodename}/4194304/1"
    mine = engine._client.containers.create(box_image, ["true"], labels={OWNER: dead, "farm.test": "swept"})
    elsewhere = {OWNER: "elsewhere/1/1", "farm.test": "swept"}
    other = engine._client.containers.create(box_image, ["true"], labels=elsewhere)
    late = engine._client.containers.create(box_image, ["true"], labels=elsewhere | {DEADLINE: "1700000000"})
    try:
        assert engine.sweep() >= 2
        assert [left.id for left in boxes(engine, "farm.test=swept")] == [other.id]
    finally:
        other.remove(force=True)
    assert len({mine.id, other.id, late.id}) == 3


def test_a_box_says_until_when_it_may_live(engine, box_image):
    with engine.box(BoxSpec(box_image, QUICK)) as box:
        held = engine._client.containers.get(box.name)
        (volume,) = (engine._client.volumes.get(mount["Name"]) for mount in held.attrs["Mounts"])
    assert abs(int(held.labels[DEADLINE]) - time.time() - QUICK.deadline_s) < 60
    assert volume.attrs["Labels"][DEADLINE] == held.labels[DEADLINE]


def test_the_volume_of_a_box_that_an_engine_lost_is_removed(engine, box_image):
    """As after a kill of the engine, which then removes the box that has ended, and not what it worked in."""
    before = volumes(engine)
    with engine.box(BoxSpec(box_image, QUICK, labels={"farm.test": "lost"})):
        (lost,) = boxes(engine, "farm.test=lost")
        lost.remove(force=True, v=False)
        assert volumes(engine) - before
    assert volumes(engine) <= before


def test_what_a_full_disk_left_of_a_volume_is_swept(tmp_path):
    """An engine that had no room for a volume forgets it, and lists what there is of it when it was started anew."""
    private = PrivateEngine(tmp_path)
    try:
        private.kill()
        (private.data / "engine" / "volumes" / ("f" * 64)).mkdir()
        private.restart()
        with closing(DockerEngine(private.url)) as engine:
            users = engine._client.volumes.create().name
            assert volumes(engine) == {users, "f" * 64}
            engine.sweep()
            assert volumes(engine) == {users}
    finally:
        private.close()


def test_volumes_that_no_box_has_are_swept_whoever_made_them_and_no_other(engine, box_image):
    """An engine that fails while it makes a box leaves its volume, whose maker lives on."""
    makers = (f"{os.uname().nodename}/4194304/1", "elsewhere/1/1", owner())
    made = {engine._client.volumes.create(labels={OWNER: maker}).name for maker in makers}
    users = engine._client.volumes.create()
    try:
        with engine.box(BoxSpec(box_image, QUICK)) as box:  # which sweeps
            (kept,) = (mount["Name"] for mount in engine._client.containers.get(box.name).attrs["Mounts"])
            engine.sweep()
            assert not made & volumes(engine)
            assert {kept, users.name} <= volumes(engine)
    finally:
        users.remove(force=True)


def test_a_build_that_fails_says_which_lines(engine, box_image):
    with pytest.raises(BuildFailed, match="no-such-program"):
        engine.build("python-farm/test-broken:1", f"FROM {box_image}\nRUN echo here && no-such-program\n")
    assert engine.layers("python-farm/test-broken:1") is None
    with pytest.raises(Transient, match="the emulator crashed building python-farm/test-broken:1"):
        engine.build("python-farm/test-broken:1", f"FROM {box_image}\nRUN echo qemu: uncaught target signal 11 && false\n")


def test_a_build_that_hangs_is_cancelled_within_seconds_and_ends_in_the_engine(engine, box_image):
    """The name of what it runs is its own, so that it is found among the machine's processes."""
    said, nap = [], f"sleep 6{os.getpid()}"
    began = time.monotonic()
    with pytest.raises(Cancelled):
        engine.build(
            "python-farm/test-hangs:1",
            f"FROM {box_image}\nRUN echo going && {nap}\n",
            on_line=said.append,
            bounds=Bounds(cancelled=lambda: "going" in said),
        )
    assert "going" in said
    assert time.monotonic() - began < 60
    wait_until(lambda: nap not in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout)
    assert engine.layers("python-farm/test-hangs:1") is None


def test_names_of_images_are_listed_given_and_taken_away(engine, box_image):
    repository = "python-farm/test-names"
    assert engine.tags(repository) == ()
    engine.tag(box_image, f"{repository}:b")
    engine.tag(box_image, f"{repository}:a")
    assert engine.tags(repository) == ("a", "b")
    engine.drop(f"{repository}:a")
    engine.drop(f"{repository}:b")
    engine.drop(f"{repository}:b")
    assert engine.tags(repository) == ()
    assert engine.layers(box_image)


@pytest.mark.parametrize("outdated", [False, True])
def test_an_image_can_be_asked_whether_its_packages_are_the_newest(engine, box_image, outdated):
    older = "RUN sed -i '/^Package: bash$/,/^Version/ s/^Version: .*/Version: 0.1/' /var/lib/dpkg/status\n" if outdated else ""
    asked = f"FROM {box_image}\n{older}RUN {load_facts().distros['debian13'].family.current}\n"
    image = "python-farm/test-current:1"
    if outdated:
        with pytest.raises(BuildFailed, match="Inst bash"):
            engine.build(image, asked)
    else:
        engine.build(image, asked)
        engine.drop(image)
