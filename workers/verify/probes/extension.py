"""Build an extension in C the way sysconfig says, or one in C or C++ with the flags of python-config alone, and import it.

Runs in the interpreter under test (2.7 or later), where a compiler is. Arguments: the source, a folder to work in, and for the
second way the command that prints the flags.
"""

import json
import os
import shlex
import sys
import sysconfig

from steps import Broken, expect, product, run

NAME = "farm_extension"


def words(*names):
    """The words of some variables of sysconfig."""
    return [word for name in names for word in shlex.split(sysconfig.get_config_var(name) or "")]


def compiler(source):
    """The compiler by its name for the source's language."""
    return "c++" if source.endswith(".cpp") else "cc"


def commands(source, folder, config):
    """What compiles and what links it, and the file that comes out."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or sysconfig.get_config_var("SO")  # what 2.7 calls it
    made, target = "{}/{}.o".format(folder, NAME), "{}/{}{}".format(folder, NAME, suffix)
    if config:  # as its manual says, and Makefiles by hand do it
        flags = shlex.split(run("python-config", [config, "--cflags"]))
        cc = compiler(source)
        return [cc, "-c", source, "-o", made, "-fPIC"] + flags, [cc, "-shared", made, "-o", target], target  # noqa: RUF005
    include = ["-I" + sysconfig.get_path("include"), "-I" + sysconfig.get_path("platinclude")]
    compiling = words("CC", "CFLAGS", "CCSHARED") + include + ["-c", source, "-o", made]  # as setuptools does it
    return compiling, words("LDSHARED") + [made, "-o", target], target  # noqa: RUF005 - 2.7 runs it


def main(source, folder, config=""):
    """Print the facts."""
    facts = {"error": "", "step": "", "needed": [], "leaks": [], "flags": []}
    try:
        if not os.path.isdir(folder):
            os.makedirs(folder)
        compiling, linking, target = commands(source, folder, config)
        run("compile", compiling)
        run("link", linking)
        facts.update(product(target, " ".join(compiling + linking)))
        code = "import sys; sys.path.insert(0, {!r}); import {} as m; print(m.answer())".format(folder, NAME)
        expect("import", run("import", [sys.executable, "-c", code]), "42")
    except Broken as error:
        facts["step"], facts["error"] = error.args
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
