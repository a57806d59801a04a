"""The build wing as a child: its answer, the error that it met, and no answer at all."""

import json

import pytest

from farm.errors import BadInput, FarmError
from farm.wire.child import ask, read
from farm.wire.verification import Verification

PARSE = Verification.model_validate_json


def test_an_answer():
    good = Verification(cell="c", archive="a", checks=(), findings=())
    assert read(good.model_dump_json().encode(), 0, PARSE, "verify") == good


def test_the_error_that_it_met_is_raised_here():
    failure = {"error": {"kind": "bad-input", "message": "no", "hint": "yes", "step": ""}}
    with pytest.raises(BadInput, match="no"):
        read(json.dumps(failure).encode(), 2, PARSE, "verify")


@pytest.mark.parametrize("said", [b"", b"{}", b"[]", b'{"error": 1}'])
def test_no_answer(said):
    with pytest.raises(FarmError, match="'workers verify' ended with exit code 1 and no outcome"):
        read(said, 1, PARSE, "verify")


def test_a_real_child(tmp_path):
    with pytest.raises(BadInput, match="nowhere"):
        ask("verify", ["--", str(tmp_path / "nowhere.tar.gz")], PARSE, quiet=True)
