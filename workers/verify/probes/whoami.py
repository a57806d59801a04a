"""Say who this interpreter is, after a start in some odd way. Runs in the interpreter under test."""

import json
import sys

import hashlib  # isort: skip - not used: an extension module must be found too


def main():
    """Print the facts."""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as maps:
        mapped = sorted({line.split(None, 5)[5].strip() for line in maps if "/" in line})
    facts = {"prefix": sys.prefix, "base_prefix": sys.base_prefix, "executable": sys.executable, "mapped": mapped}
    print("@@facts " + json.dumps(facts), flush=True)


hashlib.sha256(b"")
main()
