"""The archive's entries: one top folder, only files, folders and links that stay inside, sane modes and owners."""

from __future__ import annotations

import posixpath
from collections import Counter
from typing import TYPE_CHECKING

from workers.verify.findings import error, shared_by
from workers.verify.unpack import TOP

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject
    from workers.verify.unpack import Member

FOLDERS = ("bin", "lib", "include", "share")
_MODES = {"folder": (0o755,), "file": (0o644, 0o755), "symlink": (0o777,)}
_HINT = "archives are made by the pack step of the build"
_TOP = "see what `make install` and finish.sh leave, and the rows of trim.toml that take things away"
_LINKS = "finish.sh makes links, and they are relative and inside the tree; see what made this one"


def look(subject: Subject) -> Iterator[Finding]:
    """Everything that a client's unpacker, or a cautious one, would trip over."""
    members = subject.members
    yield from safe(members)
    yield from _complete(members)
    yield from _present(members, (subject.build.executable, *subject.build.names))


def safe(members: tuple[Member, ...]) -> Iterator[Finding]:
    """What would hurt whoever unpacks these entries: names, links, kinds, modes, owners."""
    yield from _names(members)
    yield from _links(members)
    yield from _bits(members)


def _names(members: Iterable[Member]) -> Iterator[Finding]:
    counts = Counter(posixpath.normpath(member.name) for member in members)
    yield from shared_by(
        "the entry is in the archive more than once", [_shown(n) for n, times in counts.items() if times > 1], hint=_HINT
    )
    yield from shared_by("the entry's path leads outside the archive", [name for name in counts if _escapes(name)], hint=_HINT)
    tops = sorted({name.split("/")[0] for name in counts if not _escapes(name)} - {TOP})
    if tops:
        yield error(
            f"beside the top folder {TOP}/ there is {', '.join(tops[:5])}: clients strip one folder", file=tops[0], hint=_TOP
        )
    inside = {name.split("/")[1] for name in counts if name.startswith(TOP + "/")}
    yield from shared_by(f"{TOP}/ has more than {' '.join(FOLDERS)}", inside - set(FOLDERS), hint=_TOP)


def _complete(members: Iterable[Member]) -> Iterator[Finding]:
    names = {posixpath.normpath(member.name) for member in members}
    for folder in FOLDERS:
        if f"{TOP}/{folder}" not in names:
            yield error(f"there is no folder {TOP}/{folder}", file=folder, hint=_TOP)


def _links(members: tuple[Member, ...]) -> Iterator[Finding]:
    names = {posixpath.normpath(member.name) for member in members}
    links = {posixpath.normpath(member.name): member.link for member in members if member.kind == "symlink"}
    targets = {name: posixpath.normpath(posixpath.join(posixpath.dirname(name), link)) for name, link in links.items()}
    absolute = {name for name, link in links.items() if link.startswith("/")}
    outside = {name for name, target in targets.items() if not (target + "/").startswith(TOP + "/")} - absolute
    dangling = {name for name, target in targets.items() if target not in names} - absolute - outside
    yield from shared_by("the link is absolute: uv refuses such an archive", map(_shown, absolute), hint=_LINKS)
    yield from shared_by("the link leads outside the tree", map(_shown, outside), hint=_LINKS)
    yield from shared_by("the link leads nowhere", map(_shown, dangling), hint=_LINKS)


def _bits(members: Iterable[Member]) -> Iterator[Finding]:
    kinds: dict[str, list[str]] = {}
    for member in members:
        if problem := _problem(member):
            kinds.setdefault(problem, []).append(_shown(member.name))
    for problem, files in sorted(kinds.items()):
        yield from shared_by(problem, files, hint=_HINT)


def _problem(member: Member) -> str:
    if member.kind not in _MODES:
        return f"it is a {member.kind}; only files, folders and symlinks may be in an archive"
    if member.mode & 0o7000:
        return "it is setuid, setgid or sticky"
    if member.mode & 0o7777 not in _MODES[member.kind]:
        return f"its mode is {member.mode:o}, and not {' or '.join(f'{mode:o}' for mode in _MODES[member.kind])}"
    if (member.uid, member.gid) != (0, 0) or {member.owner, member.group} - {"", "root"}:
        return "it does not belong to uid 0 and gid 0"
    return ""


def _present(members: Iterable[Member], names: Sequence[str]) -> Iterator[Finding]:
    kinds = {posixpath.normpath(member.name): member for member in members}
    for name in names:
        member = kinds.get(f"{TOP}/bin/{name}")
        if member is None:
            yield error(
                f"there is no bin/{name}",
                file=f"bin/{name}",
                hint="`make install` and finish.sh make it; see names in pythons.toml",
            )
        elif member.kind == "file" and not member.mode & 0o111:
            yield error("it cannot be executed", file=f"bin/{name}", hint=_HINT)
    yield from _interpreters(kinds, names)


def _interpreters(kinds: Mapping[str, Member], names: Sequence[str]) -> Iterator[Finding]:
    """All short names of the interpreter are links to one file, the executable that the metadata names first."""
    executable = f"{TOP}/bin/{names[0]}"
    for name in names[1:]:
        path = f"{TOP}/bin/{name}"
        if name.startswith("python") and path in kinds and (led := _led(path, kinds)) != executable:
            yield error(f"it leads to {_shown(led)}, and not to bin/{names[0]}", file=f"bin/{name}", hint=_LINKS)


def _led(path: str, kinds: Mapping[str, Member]) -> str:
    for _ in kinds:
        member = kinds.get(path)
        if member is None or member.kind != "symlink":
            break
        path = posixpath.normpath(posixpath.join(posixpath.dirname(path), member.link))
    return path


def _escapes(name: str) -> bool:
    return name.startswith(("/", "../")) or name == ".."


def _shown(name: str) -> str:
    """As findings name files: relative to the top folder."""
    return posixpath.normpath(name).removeprefix(TOP + "/")
