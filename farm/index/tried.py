"""Whom a kind of file is for, and what reads it in the tests: in every row of the tables of exports, and docs/clients.md."""

from __future__ import annotations

from dataclasses import dataclass

_NOT_INDEXED = "{} are in no package index"


@dataclass(frozen=True)
class Tried:
    """A client, what reads its file in the tests and does with it, and why that is not the client itself: '' where it is."""

    client: str
    by: str
    instead: str = ""


UV = Tried(
    "uv",
    "uv: install, list, upgrade to a rebuilt version, uninstall, free-threaded, changed bytes, a named build, offline, "
    "pin, venv, run; with a real build also pip install of a C extension",
)
SHA256SUM = Tried("curl and sha256sum", "sha256sum: good and changed bytes")
MISE = Tried("mise", "mise: install, changed bytes, a series, what it locked")
HATCH = Tried("hatch", "hatch: install, show, remove; what it makes of a newer build and of changed bytes")
PYENV = Tried(
    "pyenv, asdf (python-build)",
    "pyenv: install, exec, uninstall; python-build: changed bytes, a mirror; bash alone for machines that are not at hand",
)
_NO_BAZEL = "rules_python is in no package index; Debian's Bazel is 4.2, which has no modules"
BAZEL = Tried(
    "Bazel, rules_python from 2.1",
    "its rules for names, said again in our tests, against what its own parser was once seen to make of these lines; that "
    "parser, run by `starlark-pyo3`, where `FARM_TEST_RULES_PYTHON` names a checkout",
    _NO_BAZEL,
)
BZLMOD = Tried("Bazel, rules_python", "`starlark-pyo3`, the language that it is in: calls and values", _NO_BAZEL)
PANTS = Tried(
    "Pants from 2.24",
    "its rules for elements, said again in our tests; a TOML parser",
    "the last Pants in a package index is 2.17, which has no such section",
)
PAKETO = Tried("Paketo's CPython buildpack", "a TOML parser", _NOT_INDEXED.format("buildpack and builder image"))
SHELL = Tried(
    "hosts without Python",
    "dash, busybox: install, replace, variants, signature, rollback, one build, offline, packages, changed bytes",
)
REGISTRY = Tried(
    "Docker, skopeo and other clients of registries",
    "skopeo: each arch, pinned digest, changed bytes of each part, no such tag, digest or arch; "
    "Docker Engine: pull, `COPY --from`",
)
HEROKU = Tried(
    "Heroku's Python buildpack", "zstd and tar: names, what is at the top", _NOT_INDEXED.format("buildpack and stack image")
)
CLOUD_FOUNDRY = Tried(
    "Cloud Foundry's Python buildpack", "a YAML parser, sha256sum", _NOT_INDEXED.format("buildpack and stack image")
)
SETUP_PYTHON = Tried(
    "actions/setup-python",
    "`@actions/tool-cache`, the library it is made of: what it finds in manifest and cache; sh: `setup.sh` fills that cache",
    "the action itself is in no package index, and runs in its maker's service",
)
LAYOUT = Tried("skopeo, buildx and others", "skopeo: one arch, all arches")
