"""A measurement that is run by itself ends as a command of the farm does."""

import pytest

from benchmarks.command import end
from farm.errors import BadInput, Transient


def failing(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("main", "code", "said"),
    [
        (lambda: 0, 0, ""),
        (lambda: 1, 1, ""),
        (failing(BadInput("no such cell", hint="there are two")), 2, "error: no such cell\n  hint: there are two\n"),
        (failing(Transient("the engine is gone")), 4, "error: the engine is gone\n"),
        (failing(KeyboardInterrupt()), 130, ""),
    ],
)
def test_a_mistake_is_a_message_and_an_exit_code(capsys, main, code, said):
    with pytest.raises(SystemExit) as caught:
        end(main)
    assert caught.value.code == code
    assert capsys.readouterr().err == said


def test_a_bug_of_ours_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError):
        end(lambda: 1 // 0)
