"""What a builder makes of its host's own troubles: they are not the cell's."""

import errno

import pytest

from farm.errors import Transient
from tests.dispatch.making import cell, recipe
from workers import tasks
from workers.build.compile import Passes
from workers.engine.protocol import Completed


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
