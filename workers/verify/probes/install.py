"""Install a local wheel with this interpreter's pip: as it is, and under the tags that binary wheels have.

Runs in the interpreter under test (2.7 or later). Arguments: a folder to work in, a folder with the wheel, the tags of Python
and ABI, e.g. cp27-cp27mu. pip goes by the tags in the file's name.
"""

import glob
import json
import os
import shutil
import sys
import sysconfig

from steps import Broken, expect, run


def trial(folder, wheel):
    """Install it into a folder of its own and import it from there."""
    options = ["install", "--disable-pip-version-check", "--no-cache-dir", "--no-index", "--target", folder]
    run("pip install", [sys.executable, "-m", "pip"] + options + [wheel])  # noqa: RUF005 - 2.7 runs it
    code = "import sys; sys.path.insert(0, {!r}); import farm_parcel; farm_parcel.main()".format(folder)
    expect("import it", run("import it", [sys.executable, "-c", code]), "42")


def tagged(wheel, folder, tags):
    """A copy of the wheel that calls itself one for this very Python."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    project, version = os.path.basename(wheel).split("-")[:2]
    name = "-".join((project, version, tags, platform)) + ".whl"
    shutil.copy(wheel, os.path.join(folder, name))
    return os.path.join(folder, name)


def outcome(folder, wheel):
    """What came of one wheel."""
    try:
        trial(folder, wheel)
    except Broken as error:
        return {"step": error.args[0], "error": error.args[1]}
    return {"error": "", "step": ""}


def main(folder, wheels, tags):
    """Print the facts."""
    wheel = glob.glob(os.path.join(wheels, "*.whl"))[0]
    results = {
        "any": outcome(os.path.join(folder, "from any"), wheel),
        "tagged": outcome(os.path.join(folder, "from tagged"), tagged(wheel, folder, tags)),
    }
    sys.stdout.write("@@facts " + json.dumps({"results": results}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
