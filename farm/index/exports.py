"""Renderers of the files of clients that take more than uv's list; `farm.export.table` names them all.

A renderer is pure: entries and the store's address in, bytes out. It gets the entries that share a file, newest or not.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from farm.index import render
from farm.index.upstream import upstream
from farm.store import keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.index.model import Entry, Listed
    from farm.plan.cell import Cell
    from farm.plan.recipe import Form

_GZIP: tuple[Form, ...] = ("tar.gz",)  # for clients that don't unpack zstd, or did not always
# How clients call an arch, by what stands first in a triple. An arch that is not here is left out of their files.
_MISE_ARCHES = {"x86_64": "linux-x64", "aarch64": "linux-arm64"}
_PANTS_ARCHES = {"x86_64": "linux_x86_64", "aarch64": "linux_arm64"}
# Paketo's stacks that are one of our distros (https://paketo.io/docs/reference/builders-reference/)
_PAKETO_STACKS = {"ubuntu22.04": "io.buildpacks.stacks.jammy", "ubuntu24.04": "io.buildpacks.stacks.noble"}
_HATCH_SUFFIXES = {"default": "", "freethreaded": "t"}
# hatch 1.18 finds only installations again whose source has this in it, so every address gets it, behind a '#'
_HATCH_MARK = "#/python-build-standalone/releases/download/"
# python-build would ask its maker's mirror for the hashes of our archives, and wait for it behind a firewall
_PYENV_MIRROR = '[ -z "$PYTHON_BUILD_DEFAULT_MIRROR" ] || unset PYTHON_BUILD_MIRROR_URL'
_PYENV_FAILS = '* ) echo "{name} is not offered for $(uname -m)" >&2; exit 1 ;;'


def bazel(entries: Iterable[Entry], base_url: str) -> bytes:
    """The runtime manifest of rules_python: sums with names that it parses.

    Only default builds: it knows a free-threaded one by a word that would have to stand before the distro, and would take
    ours for the default one (https://github.com/bazel-contrib/rules_python, `parse_filename`).
    """
    return render.sum_lines((archive for _, _, archive in _default(entries, _GZIP)), base_url)


def bzlmod(entries: Iterable[Entry], base_url: str) -> bytes:
    """Lines of a MODULE.bazel: each Python in the place of the one that rules_python knows for the platform.

    https://rules-python.readthedocs.io/en/latest/api/rules_python/python/extensions/python.html
    """
    lines = ['python = use_extension("@rules_python//python/extensions:python.bzl", "python")']
    for entry, cell, archive in _default(entries, _GZIP):
        fields = {
            "platform": entry.triple,
            "python_version": str(cell.python),
            "sha256": archive.sha256,
            "strip_prefix": "python",
            "urls": [render.url(base_url, archive.key)],
        }
        lines += ["python.single_version_platform_override("]
        lines += [*(f"    {name} = {_quoted(value)}," for name, value in fields.items()), ")"]
    return _text(lines)


def mise(entries: Iterable[Entry], base_url: str) -> bytes:
    """A table of a mise.toml: one Python, with url and checksum for every arch (https://mise.jdx.dev/dev-tools/backends/http.html).

    Both `strip_components` and `bin_path`: with the latter alone mise leaves the top folder where it is.
    """
    lines: list[str] = []
    for entry, cell, archive in render.offers(entries, render.SMALL):
        if (platform := _MISE_ARCHES.get(_arch(entry))) is None:
            continue
        if not lines:
            lines += ['[tools."http:cpython"]', f"version = {_quoted(keys.client_version(cell))}"]
            lines += ["strip_components = 1", 'bin_path = "bin"', "", '[tools."http:cpython".platforms]']
        address = _quoted(render.url(base_url, archive.key))
        lines.append(f'{platform} = {{ url = {address}, checksum = "sha256:{archive.sha256}" }}')
    return _text(lines)


def hatch(entries: Iterable[Entry], base_url: str) -> bytes:
    """Variables for a shell, the newest patch release of each series (https://hatch.pypa.io/latest/config/hatch/#python).

    hatch compares no checksum, whatever it is given.
    """
    newest: dict[str, tuple[Cell, Entry, Listed]] = {}
    for entry, cell, archive in render.offers(entries, _GZIP):
        suffix = _HATCH_SUFFIXES.get(cell.variant)
        if suffix is not None:
            newest[f"{cell.python.series}{suffix}"] = (cell, entry, archive)  # they come in order of version
    lines: list[str] = []
    for name, (cell, entry, archive) in newest.items():
        variable = name.replace(".", "_").upper()
        address = f"{render.url(base_url, archive.key)}{_HATCH_MARK}{archive.key.rpartition('/')[2]}"
        lines.append(f"export HATCH_PYTHON_CUSTOM_SOURCE_{variable}='{address}'")
        lines.append(f"export HATCH_PYTHON_CUSTOM_PATH_{variable}=python/bin/python3")
        lines.append(f"export HATCH_PYTHON_CUSTOM_VERSION_{variable}={cell.python}.post{entry.build_id}")
    return _text(lines)


def pyenv(entries: Iterable[Entry], base_url: str) -> bytes:
    """A definition of python-build: one Python, for whatever machine it runs on (https://github.com/pyenv/pyenv)."""
    lines: list[str] = []
    name = ""
    for entry, cell, archive in render.offers(entries, _GZIP):
        name = f"cpython-{keys.client_version(cell)}-{cell.distro}"
        address = f"{render.url(base_url, archive.key)}#{archive.sha256}"
        lines.append(f'{_arch(entry)} ) install_package "{name}" "{address}" copy ;;')
    return _text([_PYENV_MIRROR, 'case "$(uname -m)" in', *lines, _PYENV_FAILS.format(name=name or "this Python"), "esac"])


def pants(entries: Iterable[Entry], base_url: str) -> bytes:
    """A section of a pants.toml (https://www.pantsbuild.org/stable/reference/subsystems/python-build-standalone-python-provider)."""
    lines = []
    for entry, cell, archive in _default(entries, _GZIP):
        if platform := _PANTS_ARCHES.get(_arch(entry)):
            address = render.url(base_url, archive.key)
            lines.append(f"{cell.python}+{entry.build_id}|{platform}|{archive.sha256}|{archive.size}|{address}")
    head = ["[python-build-standalone-python-provider]", "known_python_versions = ["]
    return _text([*head, *(f"  {_quoted(line)}," for line in lines), "]"])


def paketo(entries: Iterable[Entry], base_url: str) -> bytes:
    """Dependencies of the buildpack.toml of Paketo's CPython buildpack (https://github.com/paketo-buildpacks/cpython).

    Only of distros that are a stack there: a stack names the C library and the packages that a build needs.
    """
    lines: list[str] = []
    for _, cell, archive in _default(entries, _GZIP):
        if (stack := _PAKETO_STACKS.get(cell.distro)) is None:
            continue
        known = upstream(cell.python)
        address = render.url(base_url, archive.key)
        fields: dict[str, object] = {
            "arch": cell.arch,
            "checksum": f"sha256:{archive.sha256}",
            "cpe": f"cpe:2.3:a:python:python:{cell.python}:*:*:*:*:*:*:*",
            "deprecation_date": known.eol and f"{known.eol}T00:00:00Z",
            "id": "python",
            "licenses": ["PSF-2.0"],
            "name": "Python",
            "os": "linux",
            "purl": f"pkg:generic/python@{cell.python}?checksum={archive.sha256}&download_url={address}",
            "source": known.source,
            "source-checksum": known.sha256 and f"sha256:{known.sha256}",
            "stacks": [stack],
            "strip-components": 1,
            "uri": address,
            "version": str(cell.python),
        }
        lines += ["[[metadata.dependencies]]", *(f"  {name} = {_quoted(value)}" for name, value in fields.items() if value), ""]
    return _text(lines[:-1] or ["# Paketo has no stack of this distro"])


def _default(entries: Iterable[Entry], formats: tuple[Form, ...]) -> list[tuple[Entry, Cell, Listed]]:
    return [offer for offer in render.offers(entries, formats) if offer[1].variant == "default"]


def _arch(entry: Entry) -> str:
    return entry.triple.partition("-")[0]


def _quoted(value: object) -> str:
    return json.dumps(value)  # plain ASCII texts, numbers and lists of them are the same in TOML


def _text(lines: Iterable[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
