"""Every check that reads the archive finds nothing wrong with a good one, and finds each defect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.store.artifact import BUILD_INFO_PATH, RuntimePackageInfo
from tests.verify.crafted import (
    SSL,
    Crafted,
    Entry,
    build_info,
    unadvised,
)
from tests.verify.elves import Shape, elf
from tests.verify.spoiled import EXE, FIXED, GOOD, LIB, MATH, OWN, PRIVATE, SABOTAGE, built, detailed, private, with_elf
from workers.verify.table import TABLE


def look(check_id: str, crafted: Crafted, folder) -> tuple:
    check = next(check for check in TABLE if check.id == check_id)
    return check.findings(crafted.subject(folder))


@pytest.mark.parametrize("check", OWN, ids=lambda check: check.id)
def test_a_good_archive_has_no_findings(check, tmp_path):
    assert look(check.id, GOOD, tmp_path) == ()


@pytest.mark.parametrize(("check", "crafted", "says"), SABOTAGE, ids=[f"{check}: {says}" for check, _, says in SABOTAGE])
def test_sabotage_is_found(check, crafted, says, tmp_path):
    found = look(check, crafted, tmp_path)
    assert any(says in finding.message for finding in found), found
    assert unadvised(found) == []
    assert {finding.check for finding in found} == {check}


def test_every_check_of_the_archive_can_fail():
    assert {check for check, _, _ in SABOTAGE} == {check.id for check in OWN}


def test_missing_metadata_is_found(tmp_path):
    subject = GOOD.subject(tmp_path)
    (subject.tree / BUILD_INFO_PATH).unlink()
    check = next(check for check in TABLE if check.id == "archive.metadata")
    assert [finding.message for finding in check.findings(subject)] == ["the archive has no metadata"]


def test_wrong_modules_of_a_package_stop_nothing(tmp_path):
    crafted = built(runtime=(SSL.model_copy(update={"modules": ("math",)}), *build_info().runtime[1:]))
    assert [finding.severity for finding in look("linkage.declared", crafted, tmp_path)] == ["warning"]


def test_debug_information_may_name_the_build(tmp_path):
    crafted = with_elf(MATH, sections={".debug_str": b"\0/work/src/Modules/mathmodule.c\0"})
    assert look("paths.text", crafted, tmp_path) == ()


def test_one_cause_is_one_finding(tmp_path):
    crafted = with_elf(MATH, bind_now=False).having(EXE, Entry(elf(Shape(bind_now=False)), mode=0o755))
    (finding,) = look("hardening.elf", crafted, tmp_path)
    assert "(2 files: bin/python3.13, lib/python3.13/lib-dynload/math" in finding.message


def test_an_executable_lies_where_pass_2_was_told(tmp_path):
    at_fixed = built(configure=FIXED).having(EXE, Entry(elf(Shape(kind=2)), mode=0o755))
    assert look("hardening.elf", at_fixed, tmp_path) == ()
    by_itself = with_elf(EXE, kind=2)  # the compilers of EL 8 make such without being told
    assert look("hardening.elf", by_itself, tmp_path / "2") == ()


def test_debuglink_of_another_length(tmp_path):
    """A name of four letters and its NUL fill five bytes, so three of padding and the CRC follow."""
    assert look("debug.links", with_elf(MATH, debuglink=b"abcd\0\0\0\0CRC4"), tmp_path) == ()
    assert look("debug.links", with_elf(MATH, debuglink=b"abcd\0CRC4"), tmp_path / "2") != ()


@pytest.mark.parametrize(
    ("distro", "shape"),
    [
        ("debian13", {"thread_local": 0, "thread_local_fixed": False}),  # as Pythons before 3.12
        ("alpine3.22", {"thread_local": 25, "thread_local_fixed": False}),
        ("fedora44", {"thread_local": 512}),
        ("debian13", {"thread_local": 25, "machine": 183}),
        ("plan9", {"thread_local": 4096}),
    ],
)
def test_thread_local_variables_lie_where_the_libc_wants_them(distro, shape, tmp_path):
    assert look("linkage.threads", replace(with_elf(LIB, **shape), build=build_info(distro=distro)), tmp_path) == ()


def test_libc_may_be_declared(tmp_path):
    libc = RuntimePackageInfo(name="libc6", modules=("",), sonames=("libc.so.6", "ld-linux-x86-64.so.2"))
    assert look("linkage.declared", built(runtime=(*build_info().runtime, libc)), tmp_path) == ()


def test_a_library_of_our_own_that_keeps_to_itself_is_fine(tmp_path):
    tested = private("").subject(tmp_path)
    assert [
        finding
        for check in TABLE
        if check.id.startswith(("linkage.", "archive.licenses")) and check.where == "archive"
        for finding in check.findings(tested)
    ] == []


def test_a_library_of_our_own_exports_what_it_is_for(tmp_path):
    assert look("symbols.foreign", private(PRIVATE, soname="libssl-farm.so.1.1", exports=("SSL_read",)), tmp_path) == ()


def test_details_as_the_standard_has_them(tmp_path):
    assert look("paths.details", detailed(), tmp_path / "all") == ()
    assert look("paths.details", detailed(libpython={}, c_api={}), tmp_path / "less") == ()
