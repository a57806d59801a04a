"""Import every module named in the first argument, one process for all; then say what was mapped.

Runs in the interpreter under test (3.7 or later), so it is plain on purpose.
"""

import importlib
import json
import platform
import sys
import warnings


def mapped():
    """Every file of this process's memory map that looks like a library or the executable."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        return sorted({line.split(None, 5)[5].strip() for line in maps if "/" in line})


def main():
    """Print the facts."""
    warnings.simplefilter("ignore")
    failures, imported = {}, []
    for name in json.loads(sys.argv[1]):
        print("importing", name, flush=True)  # if the next line crashes, this one says where
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
    print("@@facts " + json.dumps(facts), flush=True)


main()
