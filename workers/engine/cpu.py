"""How many CPU seconds a box has used, as the kernel counts them: read within, where it stands alike for every engine."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from farm.errors import FarmError

if TYPE_CHECKING:
    from workers.engine.protocol import Box

# cgroup v2, then v1 with the names that distros mount it by: https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files
_FILES = ("cpu.stat", "cpuacct/cpuacct.usage", "cpu,cpuacct/cpuacct.usage")
_READ = "cd /sys/fs/cgroup && for file in {}; do [ -r $file ] && exec cat $file; done".format(" ".join(_FILES))
_USED = re.compile(r"^(?:usage_usec (?P<micro>\d{1,18})|(?P<nano>\d{1,20}))$", re.MULTILINE)
_PATIENCE_S = 10.0


def used(output: str) -> float | None:
    """CPU seconds by what one of the files says; None when it says nothing of them."""
    found = _USED.search(output)
    if not found:
        return None
    return int(found["micro"]) / 1e6 if found["micro"] else int(found["nano"]) / 1e9


def cpu_seconds(box: Box) -> float | None:
    """CPU seconds of all that ran in a box so far; None when nobody can tell, which is no reason to fail."""
    with suppress(FarmError):
        return used(box.run(["sh", "-c", _READ], timeout_s=_PATIENCE_S).output)
    return None
