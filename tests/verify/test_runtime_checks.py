"""Every check that asks a box finds nothing wrong with good answers, and finds each bad one."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import resources

import pytest

from farm.errors import BuildFailed, Transient
from tests.fakes import ScriptedBox
from tests.verify.boxes import (
    BUILDER,
    EXTENSION,
    GOOD,
    OWNED,
    PROGRAMS,
    UV,
    box,
    imported,
    look,
    subject,
)
from tests.verify.crafted import CERTIFICATES, SYSCONFIG, Entry, build_info, unadvised
from tests.verify.sabotage import FAILED, SABOTAGE
from workers.verify.expected import names_of
from workers.verify.probe import MARK
from workers.verify.run import of_depth, verify
from workers.verify.table import TABLE

IN_BOXES = [check for check in TABLE if check.where != "archive" and not check.needs]


@pytest.mark.parametrize("check", IN_BOXES, ids=lambda check: check.id)
def test_good_answers_make_no_findings(check, tmp_path):
    assert look(check.id, subject(tmp_path, box())) == ()


@pytest.mark.parametrize(("check", "scripted", "says"), SABOTAGE, ids=[f"{check}: {says}" for check, _, says in SABOTAGE])
def test_sabotage_is_found(check, scripted, says, tmp_path):
    found = look(check, subject(tmp_path, scripted))
    assert any(says in finding.message for finding in found), found
    assert unadvised(found) == []


def test_every_check_in_a_box_can_fail():
    assert {check for check, _, _ in SABOTAGE} == {check.id for check in IN_BOXES}


@pytest.mark.parametrize("check", [check for check in IN_BOXES if check.id != "moved.scripts"], ids=lambda check: check.id)
@pytest.mark.parametrize(
    "answer",
    [(139, "Segmentation fault"), (0, MARK + "{}"), (0, MARK + "no JSON"), (124, "stuck"), BuildFailed("past its deadline")],
    ids=["crash", "empty", "nonsense", "timeout", "deadline"],
)
def test_a_probe_that_gives_no_answer_is_an_error(check, answer, tmp_path):
    found = look(check.id, subject(tmp_path, ScriptedBox({"": answer})))
    assert found
    assert {finding.check for finding in found} == {check.id}
    assert any(finding.severity == "error" for finding in found)


@pytest.mark.parametrize("check", IN_BOXES, ids=lambda check: check.id)
def test_a_lost_engine_is_no_finding(check, tmp_path):
    with pytest.raises(Transient):
        look(check.id, subject(tmp_path, ScriptedBox({"": Transient("the box was lost")})))


def test_all_imports_are_one_process(tmp_path):
    scripted = box()
    tested = subject(tmp_path, scripted)
    for check in ("modules.import", "modules.builtin", "linkage.maps"):
        look(check, tested)
    assert sum("imports.py" in command for command in scripted.commands) == 1


def test_what_uv_refuses_is_a_finding(tmp_path):
    crafted = GOOD.having(SYSCONFIG, Entry(b"build_time_vars = {}\n"))
    (finding,) = look("moved.uv", subject(tmp_path, box(), crafted))
    assert finding.message.startswith("uv refuses it: the first line is not")
    two = GOOD.having(SYSCONFIG.replace("linux", "other"), Entry(b""))
    assert "uv takes any one" in look("moved.uv", subject(tmp_path / "2", box(), two))[0].message


def test_uv_gets_the_rewritten_files(tmp_path):
    scripted = box()
    look("moved.uv", subject(tmp_path, scripted))
    assert scripted.files == {UV: [SYSCONFIG, "lib/pkgconfig/python-3.13-embed.pc"]}


def test_a_path_with_another_spelling_of_usr_has_the_same_owner(tmp_path):
    """Before Debian 13 packages list /lib; with merged folders the loader may say /usr/lib, or the other way round."""
    plain = {"dpkg-query --search": OWNED.replace("/usr/lib", "/lib")}
    assert look("linkage.owned", subject(tmp_path, box(**plain))) == ()


@pytest.mark.parametrize("probe", ["extension.py", "extending.py"])
def test_a_compiler_that_crashes_is_no_finding_where_it_is_emulated(probe, tmp_path, monkeypatch):
    check = {"extension.py": "build.extension", "extending.py": "build.setuptools"}[probe]
    crashed = box({probe: {"error": "cc: internal compiler error: Segmentation fault | Please submit", "step": "compile"}})
    monkeypatch.setattr("workers.verify.subject.host_arch", lambda: "amd64")
    assert "internal compiler error" in look(check, subject(tmp_path, crashed))[0].message
    elsewhere = replace(GOOD, build=build_info(arch="arm64"))
    with pytest.raises(Transient, match=f"the compiler crashed under emulation in {check}"):
        look(check, subject(tmp_path / "2", crashed, elsewhere))
    assert look(check, subject(tmp_path / "3", box({probe: {"error": "no cc", "step": "compile"}}), elsewhere))


def test_the_very_file_that_was_built_is_embedded(tmp_path):
    scripted = box()
    for check in ("embed.extension", "build.setuptools"):
        look(check, subject(tmp_path / check, scripted))
    places = [env["FARM_EXTENSION"] for env in scripted.environments if "FARM_EXTENSION" in env]
    assert places == [EXTENSION, "/work/scratch/env"]


def test_the_old_tkinter_is_asked_by_its_own_name(tmp_path):
    """And nothing is asked where Tk is there."""
    old = replace(GOOD, build=build_info(python="2.7.18"))
    assert [found.message[:40] for found in look("stdlib.tk", subject(tmp_path, box(), old))] == [
        "without its packages importing Tkinter s"
    ]
    scripted = box(**{"-c import _tkinter": ""})
    assert look("stdlib.tk", subject(tmp_path / "there", scripted)) == ()
    assert not any("-c import tkinter" in command for command in scripted.commands)


def test_a_program_that_could_not_be_had_is_said_and_one_that_knows_no_such_python_is_not_missed(tmp_path):
    crafted = replace(GOOD, build=build_info(python="2.7.18"))
    for folder, archive, skipped, without in (("new", GOOD, {*PROGRAMS}, set()), ("old", crafted, {"uwsgi"}, {"mod_wsgi"})):
        tested = replace(subject(tmp_path / folder, box(), archive), sources=frozenset())
        checks = {check.check.partition(".")[2]: check for check in verify(tested, rows=of_depth("full")).checks}
        assert {name for name in PROGRAMS if "could not be had" in checks[name].skipped} == skipped
        assert {name for name in PROGRAMS if "knows no Python" in checks[name].without} == without


def test_local_symbols_are_told_and_stop_nothing(tmp_path):
    scripted = box()
    local = "plugin host /work/scratch/plugin.so /work/probes/embedded_imports.py"
    scripted.script = {f"{local} libpython": scripted.script["plugin host"], local: (139, "crash"), **scripted.script}
    (finding,) = look("embed.plugin", subject(tmp_path, scripted))
    assert finding.severity == "note"
    assert "ours of 2.7 by extensions-without-libpython-2.7.patch" in finding.hint
    assert (resources.files("farm.data") / "patches" / "extensions-without-libpython-2.7.patch").is_file()
    scripted.script[local] = MARK + json.dumps(imported(math=FAILED))
    (finding,) = look("embed.plugin", subject(tmp_path / "2", scripted))
    assert (finding.severity, "math do not import" in finding.message) == ("note", True)


def test_what_a_box_lacks_is_told_and_stops_nothing(tmp_path):
    (finding,) = look("stdlib.behaviour", subject(tmp_path, box({"behaviour.py": {"absent": {"ipv6": "no ::1"}}})))
    assert (finding.severity, finding.message) == ("note", "ipv6: not tried to the end, no ::1")


def test_no_authority_is_no_finding_without_the_package(tmp_path):
    build = build_info()
    crafted = replace(GOOD, build=build.model_copy(update={"runtime": tuple(p for p in build.runtime if p != CERTIFICATES)}))
    assert look("stdlib.smoke", subject(tmp_path, box({"smoke.py": {"authorities": 0}}), crafted)) == ()


def test_a_program_that_cannot_be_built_is_no_broken_interpreter(tmp_path):
    (finding,) = look("dual.abi", subject(tmp_path, box(**{"host.c": (1, "no -lpython3.13")})))
    assert finding.hint == f"see what {BUILDER}/bin/python3-config --embed prints, and the headers"
    (finding,) = look("stdlib.sqlite", subject(tmp_path / "2", box(**{"sqlite_extension.c": (1, "no sqlite3ext.h")})))
    assert finding.message.startswith("could not be checked: what is to be tried cannot be built")


def test_embedding_starts_without_a_home_and_says_whether_one_helps(tmp_path):
    runs = {"rpath": "error: encodings", "rpath and PYTHONHOME": BUILDER}
    scripted = box({"embed.py": {"runs": runs}})
    found = look("build.embed.pkgconfig", subject(tmp_path, scripted))
    assert [finding.hint for finding in found] == ["it runs once PYTHONHOME is set"]
    assert all("PYTHONHOME" not in environment for environment in scripted.environments)


@pytest.mark.parametrize(
    ("start", "says"), [("exec -a nothing", "that names nothing"), ("exec -a /no/where", "that is no file")]
)
def test_an_odd_argv0_is_an_error(start, says, tmp_path):
    scripted = box()
    scripted.script = {start: (1, "No module named 'encodings'"), **scripted.script}
    (finding,) = look("moved.symlink", subject(tmp_path, scripted))
    assert (finding.severity, f"argv[0] {says}" in finding.message) == ("error", True)


def test_what_a_series_calls_things(tmp_path):
    old = replace(GOOD, build=build_info(series="2.7", executable="python2.7"))
    scripted = box()
    for check in ("build.embed.config", "build.embed.pkgconfig"):
        assert look(check, subject(tmp_path / check, scripted, old)) == ()
    config, pkgconfig = scripted.commands
    for version, package in (("2.7.18", "Python2"), ("3.13.5", "Python3")):
        scripted = box()
        crafted = replace(GOOD, build=build_info(python=version, series=version[: version.rindex(".")]))
        look("embed.cmake", subject(tmp_path / version, scripted, crafted))
        assert scripted.commands[0].endswith(f" {version} {BUILDER} {package}")
    assert config.endswith("/bin/python2-config --cflags;/work/elsewhere/opt/python/bin/python2-config --ldflags")
    assert pkgconfig.endswith("pkg-config --cflags --libs python-2.7")


@pytest.mark.parametrize(("series", "abiflags", "tags"), [("2.7", "", "cp27-cp27mu"), ("3.14", "td", "cp314-cp314td")])
def test_tags_of_wheels(series, abiflags, tags):
    assert names_of(build_info(series=series, abiflags=abiflags)).wheel == tags


def test_a_series_without_a_row_is_a_finding(tmp_path):
    (finding,) = look("moved.pip", subject(tmp_path, box(), replace(GOOD, build=build_info(series="3.5"))))
    assert "no row of expected.toml" in finding.message


def test_idle_without_tk_is_excused_only_while_tk_is_optional(tmp_path):
    idle = Entry(b"#!/bin/sh\n", mode=0o755)
    scripted = box(**{"idle3 -h": (1, "** IDLE can't import Tkinter. Your Python may not be configured for Tk. **")})
    assert look("moved.scripts", subject(tmp_path, scripted, GOOD.having("bin/idle3", idle))) == ()
    needed = replace(GOOD.having("bin/idle3", idle), build=build_info(runtime=()))
    assert len(look("moved.scripts", subject(tmp_path / "2", scripted, needed))) == 2


def test_copies_and_links_of_a_script_are_run_once(tmp_path):
    script = GOOD.entries["bin/pip3"]
    scripted = box()
    assert look("moved.scripts", subject(tmp_path, scripted, GOOD.having("bin/pip3.13", script))) == ()
    assert sum("--version" in command for command in scripted.commands) == 2
