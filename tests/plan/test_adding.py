"""The examples of docs/adding.md load as facts of an operator's own, and do what the page says."""

from __future__ import annotations

import hashlib
import re

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.plan.yardstick import difference_rows
from tests.plan.conftest import ROOT

PAGE = (ROOT / "docs" / "adding.md").read_text("utf-8")
SERIES, DISTRO, YARDSTICK, DIFFERENCE, PATCH, ARGUMENT = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_every_example_of_the_page_loads_and_holds(tmp_path):
    for folder in ("distros", "patches"):
        (tmp_path / folder).mkdir()
    patch = b"--- a/x\n+++ b/x\n"
    (tmp_path / "patches" / "our-fix.patch").write_bytes(patch)
    (tmp_path / "pythons.toml").write_text(SERIES)
    (tmp_path / "distros" / "mydebian13.toml").write_text(DISTRO + YARDSTICK)
    (tmp_path / "differences.toml").write_text(DIFFERENCE)
    (tmp_path / "patches.toml").write_text(PATCH.replace("…", hashlib.sha256(patch).hexdigest()))
    (tmp_path / "configure.toml").write_text(ARGUMENT)
    facts = load_facts(tmp_path)
    recipe = compose(Cell.parse("3.13.15-mydebian13-amd64"), Options(optimize="none"), facts, "")
    assert "--with-tzpath=/usr/share/zoneinfo" in recipe.configure
    assert recipe.patches[-1].file == "our-fix.patch"
    assert "libuuid1t64" in recipe.required_packages
    assert facts.series["3.12"].status == "security"
    assert facts.distros["mydebian13"].facts.untested
    assert "3.13" in facts.distros["mydebian13"].facts.yardsticks
    assert "our-dtrace" in difference_rows(tmp_path)
    old = compose(Cell.parse("3.11.2-mydebian13-amd64"), Options(optimize="none"), facts, "")
    assert "our-fix.patch" not in [one.file for one in old.patches]
