"""Import every module named in the first argument, one process for all; then say what was mapped.

Runs in the interpreter under test (2.7 or later), so it is plain on purpose.
"""

import importlib
import io
import json
import platform
import sys
import warnings


def mapped():
    """Every file of this process's memory map that looks like a library or the executable."""
    with io.open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:  # 2.7's own open knows no encoding
        return sorted({line.split(None, 5)[5].strip() for line in maps if "/" in line})


def main():
    """Print the facts."""
    warnings.simplefilter("ignore")
    failures, imported = {}, []
    for name in json.loads(sys.argv[1]):
        sys.stdout.write("importing {}\n".format(name))  # if the next line crashes, this one says where
        sys.stdout.flush()
        try:
            importlib.import_module(name)
            imported.append(name)
        except BaseException as error:
            failures[name] = {"kinds": [kind.__name__ for kind in type(error).__mro__], "message": str(error)[:400]}
    facts = {
        "version": platform.python_version(),
        "builtin": list(sys.builtin_module_names),
        "imported": imported,
        "failures": failures,
        "mapped": mapped(),
    }
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


main()
