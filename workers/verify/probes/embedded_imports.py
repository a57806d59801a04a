"""The probe imports.py for a program that embeds Python, which has no arguments: names are in the variable FARM_MODULES."""

import os
import sys

sys.argv = ["imports.py", os.environ["FARM_MODULES"]]
with open(os.path.join(os.environ["FARM_PROBES"], "imports.py")) as probe:
    exec(compile(probe.read(), "imports.py", "exec"))  # noqa: S102 - a probe of ours
