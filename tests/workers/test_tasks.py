"""What a builder makes of its host's own troubles: they are not the cell's."""

import errno
from pathlib import Path
from types import SimpleNamespace

import pytest

from farm.errors import Transient
from farm.settings import Settings
from farm.store.upload import upload
from farm.wire.mailbox import BuilderMail
from farm.wire.messages import Result
from tests.dispatch.making import cell, recipe
from workers import room, tasks
from workers.build.compile import Passes
from workers.engine.protocol import Completed
from workers.reporter import BeatingReporter

RUN = "20260101-000000-abcdef"


def grant_of(number):
    return SimpleNamespace(attempt=number, uploads={})


class Quiet:
    current_step = "pack"

    def note(self, text):
        self.said = text


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, "transient"), (errno.EDQUOT, "transient"), (errno.EISDIR, "internal")]
)
def test_a_full_disk_of_the_host_is_tried_again_elsewhere(number, kind):
    failure = tasks._failure(OSError(number, "no"), Quiet())
    assert (failure.kind, failure.step) == (kind, "pack")


@pytest.mark.parametrize(("free", "kind"), [("12", Transient), ("900000", Exception)])
def test_a_command_that_fails_on_a_full_disk_of_the_engine_did_not_fail_by_itself(free, kind):
    class Box:
        def run(self, argv, **_):
            if argv[0] == "df":
                return Completed(
                    0, f"Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/loop0 4000 100 {free} 99% /work"
                )
            return Completed(1, "configure: error: C compiler cannot create executables")

    passes = Passes(Box(), recipe(cell()), 1, print, print)
    with pytest.raises(kind) as caught:
        passes._do("../src/configure")
    assert ("disk is full" in str(caught.value)) == (kind is Transient)


def test_a_host_without_room_asks_for_nothing(monkeypatch):
    much = Settings(room_gb=1 << 30)
    monkeypatch.setattr(tasks, "settings", much)
    first, second = tasks.unfit().splitlines()
    assert "are free in" in first
    assert "MiB" not in first, "what changes from moment to moment would be a new line of progress each time"
    assert "MiB are free now" in second
    assert "TMPDIR" in room.lacking(much)
    assert room.lacking(Settings(room_gb=0)) == ""


def test_a_full_disk_under_the_log_ends_no_attempt():
    nobody = BuilderMail("redis://127.0.0.1:1/0")  # beats are lossy
    beat = tasks._first_beat("20260101-000000-abcdef", str(cell()), 1, "start")
    with BeatingReporter(nobody, beat=beat, lease_s=9, log=Path("/dev/full")) as reporter:
        reporter.step("configure")
        reporter.line("x" * 100_000)
    assert [step.step for step in reporter.steps] == ["start", "configure"]


def test_how_an_attempt_ended_is_staged_without_a_byte_on_the_disk(tmp_path):
    with tasks._in_memory("a result") as file:
        upload((tmp_path / "staged").as_uri(), file, below=tmp_path)
        assert file.stat().st_dev != tmp_path.stat().st_dev
    assert (tmp_path / "staged").read_text() == "a result"
    assert not file.exists()


class Shelf:
    """A store that has room for so many bytes."""

    def __init__(self, room):
        self.room, self.has = room, {}

    def stage(self, name, file, grant):
        text = file.read_text()
        others = sum(len(other) for called, other in self.has.items() if called != name)
        if others + len(text) > self.room:
            raise Transient(f"cannot stage {name}: No space left on device")
        self.has[name] = text


def result():
    return Result(run=RUN, cell=str(cell()), attempt=1, worker="w", engine="", recipe="", inputs="")


@pytest.mark.parametrize(
    ("room", "logged"), [(1 << 20, "whole"), (6000, "end"), (4700, "end"), (3000, "nothing"), (300, "nothing")]
)
def test_what_came_of_an_attempt_is_told_whatever_room_there_is_for_its_log(tmp_path, monkeypatch, room, logged):
    store, lines = Shelf(room), [f"gcc -c {number}.c\n" for number in range(9000)]
    monkeypatch.setattr(tasks, "_stage", store.stage)
    (tmp_path / "log").write_text("".join(lines))
    tasks._tell(result(), tmp_path / "log", grant_of(1))
    text = store.has["build.log"]
    head, _, end = text.partition("\n")
    ends = "this is its end" in head and len(text) <= 4096 and len(end.splitlines()) > 100 and "".join(lines).endswith(end)
    found = {"whole": text == "".join(lines), "end": ends, "nothing": not text}
    assert found[logged]
    assert store.has["result.json"] == result().model_dump_json()


def test_a_log_that_leaves_no_room_for_what_came_of_it_goes(tmp_path, monkeypatch):
    store = Shelf(400)
    monkeypatch.setattr(tasks, "_stage", store.stage)
    (tmp_path / "log").write_text("x" * 250)
    assert 200 < len(result().model_dump_json()) < 300
    tasks._tell(result(), tmp_path / "log", grant_of(1))
    assert store.has == {"build.log": "", "result.json": result().model_dump_json()}


def test_a_store_that_takes_nothing_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "_stage", Shelf(-1).stage)
    (tmp_path / "log").write_text("x")
    with pytest.raises(Transient, match="No space left"):
        tasks._tell(result(), tmp_path / "log", grant_of(1))


def test_the_end_of_a_short_log_is_all_of_it(tmp_path):
    (tmp_path / "log").write_text("one\ntwo\n")
    with tasks._end(tmp_path / "log") as end:
        assert end.read_text().splitlines()[1:] == ["one", "two"]
