"""The interpreter in the executable and the one in libpython are the same to an extension module: flags, sizes, built-ins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.embedding import compiled
from workers.verify.facts import Abi
from workers.verify.findings import error
from workers.verify.probe import ask, script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_SHOWN = 160


def look(subject: Subject) -> Iterator[Finding]:
    """One script, run by the executable and by a program that embeds libpython."""
    python = f"{subject.builder_root}/bin/{subject.build.executable}"
    static = ask(subject.in_builder, [python, script("abi.py")], Abi).facts
    shared = ask(subject.in_builder, [compiled(subject, "host.c", "host"), script("abi.py")], Abi).facts
    for name in sorted({*static, *shared}):
        here, there = static.get(name, "nothing"), shared.get(name, "nothing")
        if here != there:
            yield error(
                f"{name} is {here[:_SHOWN]} in the executable, and {there[:_SHOWN]} in libpython",
                file=f"lib/{subject.build.soname}",
                hint="the two passes were configured differently: see configure.toml, and `passes` of its rows",
            )
    told = static.get("abiflags", "")
    if told != f'"{subject.build.abiflags}"':
        yield error(
            f'sys.abiflags is {told}, and the metadata says "{subject.build.abiflags}"',
            hint="see the variant in variants.toml: what it tells configure decides the flags",
        )
