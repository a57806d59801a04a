"""Shapes of flat archives: their names, what else is in them, and the list that goes with them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from farm.index.model import Listed
from farm.index.upstream import VERSIONS, upstream
from farm.plan.cell import Cell
from farm.plan.recipe import Form

if TYPE_CHECKING:
    from farm.plan.cell import Version

_DISTRO_RE = re.compile(r"([a-z]+)([0-9][0-9.]*)")
_TOOL_ARCHES = {"amd64": "x64", "arm64": "arm64"}
_PRE_NAMES = {"a": "alpha", "b": "beta", "rc": "rc"}

# What actions/setup-python runs in the unpacked archive: https://github.com/actions/python-versions
SETUP_SH = b"""#!/bin/sh
# Installs this Python into the tool cache of a runner.
set -eu
version=%VERSION% arch=%ARCH%
cache=${RUNNER_TOOL_CACHE:-${AGENT_TOOLSDIRECTORY:?RUNNER_TOOL_CACHE is not set}}
target=$cache/Python/$version/$arch
rm -rf "$target" "$target.complete"
mkdir -p "$target"
cp -R . "$target"
rm "$target/setup.sh"
touch "$target.complete"
"""


@dataclass(frozen=True)
class Flattened:
    """A flat archive as it was made."""

    cell: Cell
    source: Listed
    name: str
    sha256: str


@dataclass(frozen=True)
class Format:
    """A kind of client: formats and names of its archives, and the file that lists them ('' where there is none)."""

    form: Form
    name: Callable[[Cell, str, str], str]  # cell, stack, sha256 of the archive that it is made of
    variants: tuple[str, ...] = ("default",)
    listing: str = ""
    render: Callable[[Sequence[Flattened], str, str], bytes] = lambda _made, _base_url, _stack: b""
    programs: Callable[[Cell], dict[str, bytes]] = field(default=lambda _cell: {})


def dashed(distro: str) -> str:
    """A distro as Heroku's stacks have it, e.g. 'ubuntu-24.04'."""
    return "-".join(_parts(distro))


def cloud_foundry(made: Sequence[Flattened], base_url: str, stack: str) -> bytes:
    """Dependencies of the manifest.yml of Cloud Foundry's Python buildpack."""
    ends = {one.cell.python.series: upstream(one.cell.python).eol for one in made}
    lines = ["dependency_deprecation_dates:"] if any(ends.values()) else []
    for series, eol in ends.items():
        if eol:
            lines += [f"- version_line: {series}.x", "  name: python", f"  date: {eol}", f"  link: {VERSIONS}"]
    lines += ["dependencies:"]
    for one in made:
        known = upstream(one.cell.python)
        lines += [
            "- name: python",
            f'  version: "{one.cell.python}"',
            f"  uri: {base_url}/{one.name}",
            f'  sha256: "{one.sha256}"',
            "  cf_stacks:",
            f"  - {stack}",
        ]
        if known.source:
            lines += [f"  source: {known.source}", f'  source_sha256: "{known.sha256}"']
    return "".join(f"{line}\n" for line in lines).encode()


def setup_python(made: Sequence[Flattened], base_url: str, _: str) -> bytes:
    """The versions-manifest.json of actions/setup-python, newest version first."""
    versions: dict[Version, list[dict[str, str]]] = {}
    for one in sorted(made, key=lambda each: each.cell.python.key, reverse=True):
        file = {
            "filename": one.name,
            "arch": _tool_arch(one.cell),
            "platform": "linux",
            "platform_version": _parts(one.cell.distro)[1],
            "download_url": f"{base_url}/{one.name}",
        }
        versions.setdefault(one.cell.python, []).append(file)
    documents = [
        {"version": semver(version), "stable": not version.pre, "release_url": base_url, "files": files}
        for version, files in versions.items()
    ]
    return (json.dumps(documents, indent=1) + "\n").encode()


def semver(version: Version) -> str:
    """A version as npm has it: 3.15.0-rc.2 for 3.15.0rc2."""
    letters = version.pre.rstrip("0123456789")
    plain = f"{version.major}.{version.minor}.{version.patch}"
    return f"{plain}-{_PRE_NAMES[letters]}.{version.pre.removeprefix(letters)}" if letters else plain


def _setup(cell: Cell) -> dict[str, bytes]:
    script = SETUP_SH.replace(b"%VERSION%", semver(cell.python).encode()).replace(b"%ARCH%", _tool_arch(cell).encode())
    return {"setup.sh": script}


def _tool_arch(cell: Cell) -> str:
    suffix = "" if cell.variant == "default" else f"-{cell.variant}"
    return f"{_TOOL_ARCHES.get(cell.arch, cell.arch)}{suffix}"


def _parts(distro: str) -> tuple[str, str]:
    found = _DISTRO_RE.fullmatch(distro)
    return (found[1], found[2]) if found else (distro, "")


# https://github.com/heroku/heroku-buildpack-python: the name is computed, and lies at the root of a bucket
HEROKU = Format("tar.zst", lambda cell, stack, _: f"python-{cell.python}-{stack}-{cell.arch}.tar.zst")
# https://github.com/cloudfoundry/python-buildpack: its caches go by base name, so a hash is in it
CLOUD_FOUNDRY = Format(
    "tar.gz",
    lambda cell, stack, sha256: f"python_{cell.python}_linux_{_tool_arch(cell)}_{stack}_{sha256[:8]}.tgz",
    listing="manifest.yml",
    render=cloud_foundry,
)
# https://github.com/actions/python-versions: needs a fork of the action, or an archive put into the tool cache
SETUP_PYTHON = Format(
    "tar.gz",
    lambda cell, _, __: f"python-{cell.python}-linux-{_parts(cell.distro)[1]}-{_tool_arch(cell)}.tar.gz",
    variants=("default", "freethreaded"),
    listing="versions-manifest.json",
    render=setup_python,
    programs=_setup,
)
