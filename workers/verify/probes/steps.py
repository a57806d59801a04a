"""What several probes do alike: run a command as a named step, read what an ELF file NEEDs. They import it, 2.7 and later."""

import os
import re
import subprocess


class Broken(Exception):  # noqa: N818 - named for what happened
    """A step failed; its arguments are the step and what went wrong."""


def run(step, argv, cwd=None, **environment):
    """The output of a command. Raises Broken with its last lines."""
    env = dict(os.environ, **environment)
    try:
        child = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, cwd=cwd)  # noqa: S603
        said = child.communicate()[0]
    except OSError as error:
        raise Broken(step, str(error))  # noqa: B904 - its cause says no more
    output = said.decode("utf-8", "replace").strip()
    if child.returncode:
        raise Broken(step, told(output.splitlines()) or "exit {}".format(child.returncode))
    return output


CRASHES = ("qemu: uncaught target signal", "internal compiler error: ")


def told(lines):
    """The last lines, and before them what an emulator and gcc say of their crashes, however much came after that."""
    return " | ".join([line for line in lines[:-5] if any(crash in line for crash in CRASHES)] + lines[-5:])


def expect(step, got, wanted):
    """Raise Broken when two texts differ."""
    if got != wanted:
        raise Broken(step, "got {!r} where {!r} is right".format(got[-300:], wanted))


def needed(path):
    """The libraries that an ELF file NEEDs."""
    lines = run("readelf", ["readelf", "-dW", path]).splitlines()
    return [line.split("[")[1].split("]")[0] for line in lines if "(NEEDED)" in line]


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "build_folders.txt")) as _folders:
    FOLDERS = _folders.read().split()
# A folder of the build, or the prefix that it was configured with, also behind an option of a compiler's or linker's; and flags
# that only the interpreter's own build may have.
_LEAK = re.compile(r"(?<![\w.])(?:-[ILB])?(/work/(?:{})|/install)(?![\w-])".format("|".join(FOLDERS)))
_OPTIMISED = re.compile(r"(?<!\S)-f(?:lto|profile-|auto-profile)\S*")


# The compiler's line for a source of ours. Without it in the log nobody knows which flags there were.
_COMPILED = re.compile(r"\s-c\s(?:.*\s)?\S*extension\.(?:c|cpp)\b")


def product(path, log, compiled=True):
    """What an extension that was built says of itself: what it NEEDs, paths of the Python's own build in it, and the flags of
    link-time and profile-guided optimisation that the log of its making has. `compiled`: it was built here.

    Raises Broken when the log does not tell how it was compiled.
    """
    if compiled and not any(_COMPILED.search(line) for line in log.splitlines()):
        raise Broken("read the log", "no line of it says how the extension was compiled: " + told(log.splitlines()))
    with open(path, "rb") as file:
        data = file.read().decode("latin-1")
    return {
        "path": path,
        "needed": needed(path),
        "leaks": sorted(set(_LEAK.findall(data)) | set(_LEAK.findall(log))),
        "flags": sorted(set(_OPTIMISED.findall(log))),
    }
