"""Let the loader resolve the ELF files named in the first argument: what it found where, what it missed, what it complained of.

Runs in the interpreter under test, 2.7 and later.
"""

import json
import os
import re
import subprocess
import sys

FOUND = re.compile(r"^\s*(?P<name>\S+) => (?P<path>/.*) \(0x[0-9a-f]+\)$")
LOADER = re.compile(r"^\s*(?P<path>/\S+) \(0x[0-9a-f]+\)$")
MISSING = re.compile(r"^\s*(?P<name>\S+) => not found$")
MUSL_MISSING = re.compile(r"^Error loading shared library (?P<name>[^:]+):")
# The kernel's own library; a file that needs none; musl's ldd also tries to bind what only the executable has.
FINE = re.compile(r"^\s*(linux-vdso\S* \(0x[0-9a-f]+\)|statically linked|Error relocating .*|ldd: warning: .*|)$")


def native(text):
    """Text as this Python gives it to the system: json gives unicode, which 2.7 would encode as ASCII."""
    return text if isinstance(text, str) else text.encode("utf-8")


def look(path):
    """What `ldd` says of one file (glibc and musl word it differently); every line that is not understood is a complaint."""
    ldd = subprocess.Popen(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603, S607
    output = ldd.communicate()[0].decode("utf-8", "replace")
    told = {"found": {}, "missing": [], "complaints": []}
    for line in output.splitlines():
        found, loader = FOUND.match(line), LOADER.match(line)
        lost = MISSING.match(line) or MUSL_MISSING.match(line)
        if found:
            told["found"][found.group("name")] = os.path.normpath(found.group("path"))
        elif loader:
            told["found"][os.path.basename(loader.group("path"))] = loader.group("path")
        elif lost:
            told["missing"].append(lost.group("name"))
        elif not FINE.match(line):
            told["complaints"].append(line.strip())
    if ldd.returncode and not told["missing"] and not told["complaints"]:
        told["complaints"].append("ldd ended with code {}".format(ldd.returncode))
    return told


def main():
    """Print the facts."""
    files = {path: look(native(path)) for path in json.loads(sys.argv[1])}
    libraries = {path for told in files.values() for path in told["found"].values()}
    real = {path: os.path.realpath(path) for path in libraries}
    print("@@facts " + json.dumps({"files": files, "real": real}))
    sys.stdout.flush()


main()
