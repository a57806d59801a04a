"""What tests of the build wing share: a kernel that runs programs of another arch."""

import pytest

from farm.plan.facts import load_facts

EMULATOR = load_facts().arches["arm64"].emulators["amd64"]


@pytest.fixture
def kernel(tmp_path):
    """What /proc/sys/fs/binfmt_misc would look like: `kernel(version, flags, state)` registers a qemu."""
    folder = tmp_path / "binfmt"
    folder.mkdir()
    for name in ("register", "status"):
        (folder / name).touch()

    def register(version="10.0.13", flags="OCF", state="enabled", mask=EMULATOR.mask, name="qemu-aarch64", here=True):
        program = tmp_path / f"program-of-{name}"
        if here:
            program.write_text(f"#!/bin/sh\necho qemu-aarch64 version {version} '(Debian 1:{version}+ds)'\n")
            program.chmod(0o755)
        entry = f"{state}\ninterpreter {program}\nflags: {flags}\noffset 0\nmagic {EMULATOR.magic}\nmask {mask}\n"
        (folder / name).write_text(entry)
        return folder

    return register
