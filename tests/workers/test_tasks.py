"""What a builder makes of its host's own troubles: they are not the cell's."""

import errno
from pathlib import Path

import pytest

from farm.errors import Transient
from farm.store.upload import upload
from farm.wire.mailbox import BuilderMail
from tests.dispatch.making import cell, recipe
from workers import tasks
from workers.build.compile import Passes
from workers.engine.protocol import Completed
from workers.reporter import BeatingReporter


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
    monkeypatch.setattr(tasks, "_ROOM_BYTES", 1 << 60)
    assert "bytes are free" in tasks.unfit()


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
