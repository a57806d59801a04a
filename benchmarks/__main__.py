"""`make bench`: measure, keep the results as JSON, and write docs/performance.md from all that was ever measured.

Usage: python -m benchmarks [--store DIR] [NAME…]

A name may be a set, `short` or `long`; without names it is the short one. `--store` is for those that need what is published.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """A module of this package that measures something. `argv` are its arguments, `renews` says which figures it writes.

    `stored`: it takes `--store`.
    """

    module: str
    renews: str
    argv: tuple[str, ...] = ()
    short: bool = True
    stored: bool = False


_COUNTED = ("deltablue", "generators", "json_loads", "nbody", "richards")
MEASUREMENTS = {
    "scale": Measurement("scale", "farm plan by cells, publishing and rendering by artifacts"),
    "submit": Measurement("submit", "farm submit of 10,000 cells: published, fresh, and killed in between"),
    "browse": Measurement("browse", "the catalog of 5,000 artifacts in Chromium"),
    "simulation": Measurement("simulate", "a farm on paper"),
    "budgets": Measurement("budgets", "the time budgets, from the newest build in the store", stored=True),
    "cells": Measurement("cells", "steps, cores and sizes of the builds in the store", stored=True),
    "dual": Measurement("dual", "the dual build beside the official recipe", ("3.13.5-debian13-amd64", "--keep"), short=False),
    "dual-none": Measurement(
        "dual", "the same without optimisation", ("3.13.15-debian13-amd64", "--optimize", "none"), short=False
    ),
    "dual-debian12": Measurement("dual", "as much on Debian 12", ("3.11.2-debian12-amd64", "--keep"), short=False),
    "dual-debian11": Measurement("dual", "as much on Debian 11", ("3.9.2-debian11-amd64", "--keep"), short=False),
    "speed": Measurement("speed", "3.13.5 and Debian 13's own, in turns", ("3.13.5-debian13-amd64",), short=False, stored=True),
    "speed-debian12": Measurement(
        "speed", "3.11.2 and Debian 12's own, in turns", ("3.11.2-debian12-amd64",), short=False, stored=True
    ),
    "speed-debian11": Measurement(
        "speed", "3.9.2 and Debian 11's own, in turns", ("3.9.2-debian11-amd64",), short=False, stored=True
    ),
    "instructions": Measurement(
        "instructions", "instructions and branches, by callgrind", ("3.13.5-debian13-amd64",), short=False, stored=True
    ),
    "experiments": Measurement(
        "experiments",
        "what changes of the recipe would give",
        ("3.13.5-debian13-amd64", "--count", *_COUNTED),
        short=False,
    ),
    "experiments-314": Measurement(
        "experiments",
        "clang with tail calls, and Debian's rules",
        ("3.14.7-debian13-amd64", "--only", "gcc", "debian-rules", "--count", *_COUNTED),
        short=False,
    ),
    "startup": Measurement(
        "startup", "starts with and without bytecode", ("3.13.15-debian13-amd64",), short=False, stored=True
    ),
    "first": Measurement("first", "from the file to the first start", ("3.13.15-debian13-amd64",), short=False, stored=True),
    "memory": Measurement("memory", "eight mod_wsgi processes", ("3.13.15-debian13-amd64",), short=False, stored=True),
}


SETS = {
    "short": [name for name, one in MEASUREMENTS.items() if one.short],
    "long": [name for name, one in MEASUREMENTS.items() if not one.short],
}


def commands(names: list[str], store: str) -> dict[str, list[str]]:
    """What to run for names of measurements and sets, by measurement; `store` is '' for the default of each.

    Raises ValueError for a name that there is not.
    """
    chosen = [one for name in names or ["short"] for one in SETS.get(name, [name])]
    if unknown := [name for name in chosen if name not in MEASUREMENTS]:
        raise ValueError(f"there is no measurement {unknown[0]}; there are: {', '.join([*SETS, *MEASUREMENTS])}")
    found = {}
    for name in chosen:
        one = MEASUREMENTS[name]
        where = ["--store", store] if store and one.stored else []
        found[name] = [sys.executable, "-m", f"benchmarks.{one.module}", *one.argv, *where]
    return found


def main(argv: list[str]) -> int:
    """Run what was asked for, then write the page; gives the first exit code that is not 0."""
    parser = argparse.ArgumentParser(prog="benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--store", default="", metavar="DIR")
    options = parser.parse_args(argv)
    try:
        wanted = commands(options.names, options.store)
    except ValueError as error:
        print(error)
        return 2
    for name in wanted:
        print(f"{name}: renews {MEASUREMENTS[name].renews}", flush=True)
    code = 0
    for name, command in wanted.items():
        began = time.monotonic()
        done = subprocess.run(command, check=False)
        print(f"{name}: took {time.monotonic() - began:.0f} s, exit code {done.returncode}", flush=True)
        code = code or done.returncode
    page = subprocess.run([sys.executable, "-m", "benchmarks.page"], check=False)
    return code or page.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
