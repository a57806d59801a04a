"""`make bench`: measure, keep the results as JSON, and write docs/performance.md from all that was ever measured.

Usage: python -m benchmarks [NAME…]        without names: the short set
"""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Measurement:
    """A module of this package that measures something. `argv` are its arguments, `renews` says which figures it writes."""

    module: str
    renews: str
    argv: tuple[str, ...] = ()
    short: bool = True


MEASUREMENTS = {
    "scale": Measurement("scale", "farm plan by cells, publishing and rendering by artifacts"),
    "browse": Measurement("browse", "the catalog of 5,000 artifacts in Chromium"),
    "simulation": Measurement("simulate", "a farm on paper"),
    "budgets": Measurement("budgets", "the time budgets, from the newest build in ./store"),
    "speed": Measurement("speed", "3.13.15 and Debian 13's Python, in turns", ("3.13.15-debian13-amd64",), short=False),
    "memory": Measurement("memory", "eight mod_wsgi processes", ("3.13.5-debian13-amd64",), short=False),
}


def main(names: list[str]) -> int:
    """Run what was asked for, then write the page; gives the first exit code that is not 0."""
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        print(f"there is no measurement {unknown[0]}; there are: {', '.join(MEASUREMENTS)}")
        return 2
    wanted = names or [name for name, one in MEASUREMENTS.items() if one.short]
    for name in wanted:
        print(f"{name}: renews {MEASUREMENTS[name].renews}", flush=True)
    code = 0
    for name in wanted:
        one, began = MEASUREMENTS[name], time.monotonic()
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{one.module}", *one.argv], check=False)
        print(f"{name}: took {time.monotonic() - began:.0f} s, exit code {done.returncode}", flush=True)
        code = code or done.returncode
    page = subprocess.run([sys.executable, "-m", "benchmarks.page"], check=False)
    return code or page.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
