"""Exchange an extension's wheels with the distro's own Python: pip in each builds one, pip in the other takes it.

Runs in the interpreter under test, 2.7 and later, where both are, a compiler, and no network.

Arguments: the other executable, a folder to work in, a folder with wheels, and the names of those that build, as JSON.
"""

import glob
import json
import os
import shutil
import sys

from extending import TRIALS
from steps import Broken, expect, run

ASK = """
import json, platform, sys, sysconfig
ask = sysconfig.get_config_var
print(json.dumps({
    "version": platform.python_version(), "maxunicode": sys.maxunicode, "soabi": ask("SOABI") or "",
    "suffix": ask("EXT_SUFFIX") or ask("SO") or "",
}))
"""
USE = "import sys; sys.path.insert(0, sys.argv[1]); import farm_extension as m; print(m.__file__); print(m.answer())"
QUIET = ["--disable-pip-version-check", "--no-cache-dir", "--no-index", "--no-deps"]


class Side:
    """One of both interpreters, with the wheel of pip that the Python under test bundles."""

    def __init__(self, name, executable, pip, folder):
        """`folder` is its own, to work in."""
        self.name, self.executable, self.pip, self.folder = name, executable, pip, folder
        self.tools = os.path.join(folder, "tools")

    def run(self, step, arguments, **options):
        """What it prints."""
        return run("{}: {}".format(self.name, step), [self.executable] + arguments, **options)  # noqa: RUF005 - 2.7 runs it

    def install(self, step, wheels, target):
        """Unpack wheels that pip takes for its own into a folder."""
        self.run(step, [os.path.join(self.pip, "pip"), "install"] + QUIET + ["--target", target] + wheels)  # noqa: RUF005

    def build(self, wheels):
        """The wheel that it makes of the extension."""
        self.install("install what builds", wheels, self.tools)
        project, made = os.path.join(self.folder, "project"), os.path.join(self.folder, "made")
        os.makedirs(project)
        for name, text in TRIALS["setuptools"][0].items():
            with open(os.path.join(project, name), "w") as file:
                file.write(text)
        words = ["wheel"] + QUIET + ["--no-build-isolation", "--wheel-dir", made, project]  # noqa: RUF005
        self.run("build a wheel", [os.path.join(self.pip, "pip")] + words, PYTHONPATH=self.tools)  # noqa: RUF005
        (wheel,) = glob.glob(os.path.join(made, "*.whl"))
        return wheel

    def use(self, wheel):
        """Install and import a wheel that the other side made."""
        site = os.path.join(self.folder, "site")
        self.install("install the other's wheel", [wheel], site)
        path, answer = self.run("import the other's extension", ["-c", USE, site]).splitlines()[-2:]
        expect("{}: ask the other's extension".format(self.name), answer, "42")
        return path


def way(maker, user, wheels):
    """One direction: what the wheel is called, and what went wrong."""
    facts = {"wheel": "", "error": "", "step": ""}
    try:
        wheel = maker.build(wheels)
        facts["wheel"] = os.path.basename(wheel)
        user.use(wheel)
    except Broken as error:
        facts["step"], facts["error"] = error.args
    return facts


def main(other, folder, wheels, names):
    """Print the facts."""
    shutil.rmtree(folder, ignore_errors=True)
    (pip,) = glob.glob(os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled", "pip-*.whl"))
    ours, theirs = (
        Side(name, path, pip, os.path.join(folder, name)) for name, path in (("ours", sys.executable), ("theirs", other))
    )
    builders = [os.path.join(wheels, name) for name in json.loads(names)]
    facts = {
        "ours": json.loads(ours.run("ask who it is", ["-c", ASK])),
        "theirs": json.loads(theirs.run("ask who it is", ["-c", ASK])),
        "to_theirs": way(ours, theirs, builders),
        "to_ours": way(theirs, ours, builders),
    }
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
