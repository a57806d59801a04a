"""Make virtual environments with this interpreter and install a local wheel in each. Runs in the interpreter under test.

Arguments: a folder to work in, a folder with the wheel.
"""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

from steps import Broken, expect, run

# how it is called: options, and whether it is made by a link to the executable that lies apart from the tree
KINDS = {"venv": ([], False), "venv --copies": (["--copies"], False), "venv through a link": ([], True)}


SAY = """
import sys, ssl, sqlite3
print(sys.prefix)
print(sys.base_prefix)
with open("/proc/self/maps") as maps:
    print("/libpython" in maps.read())
"""


def linked(prefix):
    """A link to the executable where another Python of the series lies, as one may have it in /usr/local."""
    library = os.path.join(prefix, "lib", os.path.basename(os.path.dirname(os.__file__)))
    for folder in (library, os.path.join(prefix, "bin")):
        os.makedirs(folder)
    with open(os.path.join(library, "os.py"), "w") as stranger:
        stranger.write("raise SystemExit('the standard library of another Python')\n")
    link = os.path.join(prefix, "bin", os.path.basename(sys.executable))
    os.symlink(sys.executable, link)
    return link


def trial(folder, wheels, options, apart):
    """One environment from its making to the script of the wheel that was installed in it."""
    maker = linked(folder + " made by") if apart else sys.executable
    run("make it", [maker, "-m", "venv", *options, folder])
    python = os.path.join(folder, "bin", "python")
    said = run("start its python", [python, "-c", SAY])
    expect("start its python", said, "\n".join([folder, sys.base_prefix, "False"]))
    install = [
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-cache-dir",
        "install",
        "--no-compile",
        "--no-index",
        "--find-links",
        wheels,
    ]
    run("pip install a wheel", [python, *install, "farm-parcel"])
    expect("import the wheel", run("import the wheel", [python, "-c", "import farm_parcel; print(farm_parcel.ANSWER)"]), "42")
    expect("run the wheel's script", run("run the wheel's script", [os.path.join(folder, "bin", "farm-parcel")]), "42")


def outcome(number, options, apart):
    """What came of one environment."""
    try:
        trial(os.path.join(sys.argv[1], "env {}".format(number)), sys.argv[2], options, apart)
    except Broken as error:
        return {"step": error.args[0], "error": error.args[1]}
    return {"error": "", "step": ""}


def main():
    """Print the facts. The environments are made side by side: each spends its time waiting for a child."""
    with ThreadPoolExecutor(len(KINDS)) as pool:
        trials = {name: pool.submit(outcome, number, *KINDS[name]) for number, name in enumerate(KINDS)}
        results = {name: trial.result() for name, trial in trials.items()}
    print("@@facts " + json.dumps({"results": results}), flush=True)


main()
