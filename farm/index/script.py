"""The shell script that hosts without Python install with: the store's address and the facts that it needs, filled in."""

from __future__ import annotations

import shlex
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from farm.index.upstream import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from farm.index.model import Entry
    from farm.plan.facts import Facts


def get_python(_: Iterable[Entry], base_url: str) -> bytes:
    """A POSIX shell script that installs from this store."""
    script = resources.files("farm.data").joinpath("get-python.sh").read_text("utf-8")
    return script.replace("@BASE_URL@", shlex.quote(base_url.rstrip("/"))).replace("# @FACTS@\n", _facts()).encode()


@cache
def _facts() -> str:
    facts = shipped()
    return "".join(f"{line}\n" for line in (*_arches(facts), *_distros(facts)))


def _arches(facts: Facts) -> Iterator[str]:
    yield "case $arch in"
    for name, row in facts.arches.items():
        yield f"{name} | {row.cpu}) arch={name} cpu={row.cpu} ;;"
    yield "esac"


def _distros(facts: Facts) -> Iterator[str]:
    """Distros of one family and C library in one line."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for name, distro in facts.distros.items():
        alike.setdefault((distro.facts.libc, distro.family.query, distro.family.install), []).append(name)
    yield "case $distro in"
    for (libc, query, install), names in alike.items():
        yield f"{' | '.join(names)})"
        yield f"    libc={libc} query={shlex.quote(query)}"
        yield f"    install={shlex.quote(install)}"
        yield "    ;;"
    yield "esac"
