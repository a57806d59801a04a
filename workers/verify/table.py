"""All checks, in the order they run: what each proves, where it looks, and about how long it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from farm.errors import Transient
from farm.plan.recipe import ArchiveKind
from farm.store import growth
from farm.store.artifact import Finding
from farm.wire.verification import Depth, Where
from workers.verify.checks import (
    archive_layout,
    archive_licenses,
    archive_metadata,
    beside_debug,
    beside_layout,
    beside_static,
    beside_tests,
    build_cmake,
    build_config,
    build_cplusplus,
    build_cython,
    build_distro,
    build_embed_config,
    build_embed_pkgconfig,
    build_extension,
    build_manylinux,
    build_meson,
    build_needing,
    build_setuptools,
    debug_links,
    dual_abi,
    dual_flags,
    dual_symbols,
    embed_cmake,
    embed_extension,
    embed_mod_wsgi,
    embed_plugin,
    embed_subinterpreters,
    embed_uwsgi,
    hardening_compiler,
    hardening_elf,
    headers_compiler,
    headers_pyconfig,
    headers_sysconfig,
    linkage_declared,
    linkage_executable,
    linkage_glibc,
    linkage_libpython,
    linkage_machine,
    linkage_maps,
    linkage_owned,
    linkage_policy,
    linkage_private,
    linkage_resolved,
    linkage_runpath,
    linkage_threads,
    modules_builtin,
    modules_exact,
    modules_import,
    moved_decoy,
    moved_home,
    moved_isolated,
    moved_long,
    moved_oldlib,
    moved_pip,
    moved_readonly,
    moved_scripts,
    moved_symlink,
    moved_sysconfig,
    moved_users,
    moved_uv,
    moved_venv,
    paths_details,
    paths_text,
    run_version,
    size_budget,
    stdlib_behaviour,
    stdlib_smoke,
    stdlib_sqlite,
    stdlib_suite,
    stdlib_terminal,
    stdlib_tk,
    symbols_api,
    symbols_foreign,
    upgrade_place,
    upgrade_venv,
)
from workers.verify.findings import error
from workers.verify.probe import ProbeFailed
from workers.verify.subject import Subject

# 'sealed': the very same image; 'trapped': with another libpython of the same name in /usr/local/lib, in the loader's cache;
# 'distro': with the distro's own Python of the same series.
Twin = Literal["", "sealed", "trapped", "distro"]
Look = Callable[[Subject], Iterable[Finding]]


@dataclass(frozen=True)
class Check:
    """One row. `where`: 'archive' reads the unpacked copy on this host, the others run things in a box. `cost` in seconds.

    `late`: why it is run only when somebody asks for depth 'full'; '' is for what is needed to publish ('standard'), all of
    which stays within BUDGET_S on two cores.
    `needs`: it is about other archives of the build, and runs when one of these lies beside the one that is verified.
    `source`: the program that it builds, by its name in expected.toml. `trial`: what it installs, by a name in wheels.toml.
    `upgrade`: it looks at the build before this one, too, and runs when that is there.
    `ours`: it is about what this farm alone puts into an archive.
    `twin`: it runs in a second box that sees the first one's folder read-only; see `workers.verify.run`.
    """

    id: str
    proves: str
    where: Where
    cost: int
    look: Look
    late: str = ""
    needs: tuple[ArchiveKind, ...] = ()
    source: str = ""
    trial: str = ""
    upgrade: bool = False
    twin: Twin = ""
    ours: bool = False

    @property
    def depth(self) -> Depth:
        """The least depth at which it is run."""
        return "full" if self.late else "standard"

    def findings(self, subject: Subject) -> tuple[Finding, ...]:
        """What the check saw, under its id. A defect of the archive never raises; a lost engine does (Transient)."""
        found: list[Finding] = []
        try:
            found.extend(self.look(subject))
        except ProbeFailed as failed:
            found.append(error(f"could not be checked: {failed}", hint=failed.hint))
        if subject.emulated and any(_COMPILER_CRASHED in finding.message for finding in found):
            raise Transient(f"the compiler crashed under emulation in {self.id}", hint="a native worker needs none")
        return tuple(finding.model_copy(update={"check": self.id}) for finding in found)


# gcc catches the signal of its own crash, so an emulator says nothing of it; no machine crashes on what checks compile.
_COMPILER_CRASHED = "internal compiler error: Segmentation fault"
BUDGET_S = 180
# Why a check waits until somebody asks for it.
DISTRO = "tries the distro's own libraries further; that they are linked and loaded, standard has seen"
TYPING = "the distro's own libraries again, and waits for a terminal: a slow or emulated machine is to stop no publication"
SUITE = "a quarter of an hour, and defects of CPython and the distro that no build of ours can mend"
BEFORE = "half a minute, and wants the build before; what it unpacks over is made by the same steps"
MINUTES = "builds with wheels and packages that are fetched for it, which takes minutes in all; build.extension is standard"
PROGRAMS = "wants packages or sources of programs, which are fetched and built; build.embed.* are standard"
EMBEDS = "embeds as few programs do; build.embed.*, embed.extension and dual.abi are standard"
IMAGE = "makes an image of its own for one check; moved.decoy, where the loader looks first, is standard"
OTHERS: tuple[ArchiveKind, ...] = ("debugsymbols", "tests", "static-lib")

TABLE: tuple[Check, ...] = (
    Check("archive.layout", "one folder python/, links inside it, sane modes, owner 0", "archive", 1, archive_layout.look),
    Check("archive.licenses", "the licence texts of all that is in it are there", "archive", 0, archive_licenses.look),
    Check("archive.metadata", "the metadata inside is the build's own", "archive", 0, archive_metadata.look, ours=True),
    Check("linkage.executable", "the interpreter is linked into the executable", "archive", 1, linkage_executable.look),
    Check("linkage.libpython", "libpython is there for embedders, with its SONAME", "archive", 0, linkage_libpython.look),
    Check("linkage.threads", "libpython finds its thread's state without a call", "archive", 0, linkage_threads.look),
    Check("linkage.declared", "needed libraries and declared packages are the same", "archive", 0, linkage_declared.look),
    Check("linkage.private", "libraries of our own keep to themselves", "archive", 0, linkage_private.look),
    Check("linkage.runpath", "run paths are relative and inside the tree", "archive", 0, linkage_runpath.look),
    Check("linkage.machine", "every binary is for the cell's machine", "archive", 0, linkage_machine.look),
    Check("linkage.policy", "each binary needs only what is allowed for it", "archive", 0, linkage_policy.look),
    Check("linkage.glibc", "no binary wants a newer glibc than the distro's", "archive", 1, linkage_glibc.look),
    Check("modules.exact", "no extension module is missing or too many", "archive", 0, modules_exact.look),
    Check(
        "hardening.elf",
        "RELRO, BIND_NOW, no executable stack, no text relocations, a fixed address if told",
        "archive",
        0,
        hardening_elf.look,
    ),
    Check(
        "hardening.compiler", "stack protector and fortified functions are in the code", "archive", 0, hardening_compiler.look
    ),
    Check("symbols.api", "executable and libpython export the C API", "archive", 0, symbols_api.look),
    Check("symbols.foreign", "no symbols of other libraries are exported", "archive", 0, symbols_foreign.look),
    Check("dual.symbols", "executable and libpython export the same", "archive", 0, dual_symbols.look),
    Check("debug.links", "a debugger finds the debug information", "archive", 0, debug_links.look),
    Check("paths.details", "build-details.json leads to files of the tree", "archive", 0, paths_details.look),
    Check("headers.pyconfig", "configure's probes were answered right", "archive", 0, headers_pyconfig.look),
    Check("headers.sysconfig", "sysconfig speaks of the cell's own machine", "archive", 0, headers_sysconfig.look),
    Check("headers.compiler", "sysconfig names compilers that machines have", "archive", 0, headers_compiler.look),
    Check("paths.text", "no path of the build is left", "archive", 2, paths_text.look),
    Check("beside.layout", "the other archives are safe, and of this build", "archive", 4, beside_layout.look, needs=OTHERS),
    Check("beside.debug", "the debug information is that of these binaries", "archive", 3, beside_debug.look, needs=OTHERS[:1]),
    Check("dual.flags", "libpython was compiled as the executable was", "archive", 4, dual_flags.look, needs=OTHERS[:1]),
    Check("beside.static", "the static library is for this machine", "archive", 1, beside_static.look, needs=OTHERS[2:]),
    Check(growth.CHECK, "it grew by less than 5 % since the build before", "archive", 1, size_budget.look, upgrade=True),
    Check("run.version", "it runs, silently, and is the cell's version", "runtime", 1, run_version.look),
    Check("modules.import", "the whole standard library imports", "runtime", 5, modules_import.look),
    Check("modules.builtin", "the modules linked in are the expected ones", "runtime", 0, modules_builtin.look),
    Check("linkage.maps", "no libpython is loaded with every module imported", "runtime", 0, linkage_maps.look),
    Check("linkage.resolved", "the loader finds every library", "runtime", 3, linkage_resolved.look),
    Check("linkage.owned", "the distro says: the needed libraries are of declared packages", "runtime", 1, linkage_owned.look),
    Check("stdlib.smoke", "compression, hashes, TLS, SQLite and ctypes work", "runtime", 2, stdlib_smoke.look),
    Check("stdlib.behaviour", "TLS, FTS5, dbm, spawn, terminals, time zones work", "runtime", 5, stdlib_behaviour.look, DISTRO),
    Check("stdlib.terminal", "typing works: arrows, backspace, wide characters", "runtime", 4, stdlib_terminal.look, TYPING),
    Check("stdlib.suite", "CPython's own test suite passes", "runtime", 900, stdlib_suite.look, SUITE, needs=OTHERS[1:2]),
    Check("moved.sysconfig", "sysconfig speaks of the new place after a move", "runtime", 1, moved_sysconfig.look),
    Check("moved.uv", "so it does after uv's rewriting", "runtime", 3, moved_uv.look),
    Check("moved.scripts", "scripts run from odd places and through links", "runtime", 10, moved_scripts.look),
    Check("moved.symlink", "the interpreter finds itself through links and odd names", "runtime", 2, moved_symlink.look),
    Check("moved.isolated", "so it does with -I, -S, -E and a stranger's environment", "runtime", 1, moved_isolated.look),
    Check("moved.home", "PYTHONHOME does what it does for any Python", "runtime", 1, moved_home.look),
    Check("moved.users", "root and unknown users can run it, and none need write it", "runtime", 1, moved_users.look),
    Check("moved.long", "it works at a long path full of odd characters", "runtime", 3, moved_long.look),
    Check("moved.readonly", "it works on a read-only mount", "runtime", 2, moved_readonly.look, twin="sealed"),
    Check("moved.venv", "venv, venv --copies and offline pip install work", "runtime", 25, moved_venv.look),
    Check("beside.tests", "the tests archive fits the moved tree", "runtime", 8, beside_tests.look, needs=OTHERS[1:2]),
    Check("moved.pip", "pip installs wheels with this Python's tags, offline", "runtime", 4, moved_pip.look),
    Check("upgrade.place", "it installs over the build before", "runtime", 12, upgrade_place.look, BEFORE, upgrade=True),
    Check("upgrade.venv", "environments of the build before go on", "runtime", 30, upgrade_venv.look, BEFORE, upgrade=True),
    Check("build.extension", "a C extension builds, imports, and NEEDs no libpython", "builder", 2, build_extension.look),
    Check("build.needing", "an extension that NEEDs libpython imports", "builder", 3, build_needing.look),
    Check("build.config", "C and C++ build with python-config's flags alone", "builder", 3, build_config.look),
    Check("build.embed.pkgconfig", "a program embeds it through pkg-config", "builder", 2, build_embed_pkgconfig.look),
    Check("build.embed.config", "a program embeds it through python3-config", "builder", 2, build_embed_config.look),
    Check("embed.extension", "a C extension works in a program that embeds it", "builder", 3, embed_extension.look),
    Check("dual.abi", "executable and libpython are one ABI", "builder", 3, dual_abi.look),
    Check("moved.decoy", "another libpython on the loader's path changes nothing", "builder", 2, moved_decoy.look),
    Check(
        "build.setuptools",
        "an sdist in C builds with setuptools",
        "builder",
        12,
        build_setuptools.look,
        MINUTES,
        trial="setuptools",
    ),
    Check("build.c++", "an sdist in C++ builds with setuptools", "builder", 15, build_cplusplus.look, MINUTES, trial="c++"),
    Check("build.cython", "an sdist in Cython builds", "builder", 20, build_cython.look, MINUTES, trial="cython"),
    Check("build.meson", "C and C++ build with meson-python", "builder", 25, build_meson.look, MINUTES, trial="meson"),
    Check("build.cmake", "C and C++ build with scikit-build-core", "builder", 25, build_cmake.look, MINUTES, trial="cmake"),
    Check(
        "build.manylinux",
        "a manylinux wheel with a C core works",
        "builder",
        8,
        build_manylinux.look,
        MINUTES,
        trial="manylinux",
    ),
    Check(
        "build.distro",
        "the distro's own Python and it take each other's wheels",
        "builder",
        25,
        build_distro.look,
        MINUTES,
        trial="setuptools",
        twin="distro",
    ),
    Check("embed.subinterpreters", "two sub-interpreters are alive at once", "builder", 3, embed_subinterpreters.look, EMBEDS),
    Check("embed.plugin", "a plugin that a host loads can embed it", "builder", 3, embed_plugin.look, EMBEDS),
    Check(
        "moved.oldlib",
        "a libpython of the same name in /usr/local/lib changes nothing",
        "builder",
        4,
        moved_oldlib.look,
        IMAGE,
        twin="trapped",
    ),
    Check("stdlib.tk", "Tk works where its package is, and is asked for where not", "builder", 2, stdlib_tk.look, DISTRO),
    Check("stdlib.sqlite", "SQLite loads an extension, and none when told not to", "builder", 1, stdlib_sqlite.look, DISTRO),
    Check("embed.cmake", "CMake's FindPython3 finds it for embedding", "builder", 5, embed_cmake.look, PROGRAMS),
    Check(
        "embed.mod_wsgi",
        "mod_wsgi serves from it in Apache",
        "builder",
        40,
        embed_mod_wsgi.look,
        PROGRAMS,
        source="mod_wsgi",
        trial="setuptools",
    ),
    Check("embed.uwsgi", "uWSGI serves from it", "builder", 90, embed_uwsgi.look, PROGRAMS, source="uwsgi"),
)
