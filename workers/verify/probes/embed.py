"""Build a program that embeds Python with the flags that a tool prints, and run it in several ways.

Runs in the interpreter under test, where a compiler is. Arguments: the C file, a folder to work in, the tree's root, then
the commands that print flags, each as one shell-like text, with `;` between them.
"""

import json
import os
import shlex
import subprocess
import sys


class Broken(Exception):  # noqa: N818 - local
    """A step failed."""


def run(step, argv, **environment):
    """The output of a command. Raises Broken with its last lines."""
    env = dict(os.environ, **environment)
    try:
        done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, check=False)  # noqa: S603
    except OSError as error:
        raise Broken(step, str(error))  # noqa: B904 - its cause says no more
    output = done.stdout.decode("utf-8", "replace").strip()
    if done.returncode:
        raise Broken(step, " | ".join(output.splitlines()[-5:]) or "exit {}".format(done.returncode))
    return output


def prefix_of(argv, **environment):
    """The prefix that the program prints, or what went wrong."""
    try:
        output = run("run", argv, **environment)
    except Broken as error:
        return "error: " + error.args[1]
    lines = [line for line in output.splitlines() if line.startswith("prefix=")]
    return lines[-1][len("prefix=") :] if lines else "error: it printed no prefix"


def needed(path):
    """The libraries that an ELF file NEEDs."""
    lines = run("readelf", ["readelf", "-dW", path]).splitlines()
    return [line.split("[")[1].split("]")[0] for line in lines if "(NEEDED)" in line]


def trial(source, folder, root, commands):
    """Build it twice, without and with a run path, and start it with as little environment as can be."""
    os.makedirs(folder, exist_ok=True)
    plain, pathed = folder + "/plain", folder + "/pathed"
    library = root + "/lib"
    flags = [word for command in commands.split(";") for word in shlex.split(run(command, shlex.split(command)))]
    run("compile", ["cc", source, "-o", plain, *flags])
    run("compile", ["cc", source, "-o", pathed, *flags, "-Wl,-rpath," + library])
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
    print("@@facts " + json.dumps(facts), flush=True)


main()
