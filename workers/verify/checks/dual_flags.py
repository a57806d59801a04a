"""libpython was compiled as the executable was: the same optimisation, profile, link-time optimisation and hardening."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from workers.verify import elf
from workers.verify.expected import flags_of
from workers.verify.findings import error
from workers.verify.probe import ProbeFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_MOST = 0.9  # a few files have flags of their own: vector code of the hashes, and what is no C at all


def look(subject: Subject) -> Iterator[Finding]:
    """What the compiler itself wrote into the debug information of both, file by file of the source."""
    executable = _flags(subject, f"bin/{subject.build.executable}")
    library = _flags(subject, f"lib/{subject.build.soname}")
    excused = flags_of("one_pass")
    for flags, others, where, there in (
        (executable, library, f"bin/{subject.build.executable}", "libpython"),
        (library, executable, f"lib/{subject.build.soname}", "the executable"),
    ):
        alone = sorted(flag for flag in flags - others if not any(fnmatchcase(flag, pattern) for pattern in excused))
        if alone:
            hint = "both passes must get the same optimisation: see pythons.toml, flags.toml, and the log of the pass"
            yield error(f"it was compiled with {' '.join(alone)}, and {there} was not", file=where, hint=hint)


def _flags(subject: Subject, path: str) -> frozenset[str]:
    """The flags that nearly all of a binary's files were compiled with."""
    found = next((binary for binary in subject.elf.elves if binary.path == path), None)
    if found is None:
        raise ProbeFailed(f"{path} is not there")
    debug = subject.companion("debugsymbols").tree / "lib/debug/.build-id" / found.build_id[:2] / f"{found.build_id[2:]}.debug"
    producers = elf.producers(debug)
    counts: Counter[str] = Counter()
    for words, files in producers.items():
        counts.update(dict.fromkeys(set(words.split()), files))
    if not any(word.startswith("-") for word in counts):  # clang writes its flags down only if it is told to
        raise ProbeFailed(f"the debug information of {path} does not say how it was compiled")
    return frozenset(
        word for word, files in counts.items() if files >= _MOST * sum(producers.values()) and word.startswith("-")
    )
