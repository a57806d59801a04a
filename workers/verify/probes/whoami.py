"""Say who this interpreter is, after a start in some odd way. Runs in the interpreter under test (2.7 or later)."""

import io
import json
import sys

import hashlib  # isort: skip - not used: an extension module must be found too


def main():
    """Print the facts."""
    with io.open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:  # 2.7's own open knows no encoding
        mapped = sorted({line.split(None, 5)[5].strip() for line in maps if "/" in line})
    base = getattr(sys, "base_prefix", sys.prefix)  # 2.7 knows no virtual environments
    facts = {"prefix": sys.prefix, "base_prefix": base, "executable": sys.executable, "mapped": mapped}
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


hashlib.sha256(b"")
main()
