"""Binaries are hardened as the distro's own: RELRO, immediate binding, no executable stack, no relocated or writable code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.plan.recipe import words_said
from workers.verify.expected import flags_of
from workers.verify.findings import error, shared_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from farm.store.artifact import Finding
    from workers.verify.elf import Elf
    from workers.verify.subject import Subject

_PROBLEMS: tuple[tuple[str, str, Callable[[Elf], bool]], ...] = (
    ("its stack is executable", "link with -Wl,-z,noexecstack", lambda elf: elf.stack == "executable"),
    ("it does not say that its stack is not executable", "link with -Wl,-z,noexecstack", lambda elf: elf.stack == "unsaid"),
    ("it has no PT_GNU_RELRO", "link with -Wl,-z,relro", lambda elf: not elf.relro),
    ("it is not bound when it is loaded (BIND_NOW)", "link with -Wl,-z,now", lambda elf: not elf.bind_now),
    ("its code is relocated when it is loaded (TEXTREL)", "compile it with -fPIC", lambda elf: elf.text_relocations),
    (
        "it has memory that is writable and executable",
        "no section may be both: see its assembler code, and `readelf -lW` for the segment",
        lambda elf: elf.writable_code,
    ),
)


def look(subject: Subject) -> Iterator[Finding]:
    """The segments and dynamic tags of every ELF file; that the executable lies at a fixed address where it was told to."""
    for path, reason in subject.elf.broken:
        yield error(
            f"it begins like an ELF file and cannot be read: {reason}",
            file=path,
            hint="it is damaged: see whether strip or objcopy complains of it in the log",
        )
    for message, hint, has in _PROBLEMS:
        yield from shared_by(message, [elf.path for elf in subject.elf.elves if has(elf)], hint=hint)
    yield from _address(subject)


def _address(subject: Subject) -> Iterator[Finding]:
    told = words_said(subject.build.configure.static) & {*flags_of("fixed_address")}
    elves = {elf.path: elf for elf in subject.elf.elves}
    elf = elves.get(f"bin/{subject.build.executable}")
    if told and elf and not elf.fixed_address:
        message = f"it lies at a random address, and pass 2 was told {', '.join(told)}"
        yield error(message, file=elf.path, hint="see make.toml, 'fixed-address', and the log of 'link static'")
