"""Relocation edits: nothing keeps the prefix but the literal of `_sysconfigdata`, and that is put right at import."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.errors import BuildFailed
from farm.plan.recipe import Layout
from workers.build.relocate import edits, render_sysconfig, sysconfig_values
from workers.build.tree import Content, Entry, Tree

LAYOUT = Layout("3.13", "", "python3.13", "python3.13", "libpython3.13.so.1.0")
CONFIG = "lib/python3.13/config-3.13-x86_64-linux-gnu"
DATA = "lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py"

SYSCONFIG = """# system configuration generated and used by the sysconfig module
build_time_vars = {'BINDIR': '/install/bin',
 'CFLAGS': '-O3 -ffile-prefix-map=/work/src=. -I/install/include -I/usr/install/x',
 'INSTALL': '/usr/bin/install -c',
 'ALIGNOF_LONG': 8,
 'RUNSHARED': 'LD_LIBRARY_PATH=/work/build',
 'TESTPYTHON': 'LD_LIBRARY_PATH=/work/build ./python -E',
 'abs_builddir': '/work/build',
 'abs_srcdir': '/work/build/../src',
 'prefix': '/install'}
"""
CONFIG_SH = """#!/bin/sh
installed_prefix ()
{
    RESULT=$(dirname $(cd $(dirname "$1") && pwd -P))
    echo $RESULT
}

prefix_real=$(installed_prefix "$0")
prefix="/install"
exec_prefix="${prefix}"
includedir=$(echo "${prefix}/include" | sed "s#$prefix#$prefix_real#")
echo "$includedir"
"""
FILES = {
    DATA: SYSCONFIG,
    f"{CONFIG}/Makefile": "srcdir=\t../src\nabs_srcdir=\t/work/build/../src\nprefix=\t\t/install\nLIBDIR=\t/install/lib\n",
    f"{CONFIG}/python-config.py": "#!/install/bin/python3.13\nimport sysconfig\n",
    "lib/pkgconfig/python-3.13.pc": "# See: man pkg-config\nprefix=/install\nexec_prefix=${prefix}\n",
    "bin/pip3": "#!/install/bin/python3.13\nimport sys\nprint(sys.argv[1:])\n",
    "bin/python3.13-config": CONFIG_SH,
    "bin/python3.13": '#!/bin/sh\necho "interpreter $0"\nshift\necho "$@"\n',
    "lib/python3.13/site-packages/pip-25.dist-info/RECORD": "../../../bin/pip3,sha256=old,1\npip/__init__.py,sha256=x,2\n",
    "lib/python3.13/_sysconfig_vars__linux.json": json.dumps(
        {
            "CFLAGS": "-O3 -ffile-prefix-map=/work/src=. -I/install/include",
            "TESTPYTHON": "LD_LIBRARY_PATH=/work/build ./python -E",
            "abs_builddir": "/work/build",
            "userbase": "/work/.local",
            "ALIGNOF_LONG": 8,
            "installed": ["/install"],
        }
    ),
    "lib/python3.13/build-details.json": json.dumps(
        {
            "base_prefix": "/install",
            "base_interpreter": "/install/bin/python3.13",
            "libpython": {"dynamic": "/install/lib/libpython3.13.so", "static": "/install/lib/libpython3.13.a"},
            "c_api": {"headers": "/install/include/python3.13", "pkgconfig_path": "/install/lib/pkgconfig"},
        }
    ),
}
CLANG = (("clang-19", "gcc"), (r"-f(lto|fat)\S*", ""))
EXECUTABLE = {"bin/pip3", "bin/python3.13-config", "bin/python3.13"}


def tree(**changes):
    texts = {**FILES, **changes}
    return Tree(
        {path: Entry("file", Content.of(text.encode()), executable=path in EXECUTABLE) for path, text in texts.items() if text}
    )


@pytest.fixture(scope="module")
def edited():
    return tree().with_entries(edits(tree(), LAYOUT, ((r"-ffile-prefix-map=\S+", ""),)))


def write(tree, folder):
    for path, entry in tree.entries.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "link":
            target.symlink_to(entry.target)
        else:
            target.write_bytes(entry.content.read())
            target.chmod(0o755 if entry.executable else 0o644)
    return folder


def test_only_the_literal_of_sysconfig_names_the_prefix(edited):
    naming = {path for path, entry in edited.files() if b"/install" in entry.content.read()}
    assert naming == {DATA}


def test_no_build_folder_is_named_anywhere(edited):
    assert not [path for path, entry in edited.files() if b"/work/" in entry.content.read()]


def test_sysconfig_opens_with_the_literal_and_moves_when_imported(edited, tmp_path):
    text = edited.read(DATA).decode()
    assert text.startswith("# system configuration generated and used by the sysconfig module\nbuild_time_vars = {\n    'ALI")
    assert sysconfig_values(text)["BINDIR"] == "/install/bin"
    place = write(edited, tmp_path / "a place")
    module = {"__file__": str(place / DATA), "__name__": "data"}
    exec(compile(text, "data", "exec"), module)
    values = module["build_time_vars"]
    assert values["BINDIR"] == f"{place}/bin"
    assert values["prefix"] == str(place)
    assert values["CFLAGS"] == f"-O3 -I{place}/include -I/usr/install/x"
    assert values["INSTALL"] == "/usr/bin/install -c"
    assert values["ALIGNOF_LONG"] == 8
    assert values["RUNSHARED"] == ""
    assert values["TESTPYTHON"] == "./python -E"
    assert values["abs_srcdir"] == values["abs_builddir"] == f"{place}/{CONFIG}"
    assert "_relocate" not in module


def test_relocating_twice_changes_nothing(edited):
    assert edited.with_entries(edits(edited, LAYOUT, ())).entries == edited.entries


def test_scripts_find_the_interpreter_beside_them_from_a_spaced_place_and_through_links(edited, tmp_path):
    place = write(edited, tmp_path / "a place")
    link = tmp_path / "elsewhere"
    link.symlink_to(place / "bin" / "pip3")
    for script in (place / "bin" / "pip3", link):
        said = subprocess.run([script, "list", "two words"], capture_output=True, text=True, check=True).stdout
        assert said == f"interpreter {place}/bin/python3.13\nlist two words\n"


def test_scripts_are_still_python(edited):
    for path in ("bin/pip3", f"{CONFIG}/python-config.py"):
        compile(edited.read(path), path, "exec")
    done = subprocess.run([sys.executable, "-c", edited.read("bin/pip3"), "a"], capture_output=True, text=True, check=True)
    assert done.stdout == "['a']\n"


def test_config_script_tells_its_own_place(edited, tmp_path):
    place = write(edited, tmp_path / "a place")
    link = tmp_path / "config"
    link.symlink_to("a place/bin/python3.13-config")
    for script in (place / "bin" / "python3.13-config", link):
        said = subprocess.run([script], capture_output=True, text=True, check=True).stdout
        assert said == f"{place}/include\n"


def test_makefile_knows_its_place(edited, tmp_path):
    place = write(edited, tmp_path)
    probe = f"include {place}/{CONFIG}/Makefile\nshow:\n\t@echo $(LIBDIR)\n"
    done = subprocess.run(["make", "-f-", "show"], input=probe, capture_output=True, text=True, check=True)
    assert done.stdout == f"{place}/lib\n"


def test_pkgconfig_and_details_are_relative(edited):
    assert "prefix=${pcfiledir}/../..\n" in edited.read("lib/pkgconfig/python-3.13.pc").decode()
    details = json.loads(edited.read("lib/python3.13/build-details.json"))
    assert details == {
        "base_prefix": "../..",
        "base_interpreter": "bin/python3.13",
        "libpython": {"dynamic": "lib/libpython3.13.so", "static": f"{CONFIG}/libpython3.13.a"},
        "c_api": {"headers": "include/python3.13", "pkgconfig_path": "lib/pkgconfig"},
    }, "PEP 739: the prefix is relative to the file's folder, all others to the prefix"


def test_the_variables_that_3_14_keeps_as_json_name_no_folder_of_the_build(edited):
    assert json.loads(edited.read("lib/python3.13/_sysconfig_vars__linux.json")) == {
        "CFLAGS": "-O3 -I${prefix}/include",
        "TESTPYTHON": "./python -E",
        "abs_builddir": "config-3.13-x86_64-linux-gnu",
        "userbase": "~/.local",
        "ALIGNOF_LONG": 8,
        "installed": ["../.."],
    }


def test_names_that_make_install_leaves_out(edited):
    assert edited.entries["bin/python"].target == "python3.13"
    assert edited.entries["bin/pip"].target == "pip3"


def test_record_has_the_hash_of_the_changed_script(edited):
    rows = edited.read("lib/python3.13/site-packages/pip-25.dist-info/RECORD").decode().splitlines()
    assert rows[0].startswith("../../../bin/pip3,sha256=")
    assert rows[0].endswith(f",{len(edited.read('bin/pip3'))}")
    assert rows[1] == "pip/__init__.py,sha256=x,2"


@pytest.mark.parametrize("path", [DATA, f"{CONFIG}/Makefile"])
def test_a_tree_without_sysconfig_is_refused(path):
    with pytest.raises(BuildFailed, match=r"the tree has no lib/python3\.13"):
        edits(tree(**{path: ""}), LAYOUT, ())


def test_a_sysconfig_that_is_no_literal_is_refused():
    with pytest.raises(BuildFailed, match="not as CPython writes it"):
        edits(tree(**{DATA: "build_time_vars = dict(a=1)\n"}), LAYOUT, ())


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20) | st.integers(), max_size=5))
def test_sysconfig_round_trips(values):
    assert sysconfig_values(render_sysconfig(values)) == values


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("clang-19", "gcc"),
        ("clang-19 -shared", "gcc -shared"),
        ("clang-19 -shared -flto=full -g -ffat", "gcc -shared -g "),
        ("'CC=clang-19' 'CXX=g++'", "'CC=clang-19' 'CXX=g++'"),  # what configure was told stays as it was
        ("/usr/bin/clang-19", "/usr/bin/clang-19"),
        ("-flto -g", "-g"),
    ],
)
def test_a_word_of_sysconfig_is_dropped_or_becomes_another(said, left):
    text = json.dumps({"CC": said})
    data = f"build_time_vars = {{'CC': {said!r}}}\n"
    makefile = f"prefix=\t\t/install\nCC=\t{said}\n"
    vars_file = "lib/python3.13/_sysconfig_vars__linux.json"
    made = edits(tree(**{DATA: data, f"{CONFIG}/Makefile": makefile, vars_file: text}), LAYOUT, CLANG)
    assert sysconfig_values(made[DATA].content.read().decode()) == {"CC": left}
    assert f"CC=\t{left}\n" in made[f"{CONFIG}/Makefile"].content.read().decode()
    assert json.loads(made[vars_file].content.read()) == {"CC": left}
