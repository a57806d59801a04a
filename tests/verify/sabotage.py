"""What each check in a box must find: answers of probes that are wrong in one thing, and what is said of it."""

from __future__ import annotations

from tests.verify.boxes import HOME, LONG, MATH, NOWHERE, OWNED, ROOT, SSL, UV, abi, box, imported, loader, site
from workers.verify.probe import MARK
from workers.verify.table import TABLE

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
    (
        "stdlib.sqlite",
        box({"loading.py": {"answer": "OperationalError: no"}}),
        "that SQLite loaded says 'OperationalError: no'",
    ),
    ("stdlib.sqlite", box({"loading.py": {"refused": False}}), "loads an extension though loading was switched off"),
    ("stdlib.sqlite", box(**{"sqlite_extension.c": (1, "no sqlite3ext.h")}), "from sqlite_extension.c: no sqlite3ext.h"),
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
    ("embed.extension", box({"extension.py": {"error": "cc: not found", "step": "compile"}}), "at the step 'compile': cc: not"),
    ("embed.extension", box(**{"host.c": (1, "no -lpython3.13")}), "cannot be built from host.c: no -lpython3.13"),
    (
        "embed.extension",
        box(**{"embedded_extension.py": (1, "undefined symbol: PyLong_X")}),
        "(exit 1): undefined symbol: PyLong_X",
    ),
    ("embed.extension", box(**{"embedded_extension.py": "41"}), "does not work embedded (exit 0): 41"),
    (
        "build.setuptools",
        box(**{"embedded_extension.py": ""}),
        "an extension that pip built and installed does not work embedded",
    ),
    ("embed.plugin", box({"plugin host": imported(math=FAILED)}), "module math does not import in a plugin"),
    ("embed.plugin", box(**{"plugin.c": (1, "no -lpython3.13")}), "cannot be built from plugin.c: no -lpython3.13"),
    ("embed.plugin", box(**{"sh -c cc ": "", "plugin host": (139, "Segmentation fault")}), "(exit 139): Segmentation fault"),
    ("embed.subinterpreters", box(**{"sh -c cc ": "", "subinterpreters": (1, "it shows through")}), "(exit 1): it shows"),
    ("embed.subinterpreters", box(**{"sh -c cc ": "", "subinterpreters": "sub prefix=/install"}), "their prefix is /install"),
    ("embed.cmake", box(**{"cmake -S": (1, "Could NOT find Python")}), "CMake does not build it: Could NOT find Python"),
    ("embed.cmake", box(**{"cmake -S": "-- farm library=/usr/lib/libpython3.13.so"}), "CMake found /usr/lib/libpython3.13.so"),
    ("embed.cmake", box(**{"cmade/cmade": (127, "libpython3.13.so.1.0: cannot open")}), "says 'libpython3.13.so.1.0: cannot"),
    ("embed.mod_wsgi", box(**{"mod_wsgi-express": (1, "no Python.h")}), "mod_wsgi does not build: no Python.h"),
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
    ("embed.mod_wsgi", site("8081/daemon", group=""), "in daemon mode the process group is '', and not 'site'"),
    ("embed.mod_wsgi", site("8081/embedded", group="site"), "in embedded mode the process group is 'site', and not ''"),
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
        "a C extension NEEDs libpython3.13.so.1.0",
    ),
    *(
        case
        for check in [check.id for check in TABLE if check.trial and not check.twin and not check.source]
        for case in (
            (check, box({"extending.py": {"error": "no gcc", "step": "build"}}), "fails at the step 'build': no gcc"),
            (check, box({"extending.py": {"needed": ["libpython3.13.so.1.0"]}}), "NEEDs libpython3.13.so.1.0"),
            (check, box({"extending.py": {"leaks": ["/install"]}}), "names /install of the build"),
            (check, box({"extending.py": {"flags": ["-flto"]}}), "is built with -flto, which only the interpreter may be"),
        )
    ),
    (
        "build.distro",
        box({"exchange.py": {"ours": {"soabi": "cpython-313"}}}),
        "soabi is 'cpython-313', and 'cpython-313-x86_64",
    ),
    (
        "build.distro",
        box({"exchange.py": {"theirs": {"maxunicode": 65535}}}),
        "maxunicode is 1114111, and 65535 in the distro's",
    ),
    (
        "build.distro",
        box({"exchange.py": {"to_ours": {"wheel": "x-cp313-cp313d.whl"}}}),
        "x-cp313-cp313d.whl where the distro's",
    ),
    (
        "build.distro",
        box({"exchange.py": {"to_theirs": {"error": "undefined symbol", "step": "import"}}}),
        "in the distro's Python fails at the step 'import': undefined symbol",
    ),
    (
        "build.distro",
        box({"exchange.py": {"to_ours": {"error": "no such module", "step": "import"}}}),
        "built with the distro's Python, in it fails at the step 'import'",
    ),
    ("moved.readonly", box(**{"touch ": ""}), "the mount is not read-only: root could write"),
    ("moved.readonly", box({"imports.py": {"failures": {"ssl": FAILED}}}), "on a read-only mount module ssl does not import"),
    (
        "moved.readonly",
        box(**{"-m pip --version": "cannot write\npip 25"}),
        "`python -m pip --version` says: cannot write | pip",
    ),
    ("moved.oldlib", box(**{"ldconfig -p": (1, "")}), "the loader's cache does not have the other library"),
    ("moved.oldlib", box({"imports.py": {"failures": {"_io": FAILED}}}), "in the interpreter, with another libpython in"),
    (
        "moved.oldlib",
        box({"host beside another": {"mapped": ["/usr/local/lib/libpython3.13.so.1.0"]}}),
        "a program that embeds it loads /usr/local/lib/libpython3.13.so.1.0",
    ),
    ("stdlib.terminal", box({"terminal.py": {"results": {"curses": "it said ''"}}}), "typing at curses: it said ''"),
    ("stdlib.terminal", box(**{"terminal.py": MARK + '{"results": {}}'}), "nothing was typed"),
    ("stdlib.tk", box({"tk.py": {"patchlevel": ""}}), "Tcl calls itself ''"),
    ("stdlib.tk", box({"tk.py": {"without": ""}}), "without a display Tk says ''"),
    ("stdlib.tk", box(**{"-c import _tkinter": (1, "boom")}), "without its package importing it says: boom"),
    (
        "stdlib.tk",
        box(**{"-c import tkinter": (1, "ImportError: libtk8.6.so: cannot open")}),
        "without its packages importing tkinter says: ImportError: libtk8.6.so: cannot open",
    ),
    ("embed.mod_wsgi", site("8081/daemon", mapped=[]), "in daemon mode no expat of the distro is in the process"),
    ("upgrade.place", box({"imports.py": {"version": "3.13.4"}}), "unpacked over the build before, it says that it is 3.13.4"),
    ("upgrade.place", box({"imports.py": {"failures": {"ssl": FAILED}}}), "over the build before, module ssl does not import"),
    ("upgrade.venv", box(**{"environment over/bin/python": "I am 3.13.4, 42"}), "unpacked over it, says: I am 3.13.4, 42"),
    ("upgrade.venv", box(**{"environment beside/bin/python": (127, "not found")}), "a link turned to this build, says: not"),
    ("upgrade.venv", box(**{"-m venv": (1, "no ensurepip")}), "the build before makes no environment: no ensurepip"),
    (
        "build.config",
        box(**{"probes/extension.cpp": MARK + '{"error": "c++: not found", "step": "compile", "needed": []}'}),
        "an extension in C++ by python-config fails at the step 'compile': c++: not found",
    ),
    ("build.config", box({"extension.py": {"flags": ["-fprofile-use"]}}), "by python-config is built with -fprofile-use"),
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
