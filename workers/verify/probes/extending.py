"""Build an extension with a build system in an environment of its own, install and import it. Runs in the interpreter under
test, 2.7 and later, where a compiler is and no network.

Arguments: the name of a trial, a folder to work in, a folder with wheels, and the names of those to install first, as JSON.
"""

import json
import os
import shutil
import sys
import sysconfig

from steps import Broken, expect, product, run

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = {}
for _name in ("extension.c", "extension.cpp"):
    with open(os.path.join(HERE, _name)) as _source:
        SOURCES[_name] = _source.read()
C_ALONE = {"extension.c": SOURCES["extension.c"]}  # extension.cpp includes it
SETUP = "from setuptools import Extension, setup\nsetup(name='farm-ext', version='1.0', ext_modules=[{}])\n"
PYX = """
from libc.math cimport sqrt
def answer():
    cdef double root = sqrt(1764.0)
    return int(root)
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "{}"\n[project]\nname = "farm-ext"\nversion = "1.0"\n'
MESON = """project('farm-ext', {language}, version: '1.0')
py = import('python').find_installation(pure: false)
py.extension_module('farm_extension', '{source}', install: true, dependencies: py.dependency())
"""
CMAKE = """cmake_minimum_required(VERSION 3.18)
project(farm_ext {language})
find_package(Python COMPONENTS Interpreter Development.Module REQUIRED)
python_add_library(farm_extension MODULE WITH_SOABI {source})
install(TARGETS farm_extension DESTINATION .)
"""
# Both are silent about compilers unless they are told.
MESON_PY = PROJECT.format("mesonpy") + '[tool.meson-python.args]\ncompile = ["-v"]\n'
CMAKE_PY = PROJECT.format("scikit_build_core.build") + "[tool.scikit-build]\nbuild.verbose = true\n"


def having(sources, more):
    """The files of a project."""
    return dict(list(sources.items()) + list(more.items()))


def meson(language, source):
    """A project for meson-python."""
    return having(SOURCES, {"pyproject.toml": MESON_PY, "meson.build": MESON.format(language=language, source=source)})


def cmake(language, source):
    """A project for scikit-build-core."""
    return having(SOURCES, {"pyproject.toml": CMAKE_PY, "CMakeLists.txt": CMAKE.format(language=language, source=source)})


C_SETUP = SETUP.format("Extension('farm_extension', ['extension.c'])")
PLUS_SETUP = SETUP.format("Extension('farm_extension', ['extension.cpp'], language='c++', extra_compile_args=['-std=c++11'])")

# Files of the projects by trial; a name of the wheel that is the trial itself where there is no project.
TRIALS = {
    "setuptools": [having(C_ALONE, {"setup.py": C_SETUP})],
    "c++": [having(SOURCES, {"setup.py": PLUS_SETUP, "MANIFEST.in": "include *.c\n"})],
    "cython": [
        {
            "setup.py": "from Cython.Build import cythonize\nfrom setuptools import Extension, setup\n"
            "setup(name='farm-ext', version='1.0', "
            "ext_modules=cythonize([Extension('farm_extension', ['farm_extension.pyx'])], language_level=3))\n",
            "farm_extension.pyx": PYX,
            "MANIFEST.in": "include *.pyx\n",  # or the sdist has the C that Cython made, and no source
        }
    ],
    "meson": [meson("'c'", "extension.c"), meson("'c', 'cpp'", "extension.cpp")],
    "cmake": [cmake("C", "extension.c"), cmake("CXX", "extension.cpp")],
}
WHEELS = {"manylinux": "import psutil, psutil._psutil_linux as core; assert psutil.Process().pid > 1; print(core.__file__)"}


class Environment:
    """A virtual environment; before 3.3 a folder on PYTHONPATH."""

    def __init__(self, folder):
        """Make it."""
        self.folder, self.variables, self.target = folder, {}, []
        self.python = sys.executable
        if sys.version_info >= (3, 3):
            run("make an environment", [sys.executable, "-m", "venv", folder])
            self.python = os.path.join(folder, "bin", "python")
        else:
            self.variables, self.target = {"PYTHONPATH": folder}, ["--target", folder]
        self.variables["PATH"] = os.path.join(folder, "bin") + os.pathsep + os.environ.get("PATH", "")

    def run(self, step, arguments, cwd=None):
        """What its interpreter prints."""
        return run(step, [self.python] + arguments, cwd=cwd, **self.variables)  # noqa: RUF005 - 2.7 runs it

    def install(self, step, what, *options):
        """Let pip install it; gives all that pip and what it calls print."""
        pip = ["-m", "pip", "--disable-pip-version-check", "--no-cache-dir", "install", "-v", "--no-index", "--no-deps"]
        return self.run(step, pip + self.target + list(options) + what)


def packed(environment, project, files):
    """The project as pip gets it: with setuptools as an sdist, else as a folder."""
    os.makedirs(project)
    for name, text in files.items():
        with open(os.path.join(project, name), "w") as file:
            file.write(text)
    if "setup.py" not in files:
        return project
    environment.run("make an sdist", ["setup.py", "-q", "sdist", "--formats=gztar"], cwd=project)
    (name,) = os.listdir(os.path.join(project, "dist"))
    return os.path.join(project, "dist", name)


def trial(name, folder, wheels, names):
    """What came of each project of it, or of the wheel that it is."""
    shutil.rmtree(folder, ignore_errors=True)
    environment = Environment(os.path.join(folder, "environment"))
    environment.install("install its wheels", [os.path.join(wheels, wheel) for wheel in names])
    if name in WHEELS:
        return [product(environment.run("import it", ["-c", WHEELS[name]]).splitlines()[-1], "", compiled=False)]
    projects = enumerate(TRIALS[name])
    return [built(environment, os.path.join(folder, "project {}".format(number)), files) for number, files in projects]


def built(environment, project, files):
    """What came of a project; the one before it, of the same name, is replaced."""
    archive = packed(environment, project, files)
    log = environment.install("build and install it", [archive], "--no-build-isolation", "--force-reinstall")
    code = "import farm_extension as m; print(m.__file__); print(m.answer())"
    path, answer = environment.run("import it", ["-c", code]).splitlines()[-2:]
    expect("ask it", answer, "42")
    suffix = sysconfig.get_config_var("EXT_SUFFIX") or sysconfig.get_config_var("SO")
    if not path.endswith(suffix):
        raise Broken("look at its name", "{} does not end with {}".format(path, suffix))
    return product(path, log)


def main(name, folder, wheels, names):
    """Print the facts."""
    facts = {"error": "", "step": "", "needed": [], "leaks": [], "flags": []}
    try:
        products = trial(name, folder, wheels, json.loads(names))
        facts["path"] = products[0]["path"]
        for key in ("needed", "leaks", "flags"):
            facts[key] = sorted({value for made in products for value in made[key]})
    except Broken as error:
        facts["step"], facts["error"] = error.args
    sys.stdout.write("@@facts " + json.dumps(facts) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
