"""Say where this interpreter thinks that it lies. Runs in the interpreter under test (2.7 or later)."""

import json
import os
import sys
import sysconfig

# Variables that name a folder which must exist, because builders of extensions and embedders go there.
FOLDERS = ["prefix", "exec_prefix", "BINDIR", "LIBDIR", "LIBPL", "INCLUDEDIR", "INCLUDEPY", "CONFINCLUDEDIR", "CONFINCLUDEPY"]
FOLDERS += ["LIBDEST", "BINLIBDEST", "DESTSHARED", "SCRIPTDIR", "MACHDESTLIB"]


def main():
    """Print the facts."""
    variables = {name: value for name, value in sysconfig.get_config_vars().items() if isinstance(value, str)}
    paths = sysconfig.get_paths()
    files = {
        "Makefile": getattr(sysconfig, "get_makefile_filename", getattr(sysconfig, "_get_makefile_filename", None))(),
        "pyconfig.h": sysconfig.get_config_h_filename(),
        "os.py": os.__file__.replace(".pyc", ".py"),  # 2.7 may name its bytecode
    }
    must = dict({name: variables[name] for name in FOLDERS if name in variables}, **dict(paths, **files))
    facts = {
        "prefix": sys.prefix,
        "exec_prefix": sys.exec_prefix,
        "base_prefix": getattr(sys, "base_prefix", sys.prefix),  # 2.7 knows no virtual environments
        "executable": sys.executable,
        "paths": paths,
        "variables": variables,
        "files": files,
        "missing": sorted(name for name, path in must.items() if not os.path.exists(path)),
    }
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


main()
