"""What clang is told when it compiles Python, on a few lines of C: a Python that it makes is built by `make test-matrix`."""

import platform

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose
from farm.plan.facts import load_facts
from farm.plan.options import Options
from farm.settings import Settings
from workers.build.compile import BUILD
from workers.build.image import ImageMaker
from workers.engine.protocol import BoxSpec, Limits
from workers.verify.probe import parcel

CELL = Cell.parse("3.14.7-debian13-amd64")
pytestmark = [
    pytest.mark.engine,
    pytest.mark.cell,
    pytest.mark.skipif(platform.machine() != "x86_64", reason="clang compiles what is for amd64"),
]
# Each function ends in a jump to the next one, with a calling convention that gcc 14 does not have.
TAIL = """
#define CALLED __attribute__((preserve_none))
CALLED static long step(long sum, long left);
CALLED static long stop(long sum, long left) { return sum; }
CALLED static long step(long sum, long left)
{
    if (left == 0) { __attribute__((musttail)) return stop(sum, left); }
    __attribute__((musttail)) return step(sum + left, left - 1);
}
long Tail_Sum(long count) { return step(0, count); }
const char *Tail_File(void) { return __FILE__; }
"""
MAIN = """
#include <stdio.h>
long Tail_Sum(long);
const char *Tail_File(void);
int main(void) { printf("%ld %s\\n", Tail_Sum(1000000), Tail_File()); return 0; }
"""
SAYS = "500000500000 /usr/src/cpython/tail.c"


@pytest.fixture(scope="module")
def recipe():
    return compose(CELL, Options(optimize="pgo+lto"), load_facts(), "")


@pytest.fixture(scope="module")
def words(recipe):
    """The words for make by their names."""
    return {name: value for name, _, value in (word.partition("=") for word in recipe.make)}


@pytest.fixture(scope="module")
def do(engine, recipe, words):
    """Runs a line of shell in the build's folder, with the recipe's compiler and flags; gives what it prints."""
    image, _ = ImageMaker(load_facts().distros[CELL.distro], CELL.arch, engine, Settings(), print).resolve(
        recipe.build_packages
    )
    with engine.box(BoxSpec(image, Limits(deadline_s=600))) as box:
        box.put("/work", parcel({"src/tail.c": TAIL.encode(), "src/main.c": MAIN.encode()}, ["src", "build"]))
        known = {
            **dict(recipe.environment),
            "cflags": f"-O3 -g -fPIC {words['CFLAGS_NODIST']}",
            "ldflags": words["LDFLAGS_NODIST"],
            "generate": words["PGO_PROF_GEN_FLAG"],
            "use": words["PGO_PROF_USE_FLAG"],
        }

        def do(line):
            done = box.run(["sh", "-euc", line], env=known, cwd=BUILD)
            assert done.ok, done.output
            return done.output

        do("$CC $cflags $generate ../src/tail.c ../src/main.c -o trained")
        assert do("LLVM_PROFILE_FILE=code-%p.profclangr ./trained").strip() == SAYS
        do("echo cut off > code-2.profclangr")
        do(words["LLVM_PROF_MERGER"])
        do("$CC $cflags -flto=full $use -Werror=profile-instr-out-of-date -c ../src/tail.c")
        do("$CC -shared -flto=full -g $ldflags -Wl,-soname,libtail.so tail.o -ltinfo -o libtail.so")
        yield do


def test_what_is_linked_with_lto_is_what_was_compiled_and_needs_no_more(do):
    do("gcc ../src/main.c -L. -ltail -o embeds")
    assert do("LD_LIBRARY_PATH=. ./embeds").strip() == SAYS
    assert "libtinfo" not in do("readelf -d libtail.so")
    assert "BIND_NOW" in do("readelf -d libtail.so")


def test_a_static_library_is_for_any_linker(do):
    do("$ac_cv_path_LLVM_AR rcs libtail.a tail.o")
    assert "llvm.lto" in do("readelf -S --wide libtail.a")
    do("objcopy --remove-section=.llvm.lto libtail.a")
    do("gcc ../src/main.c libtail.a -o static")
    assert do("./static").strip() == SAYS
    assert "llvm.lto" not in do("readelf -S --wide libtail.a")


@pytest.mark.parametrize("file", ["tail.o", "libtail.so"])
def test_debug_information_says_how_it_was_compiled_and_where_is_nobodys_business(do, file):
    said = do(f"readelf --debug-dump=info {file}")
    assert "-O3" in said
    assert "-fstack-clash-protection" in said
    assert "/work/" not in do(f"cat {file} | tr -c '[:print:]' '\\n'")


def test_a_tool_is_linked_without_lto_from_the_same_objects(do, recipe):
    tool = next(word for word in recipe.make if word.startswith("--eval=Programs/_freeze_module"))
    flags = tool.partition("PY_CORE_LDFLAGS=")[2].replace("$(PY_LDFLAGS)", "").replace("$(LDFLAGS_NODIST)", "$ldflags")
    do("$CC $cflags -flto=full -c ../src/main.c")
    assert "fat-lto-objects" not in do(f"$CC -### {flags} main.o tail.o -o tool 2>&1").split('ld.lld"')[1]
    do(f"$CC {flags} main.o tail.o -o tool")
    assert do("./tool").strip() == SAYS
