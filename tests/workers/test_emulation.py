"""Running programs of another arch: what the kernel says that it can do, and how it is told."""

from __future__ import annotations

import pytest

from farm.plan.facts import load_facts
from workers.engine.emulation import Emulated, emulated, registration

FACTS = load_facts()
EMULATOR = FACTS.arches["arm64"].emulators["amd64"]


def test_what_is_registered_is_a_capability_with_its_version(kernel):
    assert emulated(FACTS, "amd64", kernel()) == (Emulated("arm64", "qemu 10.0.13"),)


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": "7.2.19"},  # crashes gcc
        {"flags": "OC"},  # not opened beforehand: no container would find it
        {"state": "disabled"},
        {"mask": "ff" * 20},
    ],
)
def test_what_would_not_work_is_no_capability(kernel, wrong):
    assert emulated(FACTS, "amd64", kernel(**wrong)) == ()


def test_a_host_without_any(tmp_path, kernel):
    assert emulated(FACTS, "amd64", tmp_path / "nowhere") == ()
    assert emulated(FACTS, "arm64", kernel()) == ()


def test_other_programs_of_the_kernel_do_no_harm(kernel):
    folder = kernel()
    (folder / "jar").write_text("enabled\ninterpreter /usr/bin/jexec\nflags: \noffset 0\nmagic 504b0304\n")
    assert [one.arch for one in emulated(FACTS, "amd64", folder)] == ["arm64"]


def test_the_line_for_the_kernel(tmp_path):
    line = registration("farm-arm64", EMULATOR, tmp_path / "qemu").decode()
    assert line.startswith(r":farm-arm64:M::\x7f\x45\x4c\x46\x02")
    assert line.endswith(f":{tmp_path}/qemu:OCF")
    assert len(line) < 1920 - 10  # what the kernel takes at most
    magic, mask = line.split(":")[4:6]
    assert magic.count("\\x") == mask.count("\\x") == 20
