"""Every check that asks a box finds nothing wrong with good answers, and finds each bad one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from farm.errors import BuildFailed, Transient
from tests.fakes import ScriptedBox
from tests.verify.boxes import (
    BUILDER,
    GOOD,
    HOME,
    LONG,
    MATH,
    NOWHERE,
    OWNED,
    PROGRAMS,
    ROOT,
    SSL,
    UV,
    abi,
    box,
    imported,
    loader,
    look,
    site,
    subject,
)
from tests.verify.crafted import CERTIFICATES, SYSCONFIG, Entry, build_info
from workers.verify.expected import names_of
from workers.verify.probe import MARK
from workers.verify.run import verify
from workers.verify.table import TABLE

IN_BOXES = [check for check in TABLE if check.where != "archive" and not check.needs]
FAILED = {"kinds": ["ImportError"], "message": "libssl.so.3: cannot open shared object file"}
START = "exec"
SABOTAGE = [
    ("run.version", box(**{"-c import platform": (139, "Segmentation fault")}), "does not start (exit 139)"),
    ("run.version", box(**{"-c import platform": "I am 3.13.4"}), "the cell says 3.13.5"),
    ("run.version", box(**{"-c import platform": "Could not find platform libraries\nI am 3.13.5"}), "it complains"),
    (
        "modules.import",
        box({"imports.py": {"failures": {"ssl": FAILED}}}),
        "module ssl does not import: ImportError: libssl.so.3",
    ),
    (
        "modules.import",
        box({"imports.py": {"failures": {"cgi": {"kinds": ["ModuleNotFoundError"], "message": "No module named 'cgi'"}}}}),
        "module cgi does not import",
    ),
    (
        "modules.import",
        box({"imports.py": {"failures": {"tkinter": {"kinds": ["SystemError", "Exception"], "message": "libtk8.6.so"}}}}),
        "module tkinter does not import: SystemError",
    ),
    (
        "modules.import",
        box({"imports.py": {"failures": {"winreg": {"kinds": ["ImportError"], "message": "libfoo.so.1: cannot open"}}}}),
        "module winreg does not import",
    ),
    ("modules.builtin", box({"imports.py": {"builtin": ["sys"]}}), "module _io is not linked"),
    (
        "modules.builtin",
        box({"imports.py": {"builtin": ["sys", "_io", "_new"]}}),
        "_new is linked into the interpreter and nobody",
    ),
    ("linkage.maps", box({"imports.py": {"mapped": [f"{ROOT}/lib/libpython3.13.so.1.0"]}}), "libpython3.13.so.1.0 is loaded"),
    (
        "linkage.maps",
        box({"imports.py": {"mapped": ["/usr/bin/python3.13", "/x/lib-dynload/math.so"]}}),
        "another Python answered",
    ),
    ("linkage.maps", box({"imports.py": {"mapped": [f"{ROOT}/bin/python3.13"]}}), "this check saw nothing"),
    ("linkage.resolved", loader(MATH, missing=["libfoo.so.1"]), "does not find libfoo.so.1"),
    (
        "linkage.resolved",
        loader(MATH, complaints=["/lib/libc.so.6: version `GLIBC_2.99' not found (required by math.so)"]),
        "refuses it: /lib/libc.so.6: version `GLIBC_2.99' not found",
    ),
    ("linkage.resolved", loader(MATH, found={}, complaints=["not a dynamic executable"]), "not a dynamic executable"),
    ("linkage.resolved", loader(SSL, found={"libc.so.6": "/lib/libc.so.6"}), "NEEDs libssl.so.3, and the loader says nothing"),
    (
        "linkage.owned",
        box(**{"dpkg-query --search": OWNED.replace("libssl3t64", "libopenssl")}),
        "package libopenssl, which is",
    ),
    ("linkage.owned", box(**{"dpkg-query --search": OWNED.replace("libssl3t64", "libopenssl")}), "libssl3t64 is required, and"),
    ("linkage.owned", box(**{"dpkg-query --search": OWNED.replace("/libssl", "/other")}), "no package owns that"),
    ("linkage.owned", box(**{"dpkg-query --search": OWNED.replace("libssl3t64", "ca-certificates")}), "belongs to ca-certif"),
    ("linkage.owned", box(**{"dpkg-query --search": (127, "sh: dpkg-query: not found")}), "no package owns that"),
    ("stdlib.smoke", box({"smoke.py": {"results": {"tls": "ValueError: no"}}}), "tls: ValueError: no"),
    ("stdlib.smoke", box({"smoke.py": {"openssl": "OpenSSL 1.1.1"}}), "OpenSSL is 'OpenSSL 1.1.1' when it runs"),
    ("stdlib.behaviour", box({"behaviour.py": {"results": {"text_mode": "ValueError: no"}}}), "text mode: ValueError: no"),
    ("stdlib.behaviour", box(**{"behaviour.py": MARK + '{"results": {}}'}), "no trial was made"),
    ("stdlib.smoke", box({"smoke.py": {"sqlite": ""}}), "SQLite is '' when it runs"),
    ("stdlib.smoke", box({"smoke.py": {"authorities": 0}}), "TLS trusts no authority"),
    ("moved.sysconfig", box({"places.py": {"prefix": "/install"}}), "sys.prefix is '/install'"),
    (
        "moved.sysconfig",
        box({"places.py": {"variables": {"LIBDIR": "/install/lib"}}}),
        f"not inside {ROOT}: LIBDIR = '/install/lib'",
    ),
    ("moved.sysconfig", box({"places.py": {"paths": {"include": "/usr/include"}}}), "include = '/usr/include'"),
    ("moved.sysconfig", box({"places.py": {"files": {"Makefile": "/install/Makefile"}}}), "Makefile = '/install/Makefile'"),
    ("moved.sysconfig", box({"places.py": {"executable": "/usr/bin/python3"}}), "sys.executable = '/usr/bin/python3'"),
    ("moved.sysconfig", box({"places.py": {"missing": ["LIBDIR"]}}), "does not exist: LIBDIR"),
    ("moved.sysconfig", box({"places.py": {"variables": {"LDFLAGS": "-L/install/lib"}}}), "a place of the build: LDFLAGS"),
    ("moved.sysconfig", box({"places.py": {"variables": {"abs_srcdir": "/work/src"}}}), "a place of the build: abs_srcdir"),
    (
        "moved.uv",
        box({f"{UV}/bin/python3.13 /work/probes/places.py": {"prefix": ROOT}}),
        f"sys.prefix is '{ROOT}', and not {UV}",
    ),
    ("moved.uv", box(**{"cp -R": (1, "cp: cannot open: Permission denied")}), "cannot be copied by an ordinary user"),
    ("moved.scripts", box(**{"pip3 --version": (127, "not found")}), "fails with exit 127: not found"),
    (
        "moved.scripts",
        box(**{"links to scripts/pip3 --version": "pip 25 from /usr/lib"}),
        "through a link from elsewhere, it does not",
    ),
    ("moved.symlink", box({START: {"base_prefix": "/install"}}), "it says that its prefix is '/install'"),
    ("moved.symlink", box({START: {"mapped": [f"{ROOT}/lib/libpython3.13.so.1.0"]}}), "it loads libpython"),
    ("embed.plugin", box({"plugin host": imported(math=FAILED)}), "module math does not import in a plugin"),
    ("embed.plugin", box(**{"plugin.c": (1, "no -lpython3.13")}), "cannot be built from plugin.c: no -lpython3.13"),
    ("embed.plugin", box(**{"sh -c cc ": "", "plugin host": (139, "Segmentation fault")}), "(exit 139): Segmentation fault"),
    ("embed.subinterpreters", box(**{"sh -c cc ": "", "subinterpreters": (1, "it shows through")}), "(exit 1): it shows"),
    ("embed.subinterpreters", box(**{"sh -c cc ": "", "subinterpreters": "sub prefix=/install"}), "their prefix is /install"),
    ("embed.cmake", box(**{"cmake -S": (1, "Could NOT find Python")}), "CMake does not build it: Could NOT find Python"),
    ("embed.cmake", box(**{"cmake -S": "-- farm library=/usr/lib/libpython3.13.so"}), "CMake found /usr/lib/libpython3.13.so"),
    ("embed.cmake", box(**{"cmade/cmade": (127, "libpython3.13.so.1.0: cannot open")}), "says 'libpython3.13.so.1.0: cannot"),
    ("embed.mod_wsgi", box(**{"with-apxs": (1, "no Python.h")}), "mod_wsgi does not build: no Python.h"),
    (
        "embed.mod_wsgi",
        box(**{"-k start": (1, "undefined symbol: Py_None")}),
        "Apache does not start with it: undef",
    ),
    ("embed.mod_wsgi", site("8081/daemon", error="refused"), "in daemon mode the site does not answer: refused"),
    (
        "embed.mod_wsgi",
        site("8081/embedded", prefix="/install"),
        "embedded mode the site says that its prefix is '/install'",
    ),
    ("embed.mod_wsgi", site("8081/embedded", parsed=0), "pyexpat parsed 0 elements of 1000"),
    ("embed.mod_wsgi", site("8081/embedded", mapped=[]), "the process has no libpython"),
    ("embed.uwsgi", box(**{"uwsgiconfig.py": (1, "no main.c")}), "uWSGI does not build: no main.c"),
    ("embed.uwsgi", box(**{"--http-socket": (1, "bind(): in use")}), "uWSGI does not start: bind(): in use"),
    ("embed.uwsgi", site("8082/", mapped=["/usr/lib/libpython3.13.so.1.0"]), "the process has /usr/lib/libpython3.13.so.1.0"),
    ("moved.isolated", box({"python3.13 -": {"prefix": "/install"}}), "started with -S, it says that its prefix is '/install'"),
    ("moved.isolated", box(**{"python3.13 -I": (1, "No module named 'encodings'")}), "started with -I, it fails"),
    ("moved.home", box({"PYTHONHOME=/work": {"prefix": ROOT}}), f"it says that its prefix is '{ROOT}', and not {HOME}"),
    ("moved.home", box(**{f"{NOWHERE} /work/probes/whoami.py": "started"}), "it starts, as if nobody had set it"),
    ("moved.home", box(**{f"{NOWHERE} -E": (1, "Fatal Python error")}), "a PYTHONHOME that is none and -E, it fails"),
    ("moved.users", box({"whoami.py": {"prefix": "/install"}}), "run by root, it says that its prefix is '/install'"),
    ("moved.users", box(**{"whoami.py": (126, "Permission denied")}), "run by a user without a name or home, it fails"),
    ("moved.users", box(**{"find ": (1, "")}), "an ordinary user can write into the tree"),
    ("moved.long", box({f"{LONG}/bin": {"prefix": ROOT}}), f"sys.prefix is '{ROOT}'"),
    ("moved.long", box(**{"cp -R": (1, "File name too long")}), "cannot be copied to a long path: File name too long"),
    (
        "moved.decoy",
        box({"imports.py": {"mapped": ["/work/scratch/another python/lib/libpython3.13.so.1.0"]}}),
        "it loads /work",
    ),
    ("moved.decoy", box(**{"imports.py": (97, "the decoy was loaded")}), "(exit 97): the decoy was loaded"),
    ("moved.decoy", box({"imports.py": {"failures": {"_io": FAILED}}}), "module _io does not import: libssl.so.3"),
    ("moved.decoy", box(**{"decoy.c": (1, "no cc")}), "the decoy cannot be built: no cc"),
    (
        "moved.venv",
        box({"environments.py": {"results": {"venv": {"error": "boom", "step": "make it"}}}}),
        "at the step 'make it': boom",
    ),
    (
        "moved.pip",
        box({"install.py": {"results": {"tagged": {"error": "not a supported wheel", "step": "pip install"}}}}),
        "with the wheel 'tagged' pip fails at the step 'pip install': not a supported wheel",
    ),
    (
        "build.extension",
        box({"extension.py": {"error": "cc: not found", "step": "compile"}}),
        "at the step 'compile': cc: not found",
    ),
    (
        "build.extension",
        box({"extension.py": {"needed": ["libpython3.13.so.1.0"]}}),
        "built against it NEEDs libpython3.13.so.1.0",
    ),
    (
        "dual.abi",
        box({"scratch/host /work/probes/abi.py": abi(debug="true")}),
        "debug is false in the executable, and true in libpython",
    ),
    ("dual.abi", box({"scratch/host /work/probes/abi.py": abi(maxunicode="65535")}), "maxunicode is nothing in the executable"),
    ("dual.abi", box({"abi.py": abi(abiflags='"d"')}), 'sys.abiflags is "d", and the metadata says ""'),
    ("dual.abi", box(**{"host.c": (1, "cc: Python.h: No such file")}), "cannot be built from host.c: cc: Python.h"),
    *(
        case
        for check in ("build.embed.pkgconfig", "build.embed.config")
        for case in (
            (check, box({"embed.py": {"error": "no Python.h", "step": "compile"}}), "fails at the step 'compile'"),
            (check, box({"embed.py": {"needed": ["libc.so.6"]}}), "and not libpython3.13.so.1.0"),
            (
                check,
                box({"embed.py": {"runs": {"rpath": "error: No module named 'encodings'"}}}),
                "finding libpython by rpath and told",
            ),
        )
    ),
]


@pytest.mark.parametrize("check", IN_BOXES, ids=lambda check: check.id)
def test_good_answers_make_no_findings(check, tmp_path):
    assert look(check.id, subject(tmp_path, box())) == ()


@pytest.mark.parametrize(("check", "scripted", "says"), SABOTAGE, ids=[f"{check}: {says}" for check, _, says in SABOTAGE])
def test_sabotage_is_found(check, scripted, says, tmp_path):
    found = look(check, subject(tmp_path, scripted))
    assert any(says in finding.message for finding in found), found


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


def test_a_program_that_could_not_be_had_is_said_and_one_that_knows_no_such_python_is_not_missed(tmp_path):
    crafted = replace(GOOD, build=build_info(python="2.7.18"))
    for folder, archive, skipped, without in (("new", GOOD, {*PROGRAMS}, set()), ("old", crafted, {"uwsgi"}, {"mod_wsgi"})):
        tested = replace(subject(tmp_path / folder, box(), archive), sources=frozenset())
        checks = {check.check.partition(".")[2]: check for check in verify(tested, depth="full").checks}
        assert {name for name in PROGRAMS if "could not be had" in checks[name].skipped} == skipped
        assert {name for name in PROGRAMS if "knows no Python" in checks[name].without} == without


def test_local_symbols_are_told_and_stop_nothing(tmp_path):
    scripted = box()
    local = "plugin host /work/scratch/plugin.so /work/probes/embedded_imports.py"
    scripted.script = {f"{local} libpython": scripted.script["plugin host"], local: (139, "crash"), **scripted.script}
    assert [found.severity for found in look("embed.plugin", subject(tmp_path, scripted))] == ["note"]
    scripted.script[local] = MARK + json.dumps(imported(math=FAILED))
    (finding,) = look("embed.plugin", subject(tmp_path / "2", scripted))
    assert (finding.severity, "math do not import" in finding.message) == ("note", True)


def test_no_authority_is_no_finding_without_the_package(tmp_path):
    build = build_info()
    crafted = replace(GOOD, build=build.model_copy(update={"runtime": tuple(p for p in build.runtime if p != CERTIFICATES)}))
    assert look("stdlib.smoke", subject(tmp_path, box({"smoke.py": {"authorities": 0}}), crafted)) == ()


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
