"""A cross build's Makefile and sysconfig say what those of a build on the cell's own machine say."""

import json

import pytest

from farm.errors import BuildFailed
from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from tests.fakes import ScriptedBox
from workers.build.compile import Compiled, Passes
from workers.build.cross import CrossPasses
from workers.build.native import edits
from workers.build.relocate import sysconfig_values
from workers.build.tree import Content, Entry, Tree

RECIPE = compose(Cell.parse("3.13.5-debian13-arm64"), Options("none", channel="dev"), load_facts(), "code")
FOLDER = "lib/python3.13"
MAKEFILE = f"{FOLDER}/config-3.13-aarch64-linux-gnu/Makefile"
DATA = f"{FOLDER}/_sysconfigdata__linux_aarch64-linux-gnu.py"
VARS = f"{FOLDER}/_sysconfig_vars__linux_aarch64-linux-gnu.json"
FOR_BUILD = "_PYTHON_HOST_PLATFORM=$(_PYTHON_HOST_PLATFORM) PYTHONPATH=../src/Lib /work/native/python"
ARGS = (
    "'--prefix=/install' '--enable-shared' '--build=x86_64-linux-gnu' '--host=aarch64-unknown-linux-gnu'"
    " '--with-build-python=/work/native/python' 'build_alias=x86_64-linux-gnu' 'host_alias=aarch64-unknown-linux-gnu'"
    " 'PKG_CONFIG_LIBDIR=/usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig'"
)
MADE = f"""CC=\t\tgcc
CXX=\t\t/work/cross/bin/g++
CONFIG_ARGS=\t {ARGS}
PYTHON_FOR_REGEN?=/work/native/python
UPDATE_FILE=$(PYTHON_FOR_REGEN) update_file.py
PYTHON_FOR_BUILD={FOR_BUILD}
PYTHON_FOR_BUILD_DEPS=
PYTHON_FOR_FREEZE=/work/native/python
FREEZE_MODULE_BOOTSTRAP=$(PYTHON_FOR_FREEZE) $(srcdir)/Programs/_freeze_module.py
FREEZE_MODULE_BOOTSTRAP_DEPS=$(srcdir)/Programs/_freeze_module.py
FREEZE_MODULE=$(FREEZE_MODULE_BOOTSTRAP)
FREEZE_MODULE_DEPS=$(FREEZE_MODULE_BOOTSTRAP_DEPS)
_PYTHON_HOST_PLATFORM=linux-aarch64
BUILD_GNU_TYPE=\tx86_64-pc-linux-gnu
HOST_GNU_TYPE=\taarch64-unknown-linux-gnu
TESTPYTHON=\t$(RUNSHARED) $(PYTHON_FOR_BUILD)
TESTRUNNER=\t$(TESTPYTHON) -m test
"""
VALUES = {
    "CC": "gcc",
    "CXX": "/work/cross/bin/g++",
    "CONFIG_ARGS": ARGS,
    "BUILDPYTHON": "python",
    "srcdir": "../src",
    "RUNSHARED": "",
    "UPDATE_FILE": "update_file.py",
    "PYTHON_FOR_REGEN": "",
    "PYTHON_FOR_BUILD": FOR_BUILD,
    "PYTHON_FOR_BUILD_DEPS": "",
    "PYTHON_FOR_FREEZE": "/work/native/python",
    "FREEZE_MODULE": "/work/native/python ../src/Programs/_freeze_module.py",
    "FREEZE_MODULE_BOOTSTRAP": "/work/native/python ../src/Programs/_freeze_module.py",
    "BUILD_GNU_TYPE": "x86_64-pc-linux-gnu",
    "HOST_GNU_TYPE": "aarch64-unknown-linux-gnu",
    "TESTPYTHON": FOR_BUILD,
    "TESTRUNNER": f"{FOR_BUILD} -m test",
    "HAVE_FORK": 1,
}
NATIVE = {
    **VALUES,
    "CXX": "/usr/bin/g++",
    "CONFIG_ARGS": "'--prefix=/install' '--enable-shared'",
    "PYTHON_FOR_BUILD": "./python -E",
    "PYTHON_FOR_BUILD_DEPS": "python",
    "PYTHON_FOR_FREEZE": "./_bootstrap_python",
    "FREEZE_MODULE": "./_bootstrap_python ../src/Programs/_freeze_module.py",
    "FREEZE_MODULE_BOOTSTRAP": "./Programs/_freeze_module",
    "BUILD_GNU_TYPE": "aarch64-unknown-linux-gnu",
    "TESTPYTHON": "./python -E",
    "TESTRUNNER": "./python -E -m test",
}


def tree(makefile=MADE):
    texts = {
        MAKEFILE: makefile,
        DATA: f"build_time_vars = {VALUES!r}\n",
        VARS: json.dumps({**VALUES, "installed": ["/install"]}),
        f"{FOLDER}/os.py": "# /work/cross/bin/ is nobody's here\n",
    }
    return Tree({path: Entry("file", Content.of(text.encode())) for path, text in texts.items()})


@pytest.fixture(scope="module")
def edited():
    return tree().with_entries(edits(tree(), RECIPE.layout, RECIPE.cross))


def test_sysconfig_says_what_a_native_builds_does(edited):
    assert sysconfig_values(edited.read(DATA).decode()) == NATIVE
    assert json.loads(edited.read(VARS)) == {**NATIVE, "installed": ["/install"]}


def test_so_does_the_makefile_in_its_own_words(edited):
    text = edited.read(MAKEFILE).decode()
    assert "\nCONFIG_ARGS=\t '--prefix=/install' '--enable-shared'\n" in text
    assert "\nPYTHON_FOR_REGEN?=python3\n" in text
    assert "\nPYTHON_FOR_BUILD=./$(BUILDPYTHON) -E\n" in text
    assert "\nFREEZE_MODULE=$(PYTHON_FOR_FREEZE) $(srcdir)/Programs/_freeze_module.py\n" in text
    assert "\n_PYTHON_HOST_PLATFORM=\n" in text
    assert "\nTESTPYTHON=\t$(RUNSHARED) $(PYTHON_FOR_BUILD)\n" in text
    assert "x86_64" not in text
    assert "/work/" not in text


def test_a_cross_build_hands_over_such_a_tree(edited, monkeypatch, tmp_path):
    monkeypatch.setattr(Passes, "_export", lambda self, spool: Compiled(tree(), "gcc 14", "OpenSSL 3.5.0", "3.46.1"))
    passes = CrossPasses(ScriptedBox(), RECIPE, 1, lambda step: None, lambda line: None)
    assert passes._export(tmp_path / "spool") == Compiled(edited, "gcc 14", "OpenSSL 3.5.0", "3.46.1")


def test_nothing_else_is_touched(edited):
    assert set(edits(tree(), RECIPE.layout, RECIPE.cross)) == {MAKEFILE, DATA, VARS}


def test_a_row_for_a_name_that_the_makefile_has_not_is_an_error():
    with pytest.raises(BuildFailed, match="does not say PYTHON_FOR_FREEZE"):
        edits(tree(MADE.replace("PYTHON_FOR_FREEZE=", "#")), RECIPE.layout, RECIPE.cross)
