"""Build a C extension the way sysconfig says, and import it. Runs in the interpreter under test, where a compiler is.

Arguments: the C file, a folder to work in.
"""

import json
import os
import shlex
import subprocess
import sys
import sysconfig

NAME = "farm_extension"


class Broken(Exception):  # noqa: N818 - local
    """A step failed."""


def run(step, argv):
    """The output of a command. Raises Broken with its last lines."""
    try:
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)  # noqa: S603
        said = child.communicate()[0]
    except OSError as error:
        raise Broken(step, str(error))  # noqa: B904 - its cause says no more
    output = said.decode("utf-8", "replace").strip()
    if child.returncode:
        raise Broken(step, " | ".join(output.splitlines()[-5:]) or "exit {}".format(child.returncode))
    return output


def words(*names):
    """The words of some variables of sysconfig."""
    return [word for name in names for word in shlex.split(sysconfig.get_config_var(name) or "")]


def needed(path):
    """The libraries that an ELF file NEEDs."""
    lines = run("readelf", ["readelf", "-dW", path]).splitlines()
    return [line.split("[")[1].split("]")[0] for line in lines if "(NEEDED)" in line]


def build(source, folder):
    """Compile and link as setuptools does: CC, CFLAGS, CCSHARED, then LDSHARED."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or sysconfig.get_config_var("SO")  # what 2.7 calls it
    made, target = "{}/{}.o".format(folder, NAME), "{}/{}{}".format(folder, NAME, suffix)
    include = ["-I" + sysconfig.get_path("include"), "-I" + sysconfig.get_path("platinclude")]
    run("compile", words("CC", "CFLAGS", "CCSHARED") + include + ["-c", source, "-o", made])
    run("link", words("LDSHARED") + [made, "-o", target])  # noqa: RUF005 - 2.7 runs it
    return target


def main():
    """Print the facts."""
    facts = {"error": "", "step": "", "needed": []}
    try:
        facts["needed"] = needed(build(sys.argv[1], sys.argv[2]))
        code = "import sys; sys.path.insert(0, {!r}); import {} as m; print(m.answer())".format(sys.argv[2], NAME)
        if run("import", [sys.executable, "-c", code]) != "42":
            raise Broken("import", "it gave a wrong answer")
    except Broken as error:
        facts["step"], facts["error"] = error.args
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


main()
