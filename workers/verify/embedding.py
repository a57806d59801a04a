"""Judging a program that embeds the Python under test, however its flags were had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.expected import names_of
from workers.verify.facts import Embedded
from workers.verify.findings import error, quoted
from workers.verify.probe import SCRATCH, ProbeFailed, ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_HOME = "rpath and PYTHONHOME"


def embed(subject: Subject, name: str, commands: Sequence[str], env: Mapping[str, str]) -> Iterator[Finding]:
    """Build and run the program in the builder box; `commands` print the flags."""
    root = subject.builder_root
    python = f"{root}/bin/{subject.build.executable}"
    argv = [python, script("embed.py"), script("embed.c"), f"{SCRATCH}/embed {name}", root, ";".join(commands)]
    embedded = ask(subject.in_builder, argv, Embedded, env=env)
    if embedded.error:
        yield error(
            f"embedding fails at the step '{embedded.step}': {embedded.error}", hint=f"flags came from: {'; '.join(commands)}"
        )
        return
    if subject.build.soname not in embedded.needed:
        yield error(
            f"the program NEEDs {', '.join(embedded.needed)}, and not {subject.build.soname}",
            hint="see the -l in the flags: BLDLIBRARY and LIBPYTHON of the shared build",
        )
    yield from _runs(embedded.runs, root)


def compiled(subject: Subject, source: str, name: str, options: str = "", *, embeds: bool = True) -> str:
    """A program in the builder box, from a C file of the probes; `embeds`: with the flags of its `-config --embed`.

    Raises ProbeFailed when it cannot be made.
    """
    root, program = subject.builder_root, f"{SCRATCH}/{name}"
    config = f"{root}/bin/{names_of(subject.build).config}" if embeds else "echo"
    flags = '$($3 --cflags) $($3 --ldflags) "-Wl,-rpath,$4"' if embeds else ""
    text = f'cc "$2" -o "$1" $5 {flags}'
    made = run(subject.in_builder, ["sh", "-c", text, "build", program, script(source), config, f"{root}/lib", options])
    if not made.ok:
        what = "a program that embeds it" if embeds else "what is to be tried"
        hint = (
            f"see what {config} prints, and the headers" if embeds else "see whether the builder image has all that it includes"
        )
        raise ProbeFailed(f"{what} cannot be built from {source}: {quoted(made.output)}", hint)
    return program


def _runs(runs: Mapping[str, str], root: str) -> Iterator[Finding]:
    hint = "it runs once PYTHONHOME is set" if runs.get(_HOME) == root else "PYTHONHOME does not help either"
    for way, answer in runs.items():
        if way != _HOME and answer != root:
            yield error(
                f"the program, finding libpython by {way} and told nothing else, says '{answer}', and not {root}", hint=hint
            )
    if not runs:
        yield error("the program was not run", hint="see probes/embed.py: its answer names no run")
