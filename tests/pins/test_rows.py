"""New rows in sources.toml: comments and order stay, and a file that would not load is put back."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.cli import pins
from farm.errors import BadInput
from farm.plan.pins import inserted
from farm.plan.rows import SourceRow
from farm.wire.pins import NewSource

OURS = resources.files("farm.data").joinpath("sources.toml").read_text("utf-8")
ROW = SourceRow(
    file="Python-3.13.99.tar.xz", sha256="0" * 64, path="3.13.99/Python-3.13.99.tar.xz", pool="pool/a/b", epoch=1790000000
)


def test_a_row_stands_behind_its_series_and_every_other_line_stays():
    text = inserted(OURS, "3.13.99", ROW)
    assert list(tomllib.loads(text)) == sorted([*tomllib.loads(OURS), "3.13.99"], key=_key)
    assert [line for line in OURS.splitlines() if line] == [
        line for line in text.replace(inserted("", "3.13.99", ROW), "").splitlines() if line
    ]
    assert SourceRow.model_validate(tomllib.loads(text)["3.13.99"]) == ROW


def _key(version):
    return [int(part) for part in version.replace("rc", ".").split(".")]


@given(st.lists(st.tuples(st.integers(2, 4), st.integers(0, 30), st.integers(0, 99)), min_size=1, max_size=8, unique=True))
def test_rows_come_back_as_they_were_and_in_order(versions):
    text = "# of all\n\n"
    for numbers in versions:
        text = inserted(text, ".".join(map(str, numbers)), ROW)
    assert list(tomllib.loads(text)) == [".".join(map(str, numbers)) for numbers in sorted(versions)]
    assert text.startswith("# of all\n")


def test_a_comment_above_a_row_stays_above_it():
    text = inserted(f"# top\n\n# of the newer one\n{inserted('', '3.14.7', ROW)}", "3.13.99", ROW)
    assert text.index("# top") < text.index("3.13.99") < text.index("# of the newer one") < text.index('["3.14.7"]')


def test_rows_are_written_into_the_operators_folder(tmp_path):
    target = tmp_path / "sources.toml"
    pins._write(target, (NewSource(version="3.13.99", where="there", row=ROW),), overlay=tmp_path)
    assert list(tomllib.loads(target.read_text())) == ["3.13.99"]


def test_what_would_not_load_is_put_back(tmp_path):
    target = tmp_path / "sources.toml"
    target.write_text("# mine\n")
    with pytest.raises(BadInput, match=r"pythons\.toml has no row '3\.98'"):
        pins._write(target, (NewSource(version="3.98.0", where="there", row=ROW),), overlay=tmp_path)
    assert target.read_text() == "# mine\n"
    target.unlink()
    with pytest.raises(BadInput):
        pins._write(target, (NewSource(version="3.98.0", where="there", row=ROW),), overlay=tmp_path)
    assert list(tmp_path.iterdir()) == []
