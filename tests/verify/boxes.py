"""Boxes whose probes answer well, and how one of their answers is spoilt."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING

from farm.plan.facts import load_facts
from tests.fakes import ScriptedBox
from tests.verify.crafted import DYNLOAD, SUFFIX, Crafted, build_info
from workers.verify.checks.moved_long import PLACE as LONG
from workers.verify.probe import MARK
from workers.verify.table import TABLE
from workers.verify.wheels import FOLDER, wheels

if TYPE_CHECKING:
    from workers.verify.subject import Subject

FAMILY = load_facts().distros["debian13"].family
ROOT = "/work/a place/py thön/python"
BUILDER = "/work/elsewhere/opt/python"
DECOY = "/work/scratch/another python/lib"
PROGRAMS = ("mod_wsgi", "uwsgi")
SOURCES = (*PROGRAMS, *(f"{FOLDER}/{name}" for name in wheels(build_info(), (3, 13, 5))))
HOME = "/work/scratch/another home"
EXTENSION = "/work/scratch/extension to embed"
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


SITE = {"prefix": BUILDER, "parsed": 1000, "mapped": [f"{BUILDER}/lib/libpython3.13.so.1.0", "/usr/lib/libexpat.so.1"]}


def site(place: str, **changes) -> ScriptedBox:
    return box({"asking.py": {"answers": {f"http://127.0.0.1:{place}": changes}}})


def imported(**failures: dict) -> dict:
    return {"version": "3.13.5", "builtin": [], "imported": [], "failures": failures, "mapped": []}


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


def exchanged() -> dict:
    told = {"version": "3.13.5", "maxunicode": 0x10FFFF, "soabi": "cpython-313-x86_64-linux-gnu", "suffix": ".so"}
    way = {"wheel": "farm_ext-1.0-cp313-cp313-linux_x86_64.whl", "error": "", "step": ""}
    return {"ours": told, "theirs": dict(told), "to_theirs": way, "to_ours": dict(way)}


ANSWERS = {
    "exchange.py": exchanged(),
    "plugin host": imported(),
    "host beside another": imported(),
    "terminal.py": {"results": {"curses": "", "readline": ""}},
    "tk.py": {"patchlevel": "8.6.16", "without": "no display name and no $DISPLAY environment variable"},
    "loading.py": {"answer": "42", "refused": True},
    "behaviour.py": {"results": {"tls": "", "sqlite": ""}},
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
    "asking.py": {
        "answers": {
            f"http://127.0.0.1:{place}": {**SITE, "group": group}
            for place, group in {"8081/embedded": "", "8081/daemon": "site", "8082/": ""}.items()
        }
    },
    "install.py": {"results": {"any": {"error": "", "step": ""}, "tagged": {"error": "", "step": ""}}},
    "needing.py": {
        "results": {place: {"error": "", "step": "", "needed": ["libpython3.13.so.1.0"]} for place in ("LIBDIR", "LIBPL")}
    },
    "extension.py": {"error": "", "step": "", "path": f"{EXTENSION}/farm_extension.so", "needed": ["libc.so.6"]},
    "extending.py": {
        "error": "",
        "step": "",
        "path": "/work/scratch/env/farm_extension.so",
        "needed": ["libc.so.6"],
        "leaks": [],
        "flags": [],
    },
    "embed.py": {
        "error": "",
        "step": "",
        "needed": ["libpython3.13.so.1.0", "libc.so.6"],
        "runs": {"rpath": BUILDER, "LD_LIBRARY_PATH": BUILDER},
    },
}
OWNED = "libc6:amd64: /usr/lib/libc.so.6\nlibssl3t64:amd64: /usr/lib/libssl.so.3\nlibc6:amd64: /usr/lib/libm.so.6\n"
PLAIN = {
    "environment over/bin/python": "I am 3.13.5, 42",
    "environment beside/bin/python": "I am 3.13.5, 42",
    "sh -c cc ": "",
    "/work/scratch/subinterpreters": f"sub prefix={BUILDER}\n" * 2,
    "extension host /work/probes/embedded_extension.py": "42\n",
    "cmake -S": f"-- Found Python\n-- farm library={BUILDER}/lib/libpython3.13.so\n",
    "/work/scratch/cmade/cmade": f"prefix={BUILDER}\n",
    "-c import platform": "I am 3.13.5",
    "cp -R": "",
    f"{NOWHERE} /work/probes/whoami.py": (1, "Fatal Python error"),
    "dpkg-query --search": OWNED,
    "-m venv": "",
    "touch ": (1, "touch: cannot touch: Read-only file system"),
    "-m pip --version": f"pip 25 from {ROOT}/lib",
    "ldconfig -p": "libpython3.13.so.1.0 (libc6,x86-64) => /usr/local/lib/libpython3.13.so.1.0",
    "-c import _tkinter": (1, "ImportError: libtk8.6.so: cannot open shared object file"),
    "-c import tkinter": (
        1,
        "ImportError: libtk8.6.so: cannot open; it needs packages that are optional: apt-get install libtk8.6",
    ),
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


def subject(folder, scripted: ScriptedBox, crafted: Crafted = GOOD, before: Crafted = GOOD) -> Subject:
    tested = crafted.subject(folder)
    earlier = folder / "earlier.tar.gz"
    earlier.write_bytes(before.packed())
    boxes = {"runtime": scripted, "builder": scripted, "twins": {"sealed": scripted, "trapped": scripted, "distro": scripted}}
    return replace(
        tested, **boxes, distro_python="/usr/bin/python3.13", earlier=earlier, family=FAMILY, sources=frozenset(SOURCES)
    )


def look(check_id: str, tested: Subject) -> tuple:
    return next(check for check in TABLE if check.id == check_id).findings(tested)
