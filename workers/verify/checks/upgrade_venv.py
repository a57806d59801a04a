"""A virtual environment that the build before made works with this one, unpacked over it or beside it with a link turned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error, quoted
from workers.verify.probe import SCRATCH, ProbeFailed, run
from workers.verify.upgrading import install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_MAKE = (
    '"$1/bin/$2" -m venv "$3" && "$3/bin/python" -m pip install --disable-pip-version-check --no-cache-dir --no-index '
    "--find-links /work/wheels farm-parcel"
)
_ASK = 'import platform, ssl, sqlite3, farm_parcel; print("I am %s, %s" % (platform.python_version(), farm_parcel.ANSWER))'


def look(subject: Subject) -> Iterator[Finding]:
    """The environment has a wheel in it, which must import; the interpreter in it must be the new one."""
    over = install(subject, subject.before.archive, "upgraded under an environment")
    _made(subject, over, f"{SCRATCH}/environment over")
    install(subject, subject.archive, "upgraded under an environment")
    yield from _asked(subject, f"{SCRATCH}/environment over", "with this build unpacked over it")
    link = f"{SCRATCH}/current python"
    _linked(subject, install(subject, subject.before.archive, "the build before"), link)
    _made(subject, link, f"{SCRATCH}/environment beside")
    _linked(subject, subject.root, link)
    yield from _asked(subject, f"{SCRATCH}/environment beside", "with a link turned to this build")


def _linked(subject: Subject, root: str, link: str) -> None:
    run(subject.in_runtime, ["ln", "-sfn", root, link])


def _made(subject: Subject, root: str, folder: str) -> None:
    made = run(subject.in_runtime, ["sh", "-c", _MAKE, "make", root, subject.build.executable, folder])
    if not made.ok:
        raise ProbeFailed(f"the build before makes no environment: {quoted(made.output)}")


def _asked(subject: Subject, folder: str, how: str) -> Iterator[Finding]:
    done = run(subject.in_runtime, [f"{folder}/bin/python", "-c", _ASK])
    if f"I am {subject.build.python}, 42" not in done.output.splitlines():
        yield error(
            f"an environment of the build before, {how}, says: {quoted(done.output)}",
            hint="links and pyvenv.cfg of an environment name bin/pythonX.Y: it must be where it was",
        )
