"""Which modules must be there comes from the source's lists and our rows."""

from types import SimpleNamespace

from farm.plan.recipe import Layout, ModuleRule, Trim
from workers.build.modules import expected, parse_lists

TEXTS = {
    "bootstrap": "# ---\n*static*\natexit atexitmodule.c\n@MODULE_PWD_TRUE@pwd pwdmodule.c\n_io _io/_iomodule.c _io/iobase.c\n",
    "stdlib": (
        "*@MODULE_BUILDTYPE@*\n#@MODULE_NIS_TRUE@nis nismodule.c\n@MODULE_ZLIB_TRUE@zlib zlibmodule.c\n"
        "@MODULE__SCPROXY_TRUE@_scproxy _scproxy.c\n*shared*\n@MODULE__TESTCAPI_TRUE@_testcapi _testcapimodule.c\n"
    ),
    "core": 'struct _inittab x[] = {\n    {"marshal", PyMarshal_Init},\n    {"builtins", NULL},\n',
    "names": 'static const char* names[] = {\n"__future__",\n"zlib",\n"nt",\n};\n',
}


def recipe(*rules):
    return SimpleNamespace(
        modules=rules,
        trims=(Trim("lib/{lib}/lib-dynload/_test*", "tests"),),
        layout=Layout("3.13", "", "python3.13", "python3.13", "libpython3.13.so.1.0"),
    )


def test_the_sources_lists_are_read():
    lists = parse_lists(TEXTS)
    assert lists.builtin == {"atexit", "pwd", "_io", "marshal", "builtins"}
    assert lists.extensions == {"zlib", "_scproxy", "_testcapi"}
    assert lists.stdlib == {"__future__", "zlib", "nt"}


def test_rows_add_and_remove():
    rules = (ModuleRule("_scproxy", present=False), ModuleRule("nt", present=False), ModuleRule("_extra", present=True))
    modules = expected(parse_lists(TEXTS), recipe(*rules))
    assert modules.shared == ("_extra", "zlib")
    assert modules.tests == ("_testcapi",)
    assert modules.stdlib == ("__future__", "zlib")
    assert "marshal" in modules.builtin


def test_without_rows_nothing_is_dropped():
    assert expected(parse_lists(TEXTS), recipe()).shared == ("_scproxy", "zlib")
