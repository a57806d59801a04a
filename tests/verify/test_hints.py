"""What hints send people to is there: data files, scripts, patches, probes, other checks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workers.verify.table import TABLE

VERIFY = Path(__file__).parents[2] / "workers" / "verify"
PLACES = [VERIFY, VERIFY / "probes", VERIFY.parent / "build" / "scripts", VERIFY.parents[1] / "farm" / "data"]
FAMILIES = {check.id.partition(".")[0] for check in TABLE}
TEXTS = {path.stem: path.read_text("utf-8") for path in [*VERIFY.glob("*.py"), *VERIFY.glob("checks/*.py")]}
LITERAL = re.compile(r'f?"((?:[^"\\\n]|\\.)*)"')
FILE = re.compile(r"(?<![\w./*-])(?:probes/)?([a-z_]+\.(?:toml|sh|wsgi))\b")
CHECK = re.compile(rf"(?<![\w.])(?:{'|'.join(sorted(FAMILIES))})\.[a-z_+.]*[a-z_+](?![\w(/])")
STEP = re.compile(r"step `([a-z ]+)`")


@pytest.mark.parametrize("module", sorted(TEXTS))
def test_what_a_message_names_is_there(module):
    said = re.sub(r"\{[^{}]*\}", " ", " ".join(LITERAL.findall(TEXTS[module])))
    files = set(FILE.findall(said))
    assert [name for name in files if not any((place / name).is_file() for place in PLACES)] == []
    checks = {name for name in CHECK.findall(said) if not name.endswith((".py", ".toml", ".so", ".md", ".c"))}
    assert checks - {check.id for check in TABLE} - {"build.embed"} == set()  # the reasons speak of build.embed.*


def test_steps_are_those_of_a_build():
    told = {step for text in TEXTS.values() for step in STEP.findall(text)}
    build = "".join(path.read_text("utf-8") for path in [*VERIFY.parent.glob("build/*.py"), VERIFY.parent / "pipeline.py"])
    assert told
    assert [step for step in told if f'("{step}")' not in build] == []
