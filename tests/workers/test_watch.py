"""What may never end is ended: by a cancel within seconds, past a deadline, and when it falls silent."""

from __future__ import annotations

import io
import time
from pathlib import Path

import pytest

from farm.errors import BuildFailed, Cancelled, Transient
from tests.fakes import EngineSocket
from workers.engine.docker import DockerEngine
from workers.engine.protocol import Bounds
from workers.engine.watch import run

SOON_S = 20.0  # of a busy machine; what is ended goes on for minutes otherwise
STEP = {"stream": "Step 1/2 : FROM base\n"}


@pytest.fixture
def engine(tmp_path):
    """`engine(answers)` is the engine at a socket that answers so, and that socket."""
    opened = []

    def start(answers):
        heard = EngineSocket(tmp_path / "engine.sock", answers)
        opened.append(heard)
        opened.append(DockerEngine(heard.url))
        return opened[-1], heard

    yield start
    for each in reversed(opened):
        each.close()


def after(seconds):
    """Says that somebody cancelled, some time from now."""
    began = time.monotonic()
    return lambda: time.monotonic() - began > seconds


def wait_until(true, seconds=SOON_S):
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)


ENDS = [
    (Bounds(cancelled=after(0)), Cancelled, "the cell was cancelled"),
    (Bounds(deadline_s=0.3), Transient, "took longer than its deadline of 0.3 s"),
    (Bounds(silent_s=0.3), Transient, "printed nothing for 0.3 s, so it was taken for stuck"),
]


@pytest.mark.parametrize(("bounds", "kind", "said"), ENDS)
def test_a_build_that_hangs_is_ended_and_its_connection_cut(engine, bounds, kind, said):
    building, heard = engine({"/build": [STEP, ...]})
    lines = []
    began = time.monotonic()
    with pytest.raises(kind, match=said):
        building.build("image:1", "FROM base\n", on_line=lines.append, bounds=bounds)
    assert time.monotonic() - began < SOON_S
    assert heard.hung_up.wait(SOON_S), "the engine was not told to end it"


def test_a_pull_that_hangs_is_ended_too(engine):
    pulling, heard = engine({"/images/create": [{"status": "Pulling"}, ...]})
    with pytest.raises(Cancelled):
        pulling.load_base(None, "debian:13-slim", arch="amd64", bounds=Bounds(cancelled=after(0.2)))
    assert heard.hung_up.wait(SOON_S)


def test_an_import_that_hangs_is_ended_too(engine):
    importing, _ = engine({"/images/create": ...})
    with pytest.raises(Transient, match=r"the import of base:1 took longer than its deadline of 0\.3 s"):
        importing.load_base(io.BytesIO(b"tar"), "base:1", arch="amd64", bounds=Bounds(deadline_s=0.3))


def test_an_import_that_fails_says_what_the_engine_says(engine):
    importing, heard = engine({"/images/create": {"error": "no space left"}})
    with pytest.raises(Transient, match=r"could not import base:1: .*no space left"):
        importing.load_base(io.BytesIO(b"tar"), "base:1", arch="amd64")
    assert any("repo=base&tag=1&fromSrc=-" in asked for asked in heard.asked), heard.asked


def test_whoever_cancels_while_a_line_is_told_ends_the_build(engine):
    building, heard = engine({"/build": [STEP, ...]})

    def tell(_):
        raise Cancelled("the reporter says so")

    with pytest.raises(Cancelled, match="the reporter says so"):
        building.build("image:1", "FROM base\n", on_line=tell)
    assert heard.hung_up.wait(SOON_S)


def test_a_build_that_ends_by_itself_is_left_to(engine):
    building, heard = engine({"/build": [STEP, {"stream": "done\n"}]})
    lines = []
    building.build("image:1", "FROM base\n", on_line=lines.append)
    assert lines == ["Step 1/2 : FROM base", "done"]
    assert not heard.hung_up.is_set()


def test_a_build_that_fails_says_so(engine):
    building, _ = engine({"/build": [STEP, {"error": "no such package"}]})
    with pytest.raises(BuildFailed, match="no such package\nStep 1/2"):
        building.build("image:1", "FROM base\n")


def test_a_build_for_which_there_is_no_room_failed_in_passing(engine):
    building, _ = engine({"/build": [STEP, {"error": "write /usr/lib/x: no space left on device"}]})
    with pytest.raises(Transient, match="the engine's disk is full: the build of image:1 found no room"):
        building.build("image:1", "FROM base\n")


def test_a_pull_that_fails_says_what_the_engine_says(engine):
    pulling, _ = engine({"/images/create": [{"error": "unknown manifest"}]})
    with pytest.raises(Transient, match="could not pull debian:13-slim: unknown manifest"):
        pulling.load_base(None, "debian:13-slim", arch="amd64")


def test_an_engine_that_says_nothing_at_all_holds_nobody(engine):
    building, _ = engine({"/build": ...})
    began = time.monotonic()
    with pytest.raises(Cancelled):
        building.build("image:1", "FROM base\n", bounds=Bounds(cancelled=after(0.2)))
    assert time.monotonic() - began < SOON_S


CHILD = 'sleep 300 & echo "$$ $!"; wait'


def alive(pid):
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.mark.parametrize(("bounds", "kind", "said"), ENDS)
def test_a_command_that_hangs_is_ended_with_all_that_it_started(bounds, kind, said):
    lines = []
    began = time.monotonic()
    with pytest.raises(kind, match=f"^(the nap )?{said}"):
        run(["sh", "-c", CHILD], "the nap", bounds, lines.append)
    assert time.monotonic() - began < SOON_S
    for pid in "".join(lines).split():
        wait_until(lambda pid=pid: not alive(int(pid)))


def test_a_command_that_ends_tells_its_lines_and_its_code():
    lines = []
    assert run(["sh", "-c", "echo a; echo b >&2; printf c; exit 3"], "it", Bounds(), lines.append) == 3
    assert lines == ["a", "b", "c"]


def test_a_command_that_closed_its_output_is_watched_all_the_same():
    with pytest.raises(Transient, match="deadline"):
        run(["sh", "-c", "exec >&- 2>&-; sleep 300"], "it", Bounds(deadline_s=0.3), print)


def test_a_command_has_a_moment_to_tidy_up(tmp_path):
    made = tmp_path / "rootfs"
    tidy = f"touch {made}; trap 'rm {made}; exit 1' TERM; echo up; while :; do sleep 0.1; done"

    def tell(line):
        assert line == "up"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(["sh", "-c", tidy], "it", Bounds(), tell)
    assert not made.exists()
