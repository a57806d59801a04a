"""Archives that are wrong in one thing, and what a check of the archive says of it."""

from __future__ import annotations

import json
import tarfile
from dataclasses import replace

from farm.store.artifact import BUILD_INFO_PATH, ConfigureInfo, ElfInfo, LibraryInfo, ModulesInfo, RuntimePackageInfo
from tests.verify.configured import CONFIGURED
from tests.verify.crafted import (
    API,
    DYNLOAD,
    GUARDS,
    INCORPORATED,
    SSL,
    SUFFIX,
    SYSCONFIG,
    SYSCONFIG_TEXT,
    Crafted,
    Entry,
    build_info,
)
from tests.verify.elves import Shape, elf
from workers.verify.table import TABLE

GOOD = Crafted()
OWN = [check for check in TABLE if check.where == "archive" and not check.needs and not check.upgrade]
MATH, EXE, LIB = f"{DYNLOAD}/math.{SUFFIX}", "bin/python3.13", "lib/libpython3.13.so.1.0"
LICENSE = "share/python-farm/licenses/openssl.txt"
PRIVATE = "lib/private/libssl-farm.so.1.1"
FIXED = build_info().configure.model_copy(update={"static": ("LINKFORSHARED=-Xlinker -export-dynamic -no-pie",)})
OPENSSL = LibraryInfo(name="openssl", version="1", url="https://x", sha256="1", eol="2023-09-11", notice="old", why="needed")


def with_elf(path: str, **shape) -> Crafted:
    return GOOD.having(path, Entry(elf(Shape(**shape)), mode=0o755))


def beside(name: str, **attributes) -> Crafted:
    info = tarfile.TarInfo(name)
    for key, value in attributes.items():
        setattr(info, key, value)
    return replace(GOOD, beside=(info,))


def built(**changes) -> Crafted:
    return replace(GOOD, build=build_info(**changes))


def private(path: str, **shape) -> Crafted:
    """With a library of our own and an extension module that needs it; then another file."""
    own = Entry(elf(Shape(soname="libssl-farm.so.1.1", exports=("SSL_read",), version="OPENSSL_FARM_1_1_0")), mode=0o755)
    user = Entry(elf(Shape(needed=("libssl-farm.so.1.1",), runpath="$ORIGIN/../../private")), mode=0o755)
    text = Entry(b"OpenSSL License\n")
    tree = built(libraries=(OPENSSL,)).having(PRIVATE, own).having(MATH, user).having(LICENSE, text)
    return tree.having(path, Entry(elf(Shape(**shape)), mode=0o755)) if shape else tree


def detailed(**changes) -> Crafted:
    """With a build-details.json as PEP 739 has it, and these changes."""
    told = {"base_prefix": "../..", "base_interpreter": "bin/python3.13", "libpython": {"dynamic": "lib/libpython3.13.so"}}
    data = json.dumps({**told, "c_api": {"headers": "include/python3.13"}, **changes}).encode()
    return GOOD.having("lib/python3.13/build-details.json", Entry(data))


def modules(**changes) -> Crafted:
    return built(modules=ModulesInfo(**{**build_info().modules.model_dump(), **changes}))


SABOTAGE = [
    ("archive.layout", GOOD.having("lib/evil", Entry(link="/etc/passwd")), "link is absolute"),
    ("archive.layout", GOOD.having("lib/evil", Entry(link="../../../x")), "outside the tree"),
    ("archive.layout", GOOD.having("lib/evil", Entry(link="nowhere")), "leads nowhere"),
    ("archive.layout", GOOD.having("bin/su", Entry(b"x", mode=0o4755)), "setuid"),
    ("archive.layout", GOOD.having("bin/su", Entry(b"x", mode=0o666)), "its mode is 666"),
    ("archive.layout", GOOD.having("bin/own", Entry(b"x", uid=1000)), "uid 0"),
    ("archive.layout", GOOD.having("lib/null", Entry(kind=tarfile.CHRTYPE)), "special file"),
    ("archive.layout", beside("python/lib/twice", type=tarfile.LNKTYPE, linkname="python/bin/python3.13"), "hard link"),
    ("archive.layout", GOOD.having("opt/x", Entry(b"x")), "has more than bin lib include share"),
    ("archive.layout", GOOD.without("include/python3.13/Python.h"), "no folder python/include"),
    ("archive.layout", GOOD.without("bin/pip"), "there is no bin/pip"),
    ("archive.layout", GOOD.having("bin/python", Entry(link="pip3")), "it leads to bin/pip3, and not to bin/python3.13"),
    ("archive.layout", GOOD.having("bin/python3", Entry(elf(Shape()), mode=0o755)), "it leads to bin/python3, and not to"),
    ("archive.layout", GOOD.having("bin/python3", Entry(link="python")), "and not to bin/python3.13"),
    ("archive.layout", GOOD.having(EXE, Entry(b"x", mode=0o644)), "cannot be executed"),
    ("archive.layout", beside("metadata.json", mode=0o644), "clients strip one folder"),
    ("archive.layout", beside("python/../../etc/x", mode=0o644), "outside the archive"),
    ("archive.layout", beside("/etc/x", mode=0o644), "outside the archive"),
    ("archive.layout", beside("python/lib/python3.13/os.py", mode=0o644), "more than once"),
    ("archive.licenses", GOOD.without("lib/python3.13/LICENSE.txt"), "licence of CPython is not there"),
    ("archive.licenses", GOOD.having("lib/python3.13/LICENSE.txt", Entry()), "licence of CPython is empty"),
    ("archive.licenses", GOOD.without(INCORPORATED), "took over from others is not there"),
    ("archive.licenses", private("").without(LICENSE), "licence of openssl in lib/private is not there"),
    ("archive.metadata", GOOD.having(BUILD_INFO_PATH, Entry(b"{}")), "does not fit its schema"),
    (
        "archive.metadata",
        GOOD.having(BUILD_INFO_PATH, Entry(build_info(python="3.13.4").model_dump_json().encode())),
        "in: python",
    ),
    ("linkage.executable", with_elf(EXE, needed=("libpython3.13.so.1.0",)), "it NEEDs libpython3.13.so.1.0"),
    ("linkage.executable", with_elf(MATH, needed=("libpython3.13.so.1.0",)), "it NEEDs libpython3.13.so.1.0"),
    ("linkage.executable", GOOD.having(EXE, Entry(b"#!/bin/sh\n", mode=0o755)), "no ELF file"),
    ("linkage.libpython", GOOD.without(LIB), "is not there"),
    ("linkage.libpython", with_elf(LIB, soname="libpython3.so"), "its SONAME is 'libpython3.so'"),
    ("linkage.libpython", GOOD.without("lib/libpython3.13.so"), "no link to"),
    ("linkage.libpython", GOOD.having("lib/libpython3.13.so", Entry(link="libpython3.so")), "no link to"),
    ("linkage.threads", with_elf(LIB, thread_local=25, thread_local_fixed=False), "is a call of the loader's function"),
    ("linkage.threads", with_elf(LIB, thread_local=25, thread_local_fixed=False, machine=183), "call of the loader's function"),
    ("linkage.threads", with_elf(LIB, thread_local=520, machine=183), "take 520 bytes at a fixed offset"),
    ("linkage.threads", with_elf(LIB, thread_local=520), "take 520 bytes at a fixed offset, and may take 512"),
    ("linkage.threads", built(distro="alpine3.22"), "opens no such library in a program that runs"),
    ("linkage.declared", with_elf(MATH, needed=("libfoo.so.1",)), "libfoo.so.1 is NEEDED"),
    ("linkage.declared", with_elf(f"{DYNLOAD}/_ssl.{SUFFIX}"), "for libssl.so.3, which nothing NEEDs"),
    (
        "linkage.declared",
        built(runtime=(SSL.model_copy(update={"modules": ("math",)}),)),
        "declared for math; it is needed by _ssl",
    ),
    (
        "linkage.declared",
        built(runtime=(RuntimePackageInfo(name="x", modules=(), sonames=("libx.so.9",)),)),
        "package x is declared",
    ),
    ("linkage.private", with_elf(PRIVATE, soname="libssl-farm.so.1.1"), "does not say what this is"),
    ("linkage.private", built(libraries=(OPENSSL,)), "that is not there"),
    ("linkage.private", private(PRIVATE, soname="libssl.so.1.1"), "its SONAME is 'libssl.so.1.1'"),
    ("linkage.private", private(PRIVATE, soname="libcrypto-farm.so.1.1"), "its SONAME is 'libcrypto-farm.so.1.1'"),
    (
        "linkage.private",
        private(PRIVATE, soname="libssl-farm.so.1.1", exports=("SSL_read",), version="OPENSSL_1_1_0"),
        "it gives symbols the version OPENSSL_1_1_0, which the distro's library may, too",
    ),
    (
        "linkage.private",
        private(PRIVATE, soname="libssl-farm.so.1.1", exports=("SSL_read",)),
        "exports 1 symbols without a version",
    ),
    (
        "linkage.private",
        private(PRIVATE, soname="libssl-farm.so.1.1", exports=("SSL_read", "_SSL_x"), version="OPENSSL_FARM_1_1_0"),
        "exports 1 symbols without a version of their own: _SSL_x",
    ),
    ("linkage.private", private(EXE, needed=("libssl-farm.so.1.1",)), "into every process"),
    ("linkage.private", private(LIB, soname="libpython3.13.so.1.0", needed=("libssl-farm.so.1.1",)), "into every process"),
    ("linkage.runpath", with_elf(MATH, runpath="/install/lib"), "not relative to the file"),
    ("linkage.runpath", with_elf(MATH, rpath="$ORIGIN:/opt"), "has '/opt'"),
    ("linkage.runpath", with_elf(LIB, soname="libpython3.13.so.1.0", runpath="$ORIGIN/../../elsewhere"), "outside the tree"),
    ("linkage.runpath", with_elf(MATH, runpath="$ORIGIN/..:"), "the working folder"),
    ("linkage.runpath", with_elf(MATH, runpath="$ORIGINAL/lib"), "not relative to the file"),
    ("linkage.machine", with_elf(MATH, machine=183), "it is for EM_AARCH64, and the cell for EM_X86_64"),
    (
        "linkage.machine",
        GOOD.having("lib/python3.13/config/python.o", Entry(elf(Shape(kind=1, machine=183)))),
        "it is for EM_AARCH64, and the cell for EM_X86_64",
    ),
    ("linkage.policy", with_elf(MATH, imports=("pthread_yield",)), "it wants pthread_yield, which nothing may call"),
    ("linkage.machine", built(arch="vax"), "no row of arches.toml knows vax"),
    ("linkage.policy", with_elf(MATH, needed=("libssl.so.3",)), "NEEDs libssl.so.3, which nothing allows module math"),
    ("linkage.policy", with_elf(EXE, needed=("libssl.so.3",)), "NEEDs libssl.so.3, which nothing allows the interpreter"),
    ("linkage.glibc", with_elf(MATH, glibc="2.99"), "it wants glibc 2.99, and debian13 has 2.41"),
    ("linkage.glibc", built(elf=ElfInfo(sonames=(), glibc="2.17")), "is '2.38', and the metadata says '2.17'"),
    (
        "hardening.compiler",
        with_elf(EXE, imports=GUARDS[1:]),
        "it calls no __stack_chk_fail, as code that is compiled with -fstack-protector-strong",
    ),
    (
        "hardening.compiler",
        with_elf(LIB, imports=GUARDS[:1]),
        "it calls no __*_chk, as code that is compiled with -D_FORTIFY_SOURCE=2",
    ),
    ("hardening.compiler", built(configure=ConfigureInfo(shared=(), static=(), make=())), "not told -fstack-protector-strong"),
    ("symbols.api", with_elf(EXE, exports=API[1:]), "it does not export Py_Initialize"),
    ("symbols.api", with_elf(LIB, exports=tuple(name for name in API if name != "PyInit__io")), "not export PyInit__io"),
    ("symbols.api", GOOD.without(LIB), "it does not export Py_Initialize"),
    ("symbols.foreign", with_elf(MATH, exports=("PyInit_math", "sqlite3_close")), "it exports sqlite3_close"),
    ("symbols.foreign", with_elf(MATH, exports=("PyInit_math", "helper")), "it exports helper"),
    (
        "symbols.foreign",
        replace(with_elf(MATH, exports=("BN_new", "helper")), build=build_info(python="2.7.18")),
        "exports BN_new",
    ),
    ("dual.symbols", with_elf(EXE, exports=(*API, "PyNew")), "exports PyNew, and lib/libpython3.13.so.1.0 does not"),
    ("dual.symbols", with_elf(LIB, exports=(*API, "_PyNew")), "exports _PyNew, and bin/python3.13 does not"),
    ("dual.symbols", GOOD.without(LIB), "nothing was compared"),
    ("modules.exact", GOOD.without(MATH), "extension module math is missing"),
    ("modules.exact", with_elf(f"{DYNLOAD}/_surplus.{SUFFIX}"), "_surplus is one too many"),
    ("modules.exact", with_elf(f"{DYNLOAD}/_testcapi.{SUFFIX}"), "_testcapi is one too many"),
    ("modules.exact", modules(shared=("_ssl", "_tkinter", "math", "_zstd")), "_zstd is missing"),
    ("hardening.elf", with_elf(MATH, stack=7), "its stack is executable"),
    ("hardening.elf", with_elf(MATH, stack=None), "does not say that its stack"),
    ("hardening.elf", with_elf(MATH, relro=False), "no PT_GNU_RELRO"),
    ("hardening.elf", with_elf(MATH, bind_now=False), "BIND_NOW"),
    ("hardening.elf", with_elf(MATH, textrel=True), "TEXTREL"),
    ("hardening.elf", with_elf(MATH, load=7), "writable and executable"),
    ("hardening.elf", built(configure=FIXED), "it lies at a random address, and pass 2 was told -no-pie"),
    ("hardening.elf", GOOD.having(MATH, Entry(b"\x7fELF\x02\x01\x01 and then nothing", mode=0o755)), "cannot be read"),
    ("paths.details", detailed(base_prefix=".."), "its base_prefix leads to lib, and not to the top"),
    (
        "paths.details",
        detailed(base_interpreter="../../bin/python3.13"),
        "its base_interpreter is '../../bin/python3.13', where",
    ),
    ("paths.details", detailed(c_api={"headers": "include/python3.14"}), "its c_api.headers is 'include/python3.14', where"),
    ("paths.details", detailed(libpython={"dynamic": "lib/libpython3.so.1"}), "its libpython.dynamic is"),
    ("paths.details", GOOD.having("lib/python3.13/build-details.json", Entry(b"[]")), "it cannot be read: TypeError"),
    *CONFIGURED,
    ("debug.links", with_elf(MATH, build_id=b""), "no build id"),
    ("debug.links", with_elf(MATH, debuglink=b"no end"), "debuglink is broken"),
    ("debug.links", with_elf(MATH, debuglink=b"/usr/lib/debug/x\0\0\0\0CRC4"), "debuglink is broken"),
    ("debug.links", with_elf(MATH, debuglink=None), "neither debug information nor a debuglink"),
    (
        "paths.text",
        GOOD.having("bin/idle3", Entry(b"#!/install/bin/python3.13\n", mode=0o755)),
        "line 1 names the build prefix",
    ),
    ("paths.text", GOOD.having("lib/pkgconfig/x.pc", Entry(b"a=1\nLibs: -L/install/lib\n")), "line 2 names the build prefix"),
    ("paths.text", GOOD.having("lib/x/Makefile", Entry(b"prefix=\t/install\n")), "names the build prefix"),
    ("paths.text", GOOD.having("lib/x/Makefile", Entry(b"srcdir = ../src\nabs = /work/src/Lib\n")), "it names /work/src"),
    (
        "paths.text",
        GOOD.having(SYSCONFIG, Entry(SYSCONFIG_TEXT.replace("/install/bin", "/work/build").encode())),
        "/work/build",
    ),
    ("paths.text", GOOD.having("lib/x/a.pyc", Entry(b"\0\0/work/tree/install/lib/a.py\0")), "it names /work/tree"),
    ("paths.text", with_elf(MATH, sections={".rodata": b"\0/work/build/Modules/mathmodule.c\0"}), "it names /work/build"),
]
