"""Judging an extension module that was built against the Python under test, whichever way."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING

from workers.verify import wheels
from workers.verify.embedding import compiled
from workers.verify.facts import Built
from workers.verify.findings import error, quoted
from workers.verify.probe import SCRATCH, SOURCES, ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject


def extend(subject: Subject, trial: str) -> Iterator[Finding]:
    """What is wrong with what comes of a trial."""
    yield from judge(build(subject, trial), f"an extension by way of {trial}")


def build(subject: Subject, trial: str) -> Built:
    """Make an environment, install the wheels of the trial there, and what the probe builds or the wheel itself."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    names = json.dumps(list(wheels.wheels(subject.build, subject.version, trial)))
    argv = [python, script("extending.py"), trial, f"{SCRATCH}/extending {trial}", f"{SOURCES}/{wheels.FOLDER}", names]
    return ask(subject.in_builder, argv, Built)


def embedded(subject: Subject, built: Built, what: str) -> Iterator[Finding]:
    """A program that embeds the Python imports the very file that the interpreter could, and calls it."""
    if built.error:
        return
    host = compiled(subject, "host.c", "extension host")
    env = {"FARM_EXTENSION": posixpath.dirname(built.path)}
    done = run(subject.in_builder, [host, script("embedded_extension.py")], env=env)
    if not done.ok or done.output.split()[-1:] != [_ANSWER]:
        hint = "does libpython export what the executable does? see dual.symbols"
        yield error(f"{what} does not work embedded (exit {done.exit_code}): {quoted(done.output)}", hint=hint)


_ANSWER = "42"


def judge(built: Built, what: str, hint: str = "see CC, CFLAGS, LDSHARED in sysconfig") -> Iterator[Finding]:
    """What is wrong with it: it did not come to be, loads a second interpreter, or carries something of our own build."""
    if built.error:
        yield error(f"{what} fails at the step '{built.step}': {built.error}", hint=hint)
    for soname in built.needed:
        if soname.startswith("libpython"):
            yield error(
                f"{what} NEEDs {soname}: importing it loads the interpreter a second time",
                hint="see LDSHARED and LIBPYTHON in sysconfig: no -lpython may be in them",
            )
    if built.leaks:
        yield error(f"{what} names {', '.join(built.leaks)} of the build", hint="see the rows of scrub.toml")
    if built.flags:
        yield error(f"{what} is built with {', '.join(built.flags)}, which only the interpreter may be", hint=_FLAGS)


_FLAGS = "put such flags where sysconfig does not repeat them (CFLAGS_NODIST), or into scrub.toml"
