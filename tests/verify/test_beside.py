"""The build's other archives: what is right about them is found right, and every defect is found."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import ScriptedBox
from tests.verify.crafted import DYNLOAD, SUFFIX, Crafted, Entry, build_info, unadvised
from tests.verify.elves import Shape, elf
from workers.verify import ar
from workers.verify.companions import beside
from workers.verify.probe import MARK
from workers.verify.run import verify_without_boxes
from workers.verify.table import TABLE

if TYPE_CHECKING:
    from pathlib import Path

    from workers.verify.subject import Subject

ID, DEBUG = b"\x07" * 20, f"lib/debug/.build-id/07/{'07' * 19}.debug"
MATH, TEST = f"{DYNLOAD}/math.{SUFFIX}", f"{DYNLOAD}/_testcapi.{SUFFIX}"
INDEX = ("Py_Initialize", "PyList_New", "PyRun_SimpleStringFlags", "Py_Finalize")


def library(members: dict[str, bytes], symbols=INDEX) -> bytes:
    """A static library as GNU ar writes it."""
    names = b"".join(name.encode() + b"/\n" for name in members)
    index = struct.pack(f">I{len(symbols)}I", len(symbols), *[0] * len(symbols)) + b"".join(s.encode() + b"\0" for s in symbols)
    parts = [("/", index), ("//", names)]
    parts += [(f"/{names.index(name.encode() + b'/')}", data) for name, data in members.items()]
    packed = b""
    for name, data in parts:
        header = f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(data):<10}`\n"
        packed += header.encode() + data + b"\n" * (len(data) % 2)
    return ar.MAGIC + packed


def debug_file(build_id: bytes = ID, flags: str = "-O3 -flto -fPIC") -> bytes:
    """Debug information of one file of the source, which says how it was compiled (DWARF 4)."""
    abbreviation = bytes([1, 0x11, 0, 0x25, 8, 0, 0, 0])  # a compilation unit without children, its producer as text
    unit = struct.pack("<HIB", 4, 0, 8) + b"\1" + f"GNU C11 14.2.0 {flags}".encode() + b"\0"
    sections = {".debug_info": struct.pack("<I", len(unit)) + unit, ".debug_abbrev": abbreviation}
    return elf(Shape(build_id=build_id, debuglink=None, sections=sections))


def binary(debug: bytes, build_id: bytes = ID) -> Entry:
    link = b"math.debug\0\0" + struct.pack("<I", zlib.crc32(debug))
    return Entry(elf(Shape(build_id=build_id, debuglink=link)), mode=0o755)


EXE, LIB = b"\x0a" * 20, b"\x0b" * 20
OF_EXE, OF_LIB = debug_file(EXE, "-O3 -flto"), debug_file(LIB)
MAIN = Crafted(
    entries={
        MATH: binary(debug_file()),
        "bin/python3.13": binary(OF_EXE, EXE),
        "lib/libpython3.13.so.1.0": binary(OF_LIB, LIB),
    }
)


def by_id(build_id: bytes) -> str:
    return f"lib/debug/.build-id/{build_id.hex()[:2]}/{build_id.hex()[2:]}.debug"


OBJECT = elf(Shape(kind=1))
GOOD = {
    "debugsymbols": Crafted(
        entries={
            DEBUG: Entry(debug_file()),
            by_id(EXE): Entry(OF_EXE),
            by_id(LIB): Entry(OF_LIB),
            "bin/.debug/math.debug": Entry(link=f"../../{by_id(EXE)}"),
            "lib/.debug/math.debug": Entry(link=f"../{by_id(LIB).removeprefix('lib/')}"),
            f"{DYNLOAD}/.debug/math.debug": Entry(link=f"../../../../{DEBUG}"),
            f"{DYNLOAD}/.debug/test.debug": Entry(link=f"../../../../{DEBUG}"),
        }
    ),
    "tests": Crafted(entries={TEST: binary(debug_file()), "lib/python3.13/test/test_dict.py": Entry(b"# a test\n")}),
    "static-lib": Crafted(entries={"lib/libpython3.13.a": Entry(library({"a.o": OBJECT, "a_very_long_name.o": OBJECT}))}),
}


def static(data: bytes) -> dict:
    return {"static-lib": Crafted(entries={"lib/libpython3.13.a": Entry(data)})}


def debug(**entries: Entry) -> dict:
    return {"debugsymbols": Crafted(entries={**GOOD["debugsymbols"].entries, **entries})}


def placed(folder: Path, changes: dict | None = None, main: Crafted = MAIN) -> Path:
    """The archives in a folder, under the names they are staged by."""
    archive = folder / "install_only.tar.gz"
    archive.write_bytes(main.packed())
    for kind, crafted in {**GOOD, **(changes or {})}.items():
        data = crafted if isinstance(crafted, bytes) else zstandard.compress(gzip.decompress(crafted.packed()))
        (folder / f"{kind}.tar.zst").write_bytes(data)
    return archive


def subject(folder: Path, changes: dict | None = None, box: ScriptedBox | None = None) -> Subject:
    crafted = MAIN.subject(folder / "main")
    return replace(crafted, others=beside(placed(folder, changes)), runtime=box)


def look(check_id: str, tested: Subject) -> tuple:
    return next(check for check in TABLE if check.id == check_id).findings(tested)


def answering(failures: dict | None = None, suite: str | tuple = "1 test OK.") -> ScriptedBox:
    imports = {"version": "3.13.5", "builtin": [], "imported": [], "failures": failures or {}, "mapped": []}
    return ScriptedBox({"imports.py": MARK + json.dumps(imports), "test.regrtest test_dict": suite})


ALIEN = bytearray(OBJECT)
ALIEN[18:20] = (183).to_bytes(2, "little")  # aarch64
FAILED = {"_testcapi": {"kinds": ["ImportError"], "message": "undefined symbol: PyThing"}}
SABOTAGE = [
    (
        "beside.layout",
        {"tests": Crafted(entries={"lib/x": Entry(link="/etc/passwd")})},
        "in the tests archive: the link is",
    ),
    ("beside.layout", {"tests": Crafted(entries={"lib/x": Entry(b"x", uid=1000)})}, "does not belong to uid 0"),
    ("beside.layout", {"tests": Crafted(entries={"lib/x": Entry(b"x", mode=0o4755)})}, "setuid"),
    ("beside.layout", {"tests": Crafted(entries={"lib/x": Entry(b"p = /install/lib\n")})}, "names the build prefix"),
    ("beside.layout", {"tests": Crafted(entries={"lib/x": Entry(b"p = /work/src/Lib\n")})}, "it names /work/src"),
    ("beside.layout", {"tests": Crafted(entries={})}, "nothing but metadata"),
    ("beside.layout", {"tests": replace(GOOD["tests"], build=build_info(recipe="9" * 64))}, "another build's"),
    ("beside.layout", {"tests": GOOD["tests"].having("share/python-farm/build.json", Entry(b"{"))}, "there is no metadata"),
    ("beside.layout", {"tests": GOOD["tests"].having(MATH, Entry(b"x"))}, "in more than one archive"),
    ("beside.layout", {"tests": b"no archive"}, "could not be checked: the tests archive: tests.tar.zst cannot be unpacked"),
    ("beside.debug", debug(**{DEBUG: Entry(debug_file(b"\x08" * 20))}), "is the debug information of another binary"),
    ("beside.debug", debug(**{DEBUG: Entry(debug_file() + b"\0")}), "has not the checksum"),
    ("beside.debug", {"debugsymbols": Crafted(entries={DEBUG: Entry(debug_file())})}, "not found by debuglink"),
    ("beside.debug", {"debugsymbols": GOOD["debugsymbols"].without(DEBUG)}, "not found by build id"),
    ("beside.debug", debug(**{"lib/debug/old.debug": Entry(debug_file(b"\x08" * 20))}), "debug information of no binary"),
    ("beside.debug", debug(**{DEBUG: Entry(debug_file(flags="-g /work/build/Modules"))}), "it names a folder of the build"),
    ("beside.debug", {"tests": Crafted(entries={TEST: Entry(elf(Shape(debuglink=None)))})}, "it has no debuglink"),
    (
        "dual.flags",
        debug(**{by_id(LIB): Entry(debug_file(LIB, "-O2 -fPIC"))}),
        "compiled with -O3 -flto, and libpython was not",
    ),
    (
        "dual.flags",
        debug(**{by_id(EXE): Entry(debug_file(EXE, "-O3 -flto -fprofile-use"))}),
        "with -fprofile-use, and",
    ),
    ("dual.flags", debug(**{by_id(EXE): Entry(b"nothing")}), "does not say how it was compiled"),
    ("dual.flags", debug(**{by_id(EXE): Entry(debug_file(EXE, ""))}), "does not say how it was compiled"),
    ("beside.static", static(library({"a.o": OBJECT, "b.o": bytes(ALIEN)})), "no object for EM_X86_64"),
    ("beside.static", static(library({"a.o": b"GIMPLE"})), "no object for EM_X86_64"),
    ("beside.static", static(library({"a.o": OBJECT}, INDEX[:2])), "does not have PyRun_SimpleStringFlags, Py_Finalize"),
    ("beside.static", static(library({"a.o": OBJECT})[:-20]), "no linker can read it: it is cut short"),
    ("beside.static", static(library({"a.o": OBJECT + b".gnu.lto_main.0"})), "keeps for link-time optimisation"),
    ("beside.static", static(library({"a.o": OBJECT + b".llvm.lto"})), "keeps for link-time optimisation"),
    ("beside.static", static(b"nothing"), "does not begin like a static library"),
    ("beside.static", {"static-lib": Crafted(entries={"lib/x": Entry(b"")})}, "there is no .a"),
]


@pytest.mark.parametrize("check", [check.id for check in TABLE if check.needs and check.id != "stdlib.suite"])
def test_good_archives_have_no_findings(check, tmp_path):
    assert look(check, subject(tmp_path, box=answering())) == ()


@pytest.mark.parametrize(("check", "changes", "says"), SABOTAGE, ids=[f"{check}: {says}" for check, _, says in SABOTAGE])
def test_sabotage_is_found(check, changes, says, tmp_path):
    found = look(check, subject(tmp_path, changes))
    assert any(says in finding.message for finding in found), found
    assert unadvised(found) == []


@pytest.mark.parametrize(
    ("box", "says"),
    [
        (answering(FAILED), "_testcapi of the tests archive does not import: undefined symbol"),
        (answering(suite=(2, "test_dict failed")), "fail (exit 2): test_dict failed"),
        (ScriptedBox({"cp -R": (1, "disk full")}), "cannot be copied: disk full"),
        (ScriptedBox({"imports.py": (139, "Segmentation fault")}), "no answer from /work/probes/imports.py"),
    ],
)
def test_a_suite_that_does_not_fit_is_found(box, says, tmp_path):
    found = look("beside.tests", subject(tmp_path, box=box))
    assert [says in finding.message for finding in found] == [True]


def test_every_check_of_other_archives_can_fail():
    assert {check for check, _, _ in SABOTAGE} | {"beside.tests", "stdlib.suite"} == {
        check.id for check in TABLE if check.needs
    }


def test_what_does_not_lie_beside_it_is_not_asked_for(tmp_path):
    archive = tmp_path / "install_only.tar.gz"
    archive.write_bytes(MAIN.packed())
    outcome = verify_without_boxes(archive, build_info(), "-")
    without = {check.check: check.without for check in outcome.checks if check.without}
    assert without["beside.tests"] == "no tests archive lies beside it"
    assert not {check.check for check in outcome.skipped} & set(without)
    assert not set(outcome.seconds) & set(without)


def test_others_are_found_by_the_names_they_are_staged_and_published_by(tmp_path):
    stem = "cpython-3.13.5-x86_64-unknown-linux-gnu-debian13.2026112201"
    for name in (f"{stem}-install_only.tar.gz", f"{stem}-tests.tar.zst", "other-static-lib.tar.zst", "debugsymbols.tar.zst"):
        (tmp_path / name).touch()
    assert beside(tmp_path / f"{stem}-install_only.tar.gz") == {"tests": tmp_path / f"{stem}-tests.tar.zst"}
    assert beside(tmp_path / "install_only.tar.gz") == {"debugsymbols": tmp_path / "debugsymbols.tar.zst"}
    assert beside(tmp_path / "python.tar.gz") == {}


NAMES = st.dictionaries(st.from_regex(r"[a-z]{1,30}\.o", fullmatch=True), st.binary(max_size=90), max_size=6)


@given(NAMES, st.lists(st.from_regex(r"\w{1,20}", fullmatch=True), max_size=5))
def test_a_static_library_reads_back(tmp_path_factory, members, symbols):
    path = tmp_path_factory.mktemp("ar") / "x.a"
    path.write_bytes(library(members, symbols))
    read = ar.read(path)
    assert read.members == tuple((name, data[:64]) for name, data in members.items())
    assert read.symbols == frozenset(symbols)


@given(st.binary(max_size=300))
def test_nonsense_is_no_static_library(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("ar") / "x.a"
    path.write_bytes(ar.MAGIC + data)
    with suppress(ar.Broken):  # and nothing else is raised
        ar.read(path)


def test_the_object_that_embedders_link_is_machine_code_too(tmp_path):
    main = MAIN.having("lib/python3.13/config-3.13-x86_64-linux-gnu/python.o", Entry(OBJECT + b".llvm.lto"))
    tested = replace(main.subject(tmp_path / "main"), others=beside(placed(tmp_path, main=main)))
    (found,) = look("beside.static", tested)
    assert found.file.endswith("/python.o")
    assert "keeps for link-time optimisation" in found.message
