"""Say what binds extension modules to this interpreter: versions, flags, sizes. Runs in the interpreter under test, and in a
program that embeds it, 2.7 and later.
"""

import json
import struct
import sys
import sysconfig

# Variables of sysconfig that change the ABI, or what a limited one has; a version that has no such variable says None.
VARIABLES = (
    "Py_DEBUG",
    "Py_GIL_DISABLED",
    "Py_TRACE_REFS",
    "Py_UNICODE_SIZE",
    "WITH_DOC_STRINGS",
    "SOABI",
    "EXT_SUFFIX",
    "SIZEOF_VOID_P",
)


def main():
    """Print the facts."""
    facts = {
        "version": sys.version,
        "hexversion": sys.hexversion,
        "api_version": sys.api_version,
        "abiflags": getattr(sys, "abiflags", ""),
        "maxunicode": sys.maxunicode,
        "debug": hasattr(sys, "gettotalrefcount"),
        "flags": str(sys.flags),
        "gil": bool(getattr(sys, "_is_gil_enabled", lambda: True)()),
        "pointer": struct.calcsize("P"),
        "byteorder": sys.byteorder,
        "hash": [str(part) for part in getattr(sys, "hash_info", ())],
        "float_repr_style": getattr(sys, "float_repr_style", ""),
        "builtin": sorted(sys.builtin_module_names),
        "variables": {name: sysconfig.get_config_var(name) for name in VARIABLES},
    }
    facts = {name: json.dumps(value, sort_keys=True) for name, value in facts.items()}
    print("@@facts " + json.dumps({"facts": facts}))
    sys.stdout.flush()


main()
