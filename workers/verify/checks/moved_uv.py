"""After uv unpacked the archive and rewrote it, sysconfig speaks of the new place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify import uv
from workers.verify.facts import Places
from workers.verify.findings import error, quoted
from workers.verify.places import judge
from workers.verify.probe import SCRATCH, ask, parcel, run, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

PLACE = "uv/cpython-managed"


def look(subject: Subject) -> Iterator[Finding]:
    """A copy of the tree, changed as uv changes it."""
    root = f"{SCRATCH}/{PLACE}"
    names = [path for path in subject.library.glob("_sysconfigdata_*.py") if path.is_file() and not path.is_symlink()]
    if len(names) != 1:
        yield error(
            f"there are {len(names)} _sysconfigdata_*.py: uv takes any one of them",
            file=f"lib/{subject.build.lib}",
            hint="there must be one, of the executable's own build: see finish.sh",
        )
        return
    name = names[0].relative_to(subject.tree).as_posix()
    try:
        rewritten = uv.sysconfigdata(names[0].read_text("utf-8"), root)
    except ValueError as problem:  # Refused, or no UTF-8
        yield error(
            f"uv refuses it: {problem}",
            file=name,
            hint="its rewriting is that of uv, and needs the file as CPython writes it: see the relocate step",
        )
        return
    copied = run(subject.in_runtime, ["sh", "-c", 'mkdir -p "${1%/*}" && cp -R "$0" "$1"', subject.root, root])
    if not copied.ok:
        yield error(
            f"the tree cannot be copied by an ordinary user: {quoted(copied.output)}",
            hint="see archive.layout for modes: everybody must be able to read it",
        )
        return
    subject.in_runtime.put(root, parcel({name: rewritten.encode(), **_pkgconfig(subject)}))
    python = f"{root}/bin/{subject.build.executable}"
    yield from judge(ask(subject.in_runtime, [python, script("places.py")], Places), root)


def _pkgconfig(subject: Subject) -> dict[str, bytes]:
    files = [path for path in (subject.tree / "lib/pkgconfig").glob("*.pc") if path.is_file() and not path.is_symlink()]
    return {
        path.relative_to(subject.tree).as_posix(): uv.pkgconfig(path.read_text("utf-8", "replace")).encode() for path in files
    }
