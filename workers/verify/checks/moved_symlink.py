"""Started through links, or under an odd name, the interpreter still finds itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.facts import Told
from workers.verify.findings import error
from workers.verify.probe import SCRATCH, USER, ProbeFailed, ask, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

# (how, shell text with $ROOT, $EXE, $PROBE, and $DIR, a folder of ours)
_STARTS: tuple[tuple[str, str], ...] = (
    ("through a link to it", 'ln -sf "$ROOT/bin/$EXE" "$DIR/linked"; exec "$DIR/linked" "$PROBE"'),
    ("through a link to a link", 'ln -sf "$DIR/linked" "$DIR/twice"; exec "$DIR/twice" "$PROBE"'),
    ("through a link to its tree", 'ln -sfn "$ROOT" "$DIR/tree"; exec "$DIR/tree/bin/python" "$PROBE"'),
    ("by its name on PATH", 'PATH="$ROOT/bin:$PATH" exec "$EXE" "$PROBE"'),
    ("by a relative path", 'cd "$ROOT/bin" && exec "./$EXE" "$PROBE"'),
    # Plain CPython looks where argv[0] says and cannot do better; our patches of getpath ask the kernel.
    ("with an argv[0] that names nothing", 'exec bash -c \'exec -a nothing "$ROOT/bin/$EXE" "$PROBE"\''),
    ("with an argv[0] that is no file", 'exec bash -c \'exec -a /no/where "$ROOT/bin/$EXE" "$PROBE"\''),
)

ADVICE = (
    "getpath finds the tree by the executable's own place: see the patches embed-prefix-*; for a libpython see linkage.maps"
)


def look(subject: Subject) -> Iterator[Finding]:
    """Prefix and base prefix as it tells them, and no libpython in the process."""
    folder = f"{SCRATCH}/links to python"
    run(subject.in_runtime, ["mkdir", "-p", folder])
    env = {"ROOT": subject.root, "EXE": subject.build.executable, "PROBE": script("whoami.py"), "DIR": folder}
    for how, text in _STARTS:
        if found := problem(subject, ["sh", "-c", text, "start"], env, subject.root, f"{folder}/tree"):
            yield error(
                f"started {how}, {found}",
                file=f"bin/{subject.build.executable}",
                hint=ADVICE,
            )


def problem(subject: Subject, argv: Sequence[str], env: Mapping[str, str], *right: str, user: str = USER) -> str:
    """What is wrong with an interpreter that was started so; '' when its prefix is one of `right` (the tree's root).

    `argv` runs the probe whoami.py.
    """
    try:
        told = ask(subject.in_runtime, argv, Told, env=env, user=user)
    except ProbeFailed as failed:
        return f"it fails: {failed}"
    if any("/libpython" in path for path in told.mapped):
        return "it loads libpython"
    right = right or (subject.root,)
    wrong = next((place for place in (told.prefix, told.base_prefix) if place not in right), None)
    return f"it says that its prefix is '{wrong}', and not {right[0]}" if wrong is not None else ""
