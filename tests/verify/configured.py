"""Trees whose pyconfig.h or sysconfig says what their baseline does, and what is wrong with others."""

from __future__ import annotations

from dataclasses import replace

from tests.verify.crafted import SYSCONFIG, Crafted, Entry, build_info
from workers.verify import baselines


def configured(distro: str = "debian11", **changes: str | None) -> Crafted:
    """A 2.7 whose configure found what it finds on Debian 11, and these changes."""
    build = build_info(python="2.7.18", series="2.7", lib="python2.7", distro=distro)
    found = {**(baselines.baseline("pyconfig", build) or {}), **changes}
    header = "".join(f"#define {name} {value}\n" for name, value in found.items() if value is not None)
    return replace(Crafted(), build=build).having("include/python2.7/pyconfig.h", Entry(header.encode()))


def told(**changes: str | None) -> Crafted:
    """A 3.13 for arm64 whose sysconfig says what the baseline and the rows do, and these changes."""
    build = build_info(arch="arm64")
    rows = {row.name: row.here for row in baselines.rows("sysconfig", build, (3, 13, 5))}
    found = {**(baselines.baseline("sysconfig", build) or {}), **rows, **changes}
    values = {name: value for name, value in found.items() if value is not None}
    return replace(Crafted(), build=build).having(SYSCONFIG, Entry(f"build_time_vars = {values!r}\n".encode()))


CONFIGURED = [
    ("headers.pyconfig", replace(Crafted(), build=build_info(arch="arm64")), "there is no pyconfig.h"),
    ("headers.pyconfig", configured(SIZEOF_LONG="4"), "SIZEOF_LONG is defined as 4, and defined as 8 where"),
    ("headers.pyconfig", configured(HAVE_FORK=None), "HAVE_FORK is not defined, and defined as 1 where"),
    ("headers.pyconfig", configured(HAVE_LCHMOD="1"), "HAVE_LCHMOD is defined as 1, and not defined where"),
    ("headers.sysconfig", told(LIBS="-L/usr/lib/x86_64-linux-gnu"), "LIBS names x86_64, and the cell is for arm64"),
    (
        "headers.sysconfig",
        told(SOABI="cpython-313"),
        "SOABI is defined as cpython-313, and defined as cpython-313-aarch64-linux",
    ),
    ("headers.sysconfig", told(MULTIARCH=None), "MULTIARCH is not defined, and defined as aarch64-linux-gnu where"),
    ("headers.sysconfig", told(CC="aarch64-linux-gnu-gcc"), "a row says that CC is defined as gcc"),
    ("headers.compiler", told(CC="/usr/lib/llvm-19/bin/clang"), "CC is /usr/lib/llvm-19/bin/clang, which is none of gcc"),
    ("headers.compiler", told(LDSHARED="clang-19 -shared"), "LDSHARED names clang: 'clang-19 -shared'"),
    ("headers.compiler", told(LDCXXSHARED="c++ -shared"), "LDCXXSHARED is c++, which is none of g++"),
    ("headers.compiler", told(LDFLAGS="-fuse-ld=lld"), "LDFLAGS names lld: '-fuse-ld=lld'"),
    (
        "headers.compiler",
        told().having("bin/python3.13-config", Entry(b"#!/bin/sh\nLIBS=-L/usr/lib/llvm-19/lib\n")),
        "line 2 names llvm",
    ),
    ("headers.sysconfig", Crafted().having(SYSCONFIG, Entry(b"values = 1 +\n")), "not as CPython writes it"),
    (
        "headers.pyconfig",
        configured(distro="debian12"),
        "a row says that HAVE_LCHMOD is defined as 1, and not defined elsewhere",
    ),
]
