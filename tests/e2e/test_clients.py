"""Clients of the one real cell, in a container of the distro that shares the host's loopback: uv, curl, images, `farm pull`."""

import io
import json
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import requests
import uv

from farm.store.artifact import BUILD_INFO_PATH, BuildInfo
from tests.fixtures_cell import FARM
from workers.build.base import repository_of

pytestmark = [pytest.mark.engine, pytest.mark.cell]

BACKEND = """
import os, subprocess, sysconfig, zipfile
NAME, VERSION = "farmext", "1.0"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    include = sysconfig.get_path("include")
    module = "farmext" + sysconfig.get_config_var("EXT_SUFFIX")
    flags = (sysconfig.get_config_var("CFLAGS") + " " + sysconfig.get_config_var("CCSHARED")).split()
    link = sysconfig.get_config_var("LDSHARED").split()
    compiler = sysconfig.get_config_var("CC").split()
    subprocess.run([*compiler, *flags, "-I" + include, "-c", "farmext.c", "-o", "farmext.o"], check=True)
    subprocess.run([*link, "farmext.o", "-o", module], check=True)
    tag = "cp{0}{1}-cp{0}{1}-linux_{2}".format(*sysconfig.get_python_version().split("."), os.uname().machine)
    name = "%s-%s-%s.whl" % (NAME, VERSION, tag)
    info = "%s-%s.dist-info/" % (NAME, VERSION)
    with zipfile.ZipFile(os.path.join(folder, name), "w") as wheel:
        wheel.write(module)
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: farmext\\nVersion: 1.0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: false\\nTag: %s\\n" % tag)
        wheel.writestr(info + "RECORD", "")
    return name

def build_sdist(folder, config_settings=None):
    raise NotImplementedError
"""
EXTENSION = """
#define PY_SSIZE_T_CLEAN
#include <Python.h>
static PyObject *answer(PyObject *self, PyObject *args) { return PyLong_FromLong(42); }
static PyMethodDef methods[] = {{"answer", answer, METH_NOARGS, ""}, {NULL, NULL, 0, NULL}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "farmext", NULL, -1, methods};
PyMODINIT_FUNC PyInit_farmext(void) { return PyModule_Create(&module); }
"""
PROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def sdist():
    stream = io.BytesIO()
    files = {
        "pyproject.toml": PROJECT,
        "backend.py": BACKEND,
        "farmext.c": EXTENSION,
        "PKG-INFO": "Metadata-Version: 2.1\nName: farmext\nVersion: 1.0\n",
    }
    with tarfile.open(fileobj=stream, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(f"farmext-1.0/{name}")
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return stream.getvalue()


def wheel():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("farmpure.py", "answer = 41\n")
        archive.writestr("farmpure-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: farmpure\nVersion: 1.0\n")
        archive.writestr("farmpure-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("farmpure-1.0.dist-info/RECORD", "")
    return stream.getvalue()


def bundle(files):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return stream.getvalue()


@pytest.fixture(scope="module")
def client(real_cell, engine):
    """A container of the builder image (the distro, with a compiler) on the host's network, with uv and two packages in it."""
    images = [
        image.tags[0]
        for image in engine._client.images.list(filters={"label": "farm.managed"})
        if image.tags and "python-farm/builder-debian13" in image.tags[0]
    ]
    container = engine._client.containers.run(
        images[0],
        ["sleep", "900"],
        detach=True,
        network_mode="host",
        environment={"UV_PYTHON_DOWNLOADS_JSON_URL": f"{real_cell.base_url}/channels/dev/uv/debian13.json", "HOME": "/root"},
        labels={"farm.test": "client"},
    )
    files = {"uv": Path(uv.find_uv_bin()).read_bytes(), "farmext-1.0.tar.gz": sdist(), "farmpure-1.0-py3-none-any.whl": wheel()}
    container.put_archive("/root", bundle(files))
    yield container
    container.remove(force=True)


def inside(container, command):
    code, output = container.exec_run(["sh", "-c", command], workdir="/root")
    text = output.decode()
    assert code == 0, text
    return text


def test_uv_installs_it_and_builds_an_extension_with_it(client, real_cell):
    assert "3.13.5" in inside(client, "./uv python install 3.13 -v 2>&1")
    prefix = inside(client, 'readlink -f "$(./uv python find 3.13)"').strip().removesuffix("/bin/python3.13")
    assert inside(client, f"cat {prefix}/BUILD").strip() == real_cell.artifact.build_id
    inside(client, "./uv venv -p 3.13 env")
    inside(client, "./uv pip install -p env --no-index --find-links . farmpure ./farmext-1.0.tar.gz")
    said = inside(client, "env/bin/python -c 'import farmext, farmpure; print(farmext.answer(), farmpure.answer)'")
    assert said.split() == ["42", "41"]
    where = inside(
        client, 'env/bin/python -c \'import sysconfig as s; print(s.get_config_var("LIBDIR"), s.get_config_var("BINDIR"))\''
    )
    assert where.split() == [f"{prefix}/lib", f"{prefix}/bin"]
    built = inside(client, "readelf -d env/lib/python3.13/site-packages/farmext*.so")
    assert "libpython" not in built


def test_a_wrong_hash_is_refused_by_uv(client, real_cell):
    index = requests.get(f"{real_cell.base_url}/channels/dev/uv/debian13.json", timeout=30).json()
    for entry in index.values():
        entry["sha256"] = "0" * 64
    client.put_archive("/root", bundle({"wrong.json": json.dumps(index).encode()}))
    code, output = client.exec_run(
        ["sh", "-c", "./uv python install -r --no-cache --python-downloads-json-url wrong.json --install-dir /root/w 3.13"],
        workdir="/root",
    )
    assert code != 0
    assert "Hash mismatch" in output.decode()


def test_curl_and_sha256sum_as_the_readme_has_it(client, real_cell):
    snippet = real_cell.farm("info", real_cell.name).stdout
    line = next(line.strip() for line in snippet.splitlines() if "sha256sum -c" in line)
    info = real_cell.artifact.archive("install_only", "tar.gz")
    client.put_archive("/root", bundle({info.name: real_cell.archive().read_bytes()}))
    inside(client, line)
    assert inside(client, "/opt/python/bin/python3 -c 'print(6 * 7)'").strip() == "42"


def base_of(engine, real_cell):
    """The base image that the cell was built from; an engine that was used before has others too, of other architectures."""
    build = real_cell.artifact.build
    repository = repository_of(build.distro, build.arch)
    names = [build.base_image.name, *(f"{repository}:{tag}" for tag in engine.tags(repository))]
    return next(name for name in names if engine.layers(name) == build.base_image.layers)


def test_a_dockerfile_adds_it_to_the_pristine_image(engine, real_cell, tmp_path):
    info = real_cell.artifact.archive("install_only", "tar.gz")
    base = base_of(engine, real_cell)
    dockerfile = f"FROM {base}\nADD {info.name} /opt/\nENV PATH=/opt/python/bin:$PATH\n"
    context = bundle({"Dockerfile": dockerfile.encode(), info.name: real_cell.archive().read_bytes()})
    image, _ = engine._client.images.build(
        fileobj=io.BytesIO(context), custom_context=True, tag="python-farm/test-add:1", rm=True, forcerm=True
    )
    try:
        said = engine._client.containers.run(
            image.id, ["python3", "-c", "import sys; print(sys.prefix)"], remove=True, network_mode="none", user="1000:1000"
        )
        assert said.decode().strip() == "/opt/python"
    finally:
        engine._client.images.remove("python-farm/test-add:1", force=True)


@pytest.fixture(scope="module")
def served(real_cell):
    """The bucket as a registry at the root of a host."""
    words = [FARM, "serve", "--port", "0", "--quiet"]
    with subprocess.Popen(words, env=real_cell.environment, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().split()[-1]
        process.terminate()


def test_a_dockerfile_copies_it_from_the_store_as_a_registry(engine, real_cell, served):
    base = base_of(engine, real_cell)
    source = f"{served.removeprefix('http://')}/python:dev-3.13-debian13"
    dockerfile = f"FROM {base}\nCOPY --from={source} /python /opt/python\nENV PATH=/opt/python/bin:$PATH\n"
    image, _ = engine._client.images.build(
        fileobj=io.BytesIO(dockerfile.encode()), tag="python-farm/test-copy:1", rm=True, forcerm=True
    )
    try:
        said = engine._client.containers.run(
            image.id, ["python3", "-c", "import sys; print(sys.prefix)"], remove=True, network_mode="none", user="1000:1000"
        )
        assert said.decode().strip() == "/opt/python"
    finally:
        engine._client.images.remove("python-farm/test-copy:1", force=True)
        engine._client.images.remove(source, force=True)


@pytest.mark.parametrize("where", ["bucket", "http"])
def test_it_is_pulled_from_the_bucket_and_over_http(real_cell, served, where, tmp_path):
    source = ("--from", served) if where == "http" else ()
    words = ("--to", str(tmp_path / "python"), "--distro", "debian13", "--channel", "dev", *source)
    done = real_cell.farm("pull", "3.13", *words, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["build_id"] == real_cell.artifact.build_id
    inside = BuildInfo.model_validate_json((tmp_path / "python" / BUILD_INFO_PATH).read_bytes())
    assert inside == real_cell.artifact.build
    assert (tmp_path / "python" / "bin" / "python3").resolve().stat().st_mode & 0o111
