"""Every check that asks a box finds nothing wrong with good answers, and finds each bad one."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from farm.errors import BuildFailed, Transient
from farm.plan.facts import load_facts
from tests.fakes import ScriptedBox
from tests.verify.crafted import CERTIFICATES, DYNLOAD, SUFFIX, SYSCONFIG, Crafted, Entry, build_info
from workers.verify.checks.moved_long import PLACE as LONG
from workers.verify.expected import names_of
from workers.verify.probe import MARK
from workers.verify.table import TABLE

if TYPE_CHECKING:
    from workers.verify.subject import Subject

FAMILY = load_facts().distros["debian13"].family
ROOT = "/work/a place/py thön/python"
BUILDER = "/work/elsewhere/opt/python"
DECOY = "/work/scratch/another python/lib"
HOME = "/work/scratch/another home"
NOWHERE = f"PYTHONHOME=/nowhere/home {ROOT}/bin/python3.13"
UV = "/work/scratch/uv/cpython-managed"
GOOD = Crafted()
LIB, MATH = "lib/libpython3.13.so.1.0", f"{DYNLOAD}/math.{SUFFIX}"
SSL, TK = f"{DYNLOAD}/_ssl.{SUFFIX}", f"{DYNLOAD}/_tkinter.{SUFFIX}"


def places(root: str) -> dict:
    return {
        "prefix": root,
        "exec_prefix": root,
        "base_prefix": root,
        "executable": f"{root}/bin/python3.13",
        "paths": {"stdlib": f"{root}/lib/python3.13"},
        "variables": {"LIBDIR": f"{root}/lib", "CONFIG_ARGS": "'--prefix=/install'", "LIBPC": ""},
        "files": {"Makefile": f"{root}/lib/python3.13/config/Makefile"},
        "missing": [],
    }


def told(prefix: str) -> dict:
    return {"prefix": prefix, "base_prefix": prefix, "executable": f"{prefix}/bin/python3.13", "mapped": []}


def abi(**changes: str) -> dict:
    return {"facts": {"hexversion": "51185136", "abiflags": '""', "debug": "false", **changes}}


def linked() -> dict:
    """The loader's word for the crafted tree: all found but optional Tk; /lib is a link to /usr/lib."""
    at = {
        "libssl.so.3": "/lib/libssl.so.3",
        "libc.so.6": "/lib/libc.so.6",
        "libm.so.6": "/lib/libm.so.6",
        "libpython3.13.so.1.0": f"{ROOT}/{LIB}",
    }
    needs = {
        "bin/python3.13": ["libc.so.6"],
        LIB: ["libc.so.6", "libm.so.6"],
        "lib/libpython3.so": ["libpython3.13.so.1.0", "libc.so.6"],
        MATH: ["libc.so.6"],
        SSL: ["libssl.so.3", "libc.so.6"],
        TK: [],
    }
    files = {
        f"{ROOT}/{path}": {"found": {name: at[name] for name in names}, "missing": [], "complaints": []}
        for path, names in needs.items()
    }
    files[f"{ROOT}/{TK}"]["missing"] = ["libtk8.6.so"]
    return {"files": files, "real": {path: path if path.startswith(ROOT) else f"/usr{path}" for path in at.values()}}


ANSWERS = {
    "imports.py": {
        "version": "3.13.5",
        "builtin": ["sys", "_io"],
        "imported": ["os", "ssl"],
        "failures": {
            "_tkinter": {"kinds": ["ImportError"], "message": "libtk8.6.so: cannot open shared object file"},
            "tkinter": {"kinds": ["ImportError"], "message": "libtk8.6.so: cannot open shared object file"},
            "winreg": {"kinds": ["ModuleNotFoundError", "ImportError"], "message": "No module named 'winreg'"},
        },
        "mapped": [f"{ROOT}/bin/python3.13", f"{ROOT}/lib/python3.13/lib-dynload/math.so", "/usr/lib/libc.so.6"],
    },
    "linked.py": linked(),
    "smoke.py": {"results": {"compression": "", "tls": ""}, "openssl": "OpenSSL 3.5.0", "sqlite": "3.46.1", "authorities": 140},
    f"{UV}/bin/python3.13 /work/probes/places.py": places(UV),
    f"{LONG}/bin": places(LONG),
    "places.py": places(ROOT),
    "exec": told(ROOT),
    "PYTHONHOME=/work": told(HOME),
    "PYTHONHOME=/nowhere/home /work/a place/py thön/python/bin/python3.13 -": told(ROOT),
    "python3.13 -": told(ROOT),
    "whoami.py": told(ROOT),
    "environments.py": {"results": {"venv": {"error": "", "step": ""}, "venv --copies": {"error": "", "step": ""}}},
    "scratch/host /work/probes/abi.py": abi(),
    "abi.py": abi(),
    "install.py": {"results": {"any": {"error": "", "step": ""}, "tagged": {"error": "", "step": ""}}},
    "extension.py": {"error": "", "step": "", "needed": ["libc.so.6"]},
    "embed.py": {
        "error": "",
        "step": "",
        "needed": ["libpython3.13.so.1.0", "libc.so.6"],
        "runs": {"rpath": BUILDER, "LD_LIBRARY_PATH": BUILDER},
    },
}
OWNED = "libc6:amd64: /usr/lib/libc.so.6\nlibssl3t64:amd64: /usr/lib/libssl.so.3\nlibc6:amd64: /usr/lib/libm.so.6\n"
PLAIN = {
    "-c import platform": "I am 3.13.5",
    "cp -R": "",
    f"{NOWHERE} /work/probes/whoami.py": (1, "Fatal Python error"),
    "dpkg-query --search": OWNED,
    "pip3 --version": f"pip 25 from {ROOT}/lib",  # `pip` is a link to it
}


def box(changes: dict | None = None, **plain) -> ScriptedBox:
    """A box whose probes answer well; `changes` maps a probe to changes deep in its answer."""
    answers = copy.deepcopy(ANSWERS)
    for probe, change in (changes or {}).items():
        _merge(answers[probe], change)
    said = {probe: f"noise\n{MARK}{json.dumps(answer)}" for probe, answer in answers.items()}
    return ScriptedBox(
        {**plain, **PLAIN, **plain, **{probe: text for probe, text in said.items() if probe not in plain}}
    )  # the first key decides who is asked first


def _merge(into: dict, change: dict) -> None:
    for key, value in change.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def loader(path: str, **changes) -> ScriptedBox:
    """A box whose loader says something else of one file."""
    answers = linked()
    answers["files"][f"{ROOT}/{path}"].update(changes)
    return box(**{"linked.py": MARK + json.dumps(answers)})


def subject(folder, scripted: ScriptedBox, crafted: Crafted = GOOD) -> Subject:
    return replace(crafted.subject(folder), runtime=scripted, builder=scripted, family=FAMILY)


def look(check_id: str, tested: Subject) -> tuple:
    return next(check for check in TABLE if check.id == check_id).findings(tested)


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
    ("dual.abi", box(**{"host.c": (1, "cc: Python.h: No such file")}), "cannot be built: cc: Python.h"),
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
