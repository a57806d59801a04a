"""Build a program that embeds Python with the flags that a tool prints, and run it in several ways.

Runs in the interpreter under test (2.7 or later), where a compiler is. Arguments: the C file, a folder to work in, the tree's
root, then the commands that print flags, each as one shell-like text, with `;` between them.
"""

import json
import os
import shlex
import sys

from steps import Broken, needed, run


def prefix_of(argv, **environment):
    """The prefix that the program prints, or what went wrong."""
    try:
        output = run("run", argv, **environment)
    except Broken as error:
        return "error: " + error.args[1]
    lines = [line for line in output.splitlines() if line.startswith("prefix=")]
    return lines[-1][len("prefix=") :] if lines else "error: it printed no prefix"


def trial(source, folder, root, commands):
    """Build it twice, without and with a run path, and start it with as little environment as can be."""
    if not os.path.isdir(folder):
        os.makedirs(folder)
    plain, pathed = folder + "/plain", folder + "/pathed"
    library = root + "/lib"
    flags = [word for command in commands.split(";") for word in shlex.split(run(command, shlex.split(command)))]
    run("compile", ["cc", source, "-o", plain] + flags)  # noqa: RUF005 - 2.7 runs it
    run("compile", ["cc", source, "-o", pathed] + flags + ["-Wl,-rpath," + library])  # noqa: RUF005
    runs = {"rpath": prefix_of([pathed]), "LD_LIBRARY_PATH": prefix_of([plain], LD_LIBRARY_PATH=library)}
    if any(answer != root for answer in runs.values()):
        runs["rpath and PYTHONHOME"] = prefix_of([pathed], PYTHONHOME=root)
    return {"needed": needed(plain), "runs": runs}


def main():
    """Print the facts."""
    facts = {"error": "", "step": "", "needed": [], "runs": {}}
    try:
        facts.update(trial(*sys.argv[1:5]))
    except Broken as error:
        facts["step"], facts["error"] = error.args
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


main()
