"""Which modules must be there comes from the source's lists and our rows."""

import io
import tarfile
from types import SimpleNamespace

from farm.plan.recipe import Layout, ModuleRule, Trim
from workers.build.modules import SourceLists, expected, parse_lists, source_lists

TEXTS = {
    "bootstrap": "# ---\n*static*\natexit atexitmodule.c\n@MODULE_PWD_TRUE@pwd pwdmodule.c\n_io _io/_iomodule.c _io/iobase.c\n",
    "stdlib": (
        "*@MODULE_BUILDTYPE@*\n#@MODULE_NIS_TRUE@nis nismodule.c\n@MODULE_ZLIB_TRUE@zlib zlibmodule.c\n"
        "@MODULE__SCPROXY_TRUE@_scproxy _scproxy.c\n*shared*\n@MODULE__TESTCAPI_TRUE@_testcapi _testcapimodule.c\n"
    ),
    "core": 'struct _inittab x[] = {\n    {"marshal", PyMarshal_Init},\n    {"builtins", NULL},\n',
    "setup": "exts.append(Extension('never', ['never.c']))\n",
    "library": "Lib/os.py\n",
    "names": 'static const char* names[] = {\n"__future__",\n"zlib",\n"nt",\n};\n',
}


def recipe(*rules, linked=()):
    return SimpleNamespace(
        modules=rules,
        linked=linked,
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


def test_what_is_linked_in_is_no_file():
    modules = expected(parse_lists(TEXTS), recipe(linked=("zlib",)))
    assert "zlib" in modules.builtin
    assert modules.shared == ("_scproxy",)


def test_without_rows_nothing_is_dropped():
    assert expected(parse_lists(TEXTS), recipe()).shared == ("_scproxy", "zlib")


OLD = {
    "bootstrap": (
        "DESTLIB=$(LIBDEST)\nposix -DPy_BUILD_CORE -I$(srcdir)/x posixmodule.c # not: other.c\n#time timemodule.c\n"
        "_io -I$(srcdir)/Modules/_io _io/_iomodule.c _io/iobase.c\n\t\t# if $HOME is not set\n"
        "@USE_SIGNAL_MODULE@signal signalmodule.c\n"
    ),
    "stdlib": "",
    "setup": (
        "        exts.append( Extension('time', ['timemodule.c']) )\n        #exts.append(Extension('timing', ['t.c']))\n"
        "        self.add(Extension(\n            '_long', ['_l.c']))\n        addMacExtension('_CF', kwds)\n"
    ),
    "core": 'struct _inittab x[] = {\n    {"marshal", PyMarshal_Init},\n    {0, 0}\n',
    "names": "",
    "library": "Lib/os.py\nLib/json/__init__.py\n",
}


def test_lists_of_versions_that_build_with_setup_py():
    lists = parse_lists(OLD)
    assert lists.builtin == {"posix", "_io", "signal", "marshal"}
    assert lists.extensions == {"time", "_long"}
    assert lists.stdlib == {"os", "json"}


def test_a_source_archive_is_read(tmp_path):
    files = {
        "Modules/Setup.dist": "posix posixmodule.c\n",
        "Modules/Setup.config.in": "@USE_THREAD_MODULE@thread threadmodule.c\n",
        "setup.py": "Extension('math', [])\n",
        "Lib/os.py": "",
        "Lib/json/__init__.py": "",
        "Lib/json/decoder.py": "",
        "Lib/plat-linux2/DLFCN.py": "",
    }
    with tarfile.open(tmp_path / "x.tar", "w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"Python-2.7.18/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    lists = source_lists(tmp_path / "x.tar")
    assert lists == SourceLists(frozenset({"posix", "thread"}), frozenset({"math"}), frozenset({"os", "json"}))


def test_what_a_list_of_extensions_links_in_is_builtin():
    """3.15 has _asyncio so, at the end of Setup.stdlib.in."""
    more = "\n# for performance\n*static*\n\n@MODULE__ASYNCIO_TRUE@_asyncio _asynciomodule.c\n"
    lists = parse_lists(TEXTS | {"stdlib": TEXTS["stdlib"] + more + "*shared*\n@MODULE_X_TRUE@last last.c\n"})
    assert "_asyncio" in lists.builtin
    assert lists.extensions == {"zlib", "_scproxy", "_testcapi", "last"}
