"""What configure wrote down is compared with its baselines, but for rows that say why."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.verify.boxes import look
from tests.verify.configured import configured, told
from tests.verify.crafted import build_info
from workers.verify import baselines


def test_what_configure_found_elsewhere_is_as_the_rows_say(tmp_path):
    assert look("headers.pyconfig", configured().subject(tmp_path / "same")) == ()
    rows = {row.name: row.here for row in baselines.rows("pyconfig", build_info(distro="debian13"), (2, 7, 18))}
    assert set(rows) == {"HAVE_BLUETOOTH_BLUETOOTH_H", "HAVE_LCHMOD", "WINDOW_HAS_FLAGS", "_REENTRANT"}
    assert look("headers.pyconfig", configured(distro="debian13", **rows).subject(tmp_path / "rows")) == ()


def test_a_sysconfig_is_as_the_baseline_and_the_rows_say(tmp_path):
    assert look("headers.sysconfig", told().subject(tmp_path / "same")) == ()
    assert look("headers.sysconfig", told(LDSHARED="gcc  -shared ", LIBDIR="/install/lib").subject(tmp_path / "more")) == ()


def test_compilers_that_every_machine_has_are_named_with_and_without_a_folder(tmp_path):
    said = {"CC": "gcc -pthread", "CXX": "/usr/bin/g++", "AR": "gcc-ar", "LINKCC": "", "CONFIG_ARGS": "'CC=clang-19'"}
    assert look("headers.compiler", told(**said).subject(tmp_path)) == ()


def test_what_has_another_abi_has_no_baseline():
    assert baselines.baseline("sysconfig", build_info(arch="arm64", abiflags="t")) is None
    assert baselines.baseline("sysconfig", build_info(arch="arm64")) is not None


def test_headers_are_read_as_the_preprocessor_would():
    text = '#if 1\n#  define A 1\n#endif\n#define B\n/* #undef C */\n#define D "x y"\n#define E (1 + 2)  \n'
    assert baselines.read(text) == {"A": "1", "B": "", "D": '"x y"', "E": "(1 + 2)"}


@given(st.dictionaries(st.from_regex(r"[A-Z_]\w{0,9}", fullmatch=True), st.from_regex(r"(\w( \w)*)?", fullmatch=True)))
def test_what_is_defined_is_read(defined):
    assert baselines.read("".join(f"#define {name} {value}\n" for name, value in defined.items())) == defined
