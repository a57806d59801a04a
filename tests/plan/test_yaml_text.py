"""YAML to plain data: bounded, with lines, and whatever the bytes are, one sentence and no traceback."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farm.errors import BadInput
from farm.plan.yaml_text import MAX_BYTES, MAX_VALUES, read

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + step, 98 + step, b",".join([b"*%c" % (97 + step)] * 9)) for step in range(9)
)

PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(10**9), 10**9), st.text("abc3.-: #'\"\n", max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text("abcd", min_size=1, max_size=3), inner)),
    max_leaves=12,
)


def test_values_and_their_lines():
    document = read(b"a: [1, 3.10, '3.10', x]\nb:\n  - c: true\n    d:\n", "m.yaml")
    assert document.data == {"a": [1, 3.1, "3.10", "x"], "b": [{"c": True, "d": None}]}
    assert document.texts["a", 1] == "3.10"
    assert document.at(("b", 0, "d")) == "m.yaml:4"
    assert document.at(("b", 0, "d", "further", 3)) == "m.yaml:4"


def test_an_alias_stands_for_what_it_names():
    assert read(b"a: &x [1]\nb: *x\n", "m").data == {"a": [1], "b": [1]}


def test_a_byte_order_mark_is_no_mistake():
    assert read("\ufeffa: 1\n".encode(), "m").data == {"a": 1}


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (b"", ["m.yaml: is empty"]),
        (b"# nothing\n", ["m.yaml: is empty"]),
        (b"a: 1\nb: c: d\n", ["m.yaml:2: is not YAML"]),
        (b"a:\n\t- b\n", ["m.yaml:2: is not YAML"]),
        (b"a: [b\n", ["is not YAML"]),
        (b"a: 1\n\xff\xfe", ["m.yaml:2: is not text"]),
        (b"\x7fELF\x02\x01\x01\x00\x00", ["m.yaml:1: is not text", "NUL"]),
        (b"a: \x07\n", ["m.yaml", "is not YAML"]),
        (b"a: !!python/object/apply:os.system [x]\n", ["m.yaml:1", "tag", "python/object"]),
        (b"a: !env HOME\n", ["m.yaml:1", "tag '!env'"]),
        (b"a: &x [*x]\n", ["m.yaml:1", "'*x'"]),
        (b"a: *x\n", ["m.yaml:1", "'*x'"]),
        (b"a: 1\nb: 2\na: 3\n", ["m.yaml:3", "key 'a' twice"]),
        (b"? [a]\n: 1\n", ["m.yaml:1", "key that is not plain text"]),
        (b"---\na: 1\n---\nb: 1\n", ["more than one document"]),
        (b"[" * 5000, ["nested more than"]),
        (b"a: " + b"{a: " * 5000, ["nested more than"]),
        (b"-\n" * (MAX_VALUES + 1), [f"more than {MAX_VALUES} values"]),
        (BOMB, ["aliases"]),
        (b"x" * (MAX_BYTES + 1), ["bytes long"]),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else "",
)
def test_mistakes(text, parts):
    began = time.monotonic()
    with pytest.raises(BadInput) as caught:
        read(text, "m.yaml")
    assert time.monotonic() - began < 30
    for part in parts:
        assert part in caught.value.message
    assert len(caught.value.message.splitlines()) == 1
    assert caught.value.hint


@given(PLAIN)
def test_json_is_yaml_and_is_read_as_it_was(data):
    assert read(json.dumps({"top": data}).encode(), "m").data == {"top": data}


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=200).map(str.encode),
        st.text("ab:-&*[]{}#'\"!|>%?, \n\t", max_size=60).map(str.encode),
    )
)
@example(b"%YAML 9.9\n---\na")
@example(b"%TAG")
@example(b"a: !<")
@example(b'"\\x')
@example(b"&a")
@example(b"!")
def test_any_bytes_are_read_or_refused(text):
    message = "m.yaml"
    try:
        read(text, "m.yaml")
    except BadInput as error:
        message = error.message
    assert message.startswith("m.yaml")
