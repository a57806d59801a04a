"""Wheels of the package index that checks install: rows of `wheels.toml`, and how they are had."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, RootModel

from farm.errors import FarmError, Transient
from farm.plan.recipe import Source
from farm.plan.scope import Numbers, Scope
from farm.store import scratch
from workers.build.sources import at_hand, place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from farm.settings import Settings
    from farm.store.artifact import BuildInfo

FOLDER = "wheels"
_NAME = re.compile(
    r"(?P<project>[A-Za-z0-9_.]+)-(?P<version>[0-9.]+)-(?P<python>[a-z0-9.]+)-(?P<abi>[a-z0-9.]+)-(?P<platform>\w[\w.]*)\.whl"
)
_PATIENCE_S = 300


class WheelRow(Scope):
    """A wheel; the row's key is its file's name."""

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    trials: tuple[str, ...]
    why: str
    link: str = ""


class _Wheels(RootModel[dict[Annotated[str, Field(pattern=_NAME.pattern)], WheelRow]]):
    """The file."""


@cache
def _rows() -> dict[str, WheelRow]:
    text = (resources.files("workers.verify") / "wheels.toml").read_text("utf-8")
    return _Wheels.model_validate(tomllib.loads(text)).root


def wheels(build: BuildInfo, version: Numbers, trial: str = "") -> dict[str, WheelRow]:
    """The wheels of a trial (of all trials) for this Python, in the order of the file."""
    return {
        name: row
        for name, row in _rows().items()
        if row.spans(version)
        and (not row.arches or build.arch in row.arches)
        and (not row.variants or build.variant in row.variants)
        and (not trial or trial in row.trials)
    }


def requirement(name: str, sha256: str) -> str:
    """A line of a requirements file that only this very wheel fulfils."""
    parts = _parts(name)
    return f"{parts['project']}=={parts['version']} --hash=sha256:{sha256}\n"


def download_words(name: str, series: str) -> list[str]:
    """Arguments of `pip download` by which it takes a wheel for another Python than its own."""
    parts = _parts(name)
    words = ["--only-binary", ":all:", "--no-deps", "--python-version", series]
    words += ["--implementation", "cp" if parts["python"].startswith("cp") else "py"]
    for option, part in (("--abi", "abi"), ("--platform", "platform")):
        words += [word for value in parts[part].split(".") for word in (option, value)]
    return words


def had(build: BuildInfo, version: Numbers, settings: Settings, on_line: Callable[[str], None]) -> dict[str, Path]:
    """The wheels that can be had, by the name they get in a box; why one cannot be is told, and checks say what they lack."""
    found: dict[str, Path] = {}
    for name, row in wheels(build, version).items():
        source = Source(file=name, sha256=row.sha256, path="", pool="", epoch=0)
        try:
            found[f"{FOLDER}/{name}"] = at_hand(source, settings, on_line) or _download(source, settings, build.series)
        except FarmError as error:
            on_line(f"{name}: {error.message}")
    return found


def _download(source: Source, settings: Settings, series: str) -> Path:
    """Let pip get it from this host's package index, whichever that is, into the cache. Raises Transient."""
    target = place(source, settings)
    with scratch.part(settings.cache) as private:
        _pip(private, source, series)
        (private / source.file).replace(target)
    return target


def _pip(folder: Path, source: Source, series: str) -> None:
    wanted = folder / "requirements.txt"
    wanted.write_text(requirement(source.file, source.sha256), encoding="utf-8")
    argv = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(folder)]
    argv += ["--require-hashes", "--requirement", str(wanted), *download_words(source.file, series)]
    environment = {**os.environ, "PIP_CONSTRAINT": ""}  # constraints are for this host's own environments
    try:
        done = subprocess.run(  # noqa: S603 - pip, with rows of ours
            argv, env=environment, capture_output=True, text=True, check=False, timeout=_PATIENCE_S
        )
    except subprocess.TimeoutExpired:
        raise Transient(f"pip had nothing after {_PATIENCE_S} s", hint="is the package index reachable?") from None
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Transient(f"pip cannot download it: {said[-1] if said else 'no word'}", hint="or put the file into FARM_SOURCES")


def _parts(name: str) -> dict[str, str]:
    found = _NAME.fullmatch(name)
    assert found, name  # noqa: S101 - the rows were checked when they were loaded
    return found.groupdict()
