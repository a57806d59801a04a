"""What some tests need of the distro: the other side of a protocol, where a wheel has none. Run by `make test`.

Without root or apt nothing is installed; those tests then run against what is there, or say why they don't.
"""

from __future__ import annotations

import os
import shutil
import sys

from deploy import newer_programs
from farm.settings import Settings
from workers.engine.packages import install, program

# command: the package that has it
WANTED = {
    "redis-server": "redis-server",
    "openssl": "openssl",
    "gpg": "gnupg",
    "gpgv": "gpgv",
    "ps": "procps",
    "skopeo": "skopeo",
    "busybox": "busybox",
    "curl": "curl",
    "faketime": "faketime",
    "chromium": "chromium",
    "docker-compose": "docker-compose",
}


def main() -> int:
    """Install what is missing, if that can be done."""
    missing = tuple(package for command, package in WANTED.items() if not program(command))
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        install(missing, lambda line: print(f"test: {line}"))  # noqa: T201 - a script
    elif missing:
        print(f"test: without {', '.join(missing)}: only root on an apt system can install packages")  # noqa: T201
    newer_programs.fetch(Settings(), lambda line: print(f"test: {line}"))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
