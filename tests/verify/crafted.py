"""A small tree that has everything the checks look at, and nothing wrong; every test breaks one thing of it."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from farm.store.artifact import (
    BUILD_INFO_PATH,
    BaseImageInfo,
    BuildInfo,
    ConfigureInfo,
    ElfInfo,
    ModulesInfo,
    RuntimePackageInfo,
    SourceInfo,
)
from tests.verify.elves import Shape, elf
from workers.verify.expected import api
from workers.verify.subject import Subject
from workers.verify.unpack import unpack

if TYPE_CHECKING:
    from pathlib import Path

INCORPORATED = "share/python-farm/licenses/cpython-incorporated.rst"
DYNLOAD = "lib/python3.13/lib-dynload"
SUFFIX = "cpython-313-x86_64-linux-gnu.so"
SYSCONFIG = "lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py"
SYSCONFIG_TEXT = (
    "# system configuration generated and used by the sysconfig module\n"
    "build_time_vars = {'BINDIR': '/install/bin', 'CONFIG_ARGS': \"'--prefix=/install'\", 'HAVE': 1, 'LDFLAGS': ''}\n"
    "build_time_vars = {name: value for name, value in build_time_vars.items()}\n"
)

SSL = RuntimePackageInfo(name="libssl3t64", modules=("_ssl",), sonames=("libssl.so.3",))
FLAGS = "-fstack-protector-strong -D_FORTIFY_SOURCE=2 -ffile-prefix-map=/work/src=."
GUARDS = ("__stack_chk_fail", "__memcpy_chk")
API = (*api(), "PyInit__io", "_PyRuntime")
EXECUTABLE = Shape(sections={".rodata": b"/install/lib\0"}, exports=(*API, "_start", "stdin"), imports=GUARDS)
TK = RuntimePackageInfo(name="libtk8.6", modules=("_tkinter",), sonames=("libtk8.6.so",), optional=True)
CERTIFICATES = RuntimePackageInfo(name="ca-certificates", modules=(), sonames=())


def build_info(**changes: Any) -> BuildInfo:
    """The metadata of the crafted tree."""
    values: dict[str, Any] = {
        "cell": "3.13.5-debian13-amd64",
        "python": "3.13.5",
        "series": "3.13",
        "distro": "debian13",
        "arch": "amd64",
        "variant": "default",
        "abiflags": "",
        "lib": "python3.13",
        "executable": "python3.13",
        "soname": "libpython3.13.so.1.0",
        "optimize": "none",
        "bytecode": "none",
        "recipe": "0" * 64,
        "inputs": "1" * 64,
        "source": SourceInfo(url="https://python.example.org/Python-3.13.5.tar.xz", sha256="2" * 64, epoch=1),
        "patches": (),
        "base_image": BaseImageInfo(name="base", how="bootstrap", layers=("3" * 64,)),
        "builder_packages": (),
        "compiler": "gcc 14",
        "configure": ConfigureInfo(
            shared=("--prefix=/install",), static=("--prefix=/install",), make=(f"CFLAGS_NODIST={FLAGS}",)
        ),
        "runtime": (SSL, TK, CERTIFICATES),
        "modules": ModulesInfo(
            builtin=("sys", "_io"),
            shared=("_ssl", "_tkinter", "math"),
            tests=("_testcapi",),
            stdlib=("os", "ssl", "tkinter", "winreg"),
        ),
        "elf": ElfInfo(sonames=("libssl.so.3",), glibc="2.38"),
        "openssl": "OpenSSL 3.5.0",
        "sqlite": "3.46.1",
    }
    return BuildInfo(**{**values, **changes})


@dataclass(frozen=True)
class Entry:
    """One entry of the archive."""

    data: bytes = b""
    link: str = ""
    mode: int = 0o644
    uid: int = 0
    kind: bytes = b""


def good() -> dict[str, Entry]:
    """The tree by path below python/."""
    script = Entry(b'#!/bin/sh\nexec "$(dirname "$0")/python3.13" "$0" "$@"\n', mode=0o755)
    needed = ("libc.so.6", "libm.so.6")
    libpython = Shape(soname="libpython3.13.so.1.0", needed=needed, exports=API, imports=GUARDS, thread_local=25)
    return {
        "bin/python3.13": Entry(elf(EXECUTABLE), mode=0o755),
        "bin/python3": Entry(link="python3.13"),
        "bin/python": Entry(link="python3"),
        "bin/pip3": script,
        "bin/pip": Entry(link="pip3"),
        "include/python3.13/Python.h": Entry(b"/* nothing */\n"),
        "lib/libpython3.13.so.1.0": Entry(elf(libpython), mode=0o755),
        "lib/libpython3.13.so": Entry(link="libpython3.13.so.1.0"),
        "lib/libpython3.so": Entry(elf(Shape(needed=("libpython3.13.so.1.0",), runpath="$ORIGIN")), mode=0o755),
        "lib/pkgconfig/python-3.13-embed.pc": Entry(b"prefix=${pcfiledir}/../..\n"),
        SYSCONFIG: Entry(SYSCONFIG_TEXT.encode()),
        f"{DYNLOAD}/_ssl.{SUFFIX}": Entry(elf(Shape(needed=("libssl.so.3", "libc.so.6"))), mode=0o755),
        f"{DYNLOAD}/_tkinter.{SUFFIX}": Entry(elf(Shape(needed=("libtk8.6.so",))), mode=0o755),
        f"{DYNLOAD}/math.{SUFFIX}": Entry(elf(Shape()), mode=0o755),
        "lib/python3.13/LICENSE.txt": Entry(b"PSF LICENSE AGREEMENT\n"),
        "lib/python3.13/os.py": Entry(b"# /usr/install and pip/install/wheel.py are no build prefixes\n"),
        "share/man/man1/python3.1": Entry(b".TH PYTHON\n"),
        INCORPORATED: Entry(b"Licenses and Acknowledgements for Incorporated Software\n"),
    }


@dataclass(frozen=True)
class Crafted:
    """An archive to be: the tree's entries, raw entries beside them, the metadata."""

    entries: dict[str, Entry] = field(default_factory=good)
    beside: tuple[tarfile.TarInfo, ...] = ()
    build: BuildInfo = field(default_factory=build_info)

    def having(self, path: str, entry: Entry) -> Crafted:
        """The same with one entry added or replaced."""
        return replace(self, entries={**self.entries, path: entry})

    def without(self, path: str) -> Crafted:
        """The same with one entry less."""
        return replace(self, entries={name: entry for name, entry in self.entries.items() if name != path})

    def packed(self) -> bytes:
        """The archive as .tar.gz."""
        entries = {BUILD_INFO_PATH: Entry(self.build.model_dump_json().encode()), **self.entries}
        folders = {"/".join(path.split("/")[:depth]) for path in entries for depth in range(1, path.count("/") + 1)}
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
            for folder in ["", *sorted(folders)]:
                tar.addfile(_info(f"python/{folder}".rstrip("/"), Entry(mode=0o755, kind=tarfile.DIRTYPE)))
            for path, entry in entries.items():
                tar.addfile(_info(f"python/{path}", entry), io.BytesIO(entry.data))
            for info in self.beside:
                tar.addfile(info, io.BytesIO(b"x" * info.size))
        return out.getvalue()

    def subject(self, folder: Path) -> Subject:
        """The archive in a folder, unpacked, without boxes."""
        folder.mkdir(exist_ok=True)
        archive = folder / "crafted.tar.gz"
        archive.write_bytes(self.packed())
        unpacked = unpack(archive, folder / "unpacked")
        return Subject(archive, unpacked.members, unpacked.tree, self.build)


def _info(name: str, entry: Entry) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.uid = len(entry.data), entry.mode, entry.uid
    if entry.link:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.link, 0o777
    if entry.kind:
        info.type = entry.kind
    return info


def unadvised(found) -> list[str]:
    """Messages of errors and warnings that do not say what to do."""
    return [finding.message for finding in found if finding.severity != "note" and len(finding.hint) < len("see X")]
