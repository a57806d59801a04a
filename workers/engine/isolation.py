"""How every box is shut in: decided here, given to the engine, and written into the metadata of what was built in one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from farm.store.artifact import Isolation

if TYPE_CHECKING:
    from workers.engine.protocol import Limits

_UID = 1000


def isolation(limits: Limits) -> Isolation:
    """How a box with these limits is shut in."""
    return Isolation(
        network="none",
        user=f"{_UID}:{_UID}",
        cap_drop=("ALL",),
        security_opt=("no-new-privileges:true",),
        read_only=True,
        memory_bytes=limits.memory_bytes,
        pids=limits.pids,
        cpus=limits.cpus,
        deadline_s=limits.deadline_s,
    )


def words(shut: Isolation, there: int) -> dict[str, Any]:
    """The same as the words of docker-py for a new container; `there` is how many CPUs the engine's machine has."""
    return {
        "network_mode": shut.network,
        "user": shut.user,
        "cap_drop": list(shut.cap_drop),
        "security_opt": list(shut.security_opt),
        "read_only": shut.read_only,
        "mem_limit": shut.memory_bytes,
        "memswap_limit": shut.memory_bytes,
        "pids_limit": shut.pids,
        "nano_cpus": int(min(shut.cpus, there) * 1e9) or None,
    }
