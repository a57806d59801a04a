"""Let the loader resolve the ELF files named in the first argument, and say what it could not find."""

import json
import subprocess
import sys


def missing(path):
    """Libraries that `ldd` reports as not found for one file (glibc and musl word it differently)."""
    path = path if isinstance(path, str) else path.encode("utf-8")  # json gives unicode, which 2.7 would encode as ASCII
    ldd = subprocess.Popen(["ldd", path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603, S607
    lines = ldd.communicate()[0].decode("utf-8", "replace").splitlines()
    glibc = [line.split("=>")[0].strip() for line in lines if line.rstrip().endswith("=> not found")]
    musl = [line.split("library")[1].split(":")[0].strip() for line in lines if line.startswith("Error loading shared library")]
    return glibc + musl


def main():
    """Print the facts."""
    answers = {path: missing(path) for path in json.loads(sys.argv[1])}
    print("@@facts " + json.dumps({"missing": {path: names for path, names in answers.items() if names}}))


main()
