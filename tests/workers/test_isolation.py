"""How a box is shut in: what the engine is given, and what the metadata says of it, are one."""

from __future__ import annotations

from unittest import mock

import pytest

from tests.fakes import ScriptedBox
from workers.engine.docker import DockerEngine
from workers.engine.isolation import isolation, words
from workers.engine.protocol import BoxSpec, Limits

LIMITS = Limits(memory_bytes=1 << 30, pids=99, cpus=2.5, deadline_s=77)


def test_nothing_is_left_open():
    assert isolation(LIMITS).model_dump() == {
        "network": "none",
        "user": "1000:1000",
        "cap_drop": ("ALL",),
        "security_opt": ("no-new-privileges:true",),
        "read_only": True,
        "memory_bytes": 1 << 30,
        "pids": 99,
        "cpus": 2.5,
        "deadline_s": 77,
    }


@pytest.mark.parametrize("sees", [None, ScriptedBox()], ids=["first", "second"])
def test_the_engine_is_given_what_is_said(sees):
    engine = DockerEngine.__new__(DockerEngine)
    engine._client = mock.Mock()
    engine._client.info.return_value = {"NCPU": 16, "SystemTime": "2026-01-01T00:00:00Z"}
    engine._create(BoxSpec("image:1", LIMITS, sees=sees))
    (image, command), given = engine._client.containers.create.call_args
    shut = isolation(LIMITS)
    assert (image, command[2]) == ("image:1", str(shut.deadline_s))
    assert given["network_mode"] == shut.network
    assert given["user"] == shut.user
    assert tuple(given["cap_drop"]) == shut.cap_drop
    assert tuple(given["security_opt"]) == shut.security_opt
    assert given["read_only"] is shut.read_only
    assert given["mem_limit"] == given["memswap_limit"] == shut.memory_bytes
    assert given["pids_limit"] == shut.pids
    assert given["nano_cpus"] == shut.cpus * 1e9
    assert not {"privileged", "cap_add", "devices", "volumes", "pid_mode", "ipc_mode"} & set(given)


def test_a_machine_has_no_more_cpus_than_it_has_and_0_is_all():
    assert words(isolation(LIMITS), 2)["nano_cpus"] == 2e9
    assert words(isolation(Limits(cpus=0)), 2)["nano_cpus"] is None
