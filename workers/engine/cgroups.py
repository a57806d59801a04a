"""Control groups, mounted where an engine expects them: a bare root file system or a container may lack them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from farm.errors import EngineUnavailable

ROOT = Path("/sys/fs/cgroup")


def mounted(mountinfo: str, root: Path = ROOT) -> bool:
    """Whether any cgroup hierarchy is mounted at or below `root`, by what /proc/self/mountinfo says."""
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        point = Path(before.split()[4])
        if after.startswith(("cgroup ", "cgroup2 ")) and (point == root or root in point.parents):
            return True
    return False


def hierarchies(proc_cgroups: str) -> tuple[str, ...]:
    """The version 1 hierarchies in use, each as the option list that mounts it; none means version 2.

    Reads /proc/cgroups: name, hierarchy, number of groups, enabled.
    """
    by_number: dict[str, list[str]] = {}
    for line in proc_cgroups.splitlines():
        name, number, _, enabled = line.split() if not line.startswith("#") else ("", "0", "", "0")
        if enabled == "1" and number != "0":
            by_number.setdefault(number, []).append(name)
    return tuple(",".join(names) for names in by_number.values())


def ensure() -> bool:
    """Mount what is missing; whether anything was. Raises EngineUnavailable."""
    if mounted(Path("/proc/self/mountinfo").read_text()):
        return False
    if not (old := hierarchies(Path("/proc/cgroups").read_text())):
        _mount("cgroup2", "cgroup2", ROOT)
        return True
    _mount("tmpfs", "cgroup", ROOT, "mode=755")
    for options in old:
        point = ROOT / options
        point.mkdir()
        _mount("cgroup", "cgroup", point, options)
    return True


def release() -> None:
    """Unmount what `ensure` mounted."""
    subprocess.run(["umount", "--recursive", str(ROOT)], capture_output=True, check=False)  # noqa: S603, S607 - a constant


def _mount(kind: str, source: str, point: Path, options: str = "") -> None:
    command = ["mount", "-t", kind, *(["-o", options] if options else []), source, str(point)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a command of ours
    if done.returncode != 0:
        raise EngineUnavailable(
            f"'{' '.join(command)}' failed: {done.stderr.strip()}",
            hint="a container engine needs control groups: mount /sys/fs/cgroup, or name an engine in FARM_ENGINE",
        )
