"""The distro packages that a build needs, and which of them this host lacks."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from farm.errors import BadInput, Transient

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.plan.distro_rows import FamilyRow


def missing(needed: Iterable[str], family: FamilyRow) -> list[str]:
    """Those that the package manager does not list. Raises BadInput when it does not answer: this is another distro."""
    done = subprocess.run(["/bin/sh", "-c", family.query], capture_output=True, text=True, check=False)  # noqa: S603 - a fact
    if done.returncode != 0:
        raise BadInput("this host's packages cannot be listed", hint="it is not of the distro that the build is for")
    there = {line.split()[0] for line in done.stdout.splitlines() if line.split()}
    return [name for name in needed if name not in there]


def command(packages: Iterable[str], family: FamilyRow) -> str:
    """What installs them, for a shell."""
    return family.install.format(packages=" ".join(packages))


def install(packages: list[str], family: FamilyRow) -> None:
    """Install them. Raises BadInput without root, Transient with what the package manager said."""
    if os.geteuid() != 0:
        raise BadInput("only root can install packages", hint=f"as root: {command(packages, family)}")
    done = subprocess.run(["/bin/sh", "-c", command(packages, family)], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        said = "\n  ".join((done.stdout + done.stderr).splitlines()[-8:])
        raise Transient(f"the package manager failed:\n  {said}", hint=f"run it by hand: {command(packages, family)}")
