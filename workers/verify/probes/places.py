"""Say where this interpreter thinks that it lies. Runs in the interpreter under test."""

import json
import os
import sys
import sysconfig

# Variables that name a folder which must exist, because builders of extensions and embedders go there.
FOLDERS = (
    *("prefix", "exec_prefix", "BINDIR", "LIBDIR", "LIBPL", "INCLUDEDIR", "INCLUDEPY", "CONFINCLUDEDIR", "CONFINCLUDEPY"),
    *("LIBDEST", "BINLIBDEST", "DESTSHARED", "SCRIPTDIR", "MACHDESTLIB"),
)


def main():
    """Print the facts."""
    variables = {name: value for name, value in sysconfig.get_config_vars().items() if isinstance(value, str)}
    paths = sysconfig.get_paths()
    files = {
        "Makefile": sysconfig.get_makefile_filename(),
        "pyconfig.h": sysconfig.get_config_h_filename(),
        "os.py": os.__file__,
    }
    must = {**{name: variables[name] for name in FOLDERS if name in variables}, **paths, **files}
    facts = {
        "prefix": sys.prefix,
        "exec_prefix": sys.exec_prefix,
        "base_prefix": sys.base_prefix,
        "executable": sys.executable,
        "paths": paths,
        "variables": variables,
        "files": files,
        "missing": sorted(name for name, path in must.items() if not os.path.exists(path)),
    }
    print("@@facts " + json.dumps(facts), flush=True)


main()
