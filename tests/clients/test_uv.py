"""uv, which installs from the index that a channel has for it, and what it makes of an index that ours never is."""

from __future__ import annotations

import json
import platform
import sys
import threading
from functools import partial
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest

from farm.store import keys
from tests.clients.conftest import run, tool
from tests.clients.shop import CHANNEL
from tests.fakes import Host

OLD, NEW = "2026112201", "2026112202"


def cell(arch, python="3.13.5", variant="", distro="debian13"):
    return f"{python}-{distro}-{arch}{variant}"


def index_of(shop, distro="debian13"):
    return json.loads(shop.text(keys.uv_index(CHANNEL, distro)))


def installed(home):
    folder = home["HOME"] + "/.local/bin/python3.13"
    return run(home, folder).split()


def test_uv_installs_and_upgrades_to_a_rebuilt_version(shop, uv, home, host_arch):
    shop.offer(cell(host_arch), OLD)
    uv("install", "3.13")
    assert installed(home) == ["Python", "3.13.5", OLD]
    shop.offer(cell(host_arch), NEW)
    assert "3.13.5" in uv("upgrade", "3.13")
    assert installed(home) == ["Python", "3.13.5", NEW]
    shop.offer(cell(host_arch, "3.13.6"), OLD)
    uv("upgrade", "3.13")
    assert installed(home) == ["Python", "3.13.6", OLD]
    run(home, tool("uv"), "python", "uninstall", "--all", "--no-config")
    assert not list(Path(home["HOME"], ".local/share/uv/python").glob("cpython-*"))
    assert not Path(home["HOME"], ".local/bin/python3.13").exists()


def test_uv_lists_and_tells_a_free_threaded_build_from_the_other(shop, uv, home, host_arch):
    shop.offer(cell(host_arch, "3.14.0"))
    shop.offer(cell(host_arch, "3.14.0", "-freethreaded"))
    listed = json.loads(uv("list", "--only-downloads", "--all-versions", "--output-format", "json"))
    assert {(found["version"], found["variant"]) for found in listed} == {("3.14.0", "default"), ("3.14.0", "freethreaded")}
    uv("install", "3.14t")
    assert "python3.14t" in run(home, "ls", f"{home['HOME']}/.local/bin")


def test_uv_refuses_what_was_changed(shop, uv, host_arch):
    entry = shop.offer(cell(host_arch))
    shop.spoil(next(archive.key for archive in entry.archives if archive.format == "tar.zst"))
    said = uv("install", "3.13", ok=False)
    assert "Hash mismatch" in said or "Failed to extract" in said


def test_uv_refuses_another_hash_than_the_index_says(shop, uv, home, host_arch):
    shop.offer(cell(host_arch))
    ((label, entry),) = index_of(shop).items()
    assert "Hash mismatch" in uv("install", "3.13", index={label: entry | {"sha256": "0" * 64}}, ok=False)
    assert not list(Path(home["HOME"], ".local/share/uv/python").glob("cpython-*"))


def test_a_mirror_for_the_pythons_of_uvs_maker_is_in_the_way(shop, uv, host_arch):
    shop.offer(cell(host_arch))
    assert "does not match the expected format" in uv("install", "3.13", ok=False, UV_PYTHON_INSTALL_MIRROR=shop.base_url)


@pytest.mark.parametrize("way", ["environment", "uv.toml", "a copy on disk", "a file's address"])
def test_uv_is_told_of_the_index_in_each_way_that_it_has(shop, home, tmp_path, host_arch, way):
    shop.offer(cell(host_arch), OLD)
    index = shop.url(keys.uv_index(CHANNEL, "debian13"))
    if way in ("a copy on disk", "a file's address"):
        copy = tmp_path / "index.json"
        copy.write_text(shop.text(keys.uv_index(CHANNEL, "debian13")))
        index = str(copy) if way == "a copy on disk" else copy.as_uri()
    (tmp_path / "uv.toml").write_text(f'python-downloads-json-url = "{index}"\n' if way == "uv.toml" else "")
    told = {} if way == "uv.toml" else {"UV_PYTHON_DOWNLOADS_JSON_URL": index}
    run(home | told, tool("uv"), "python", "install", "3.13", "--cache-dir", tmp_path / "cache", cwd=tmp_path)
    assert installed(home) == ["Python", "3.13.5", OLD]
    (managed,) = Path(home["HOME"], ".local/share/uv/python").glob("cpython-3.13.5-*")
    assert (managed / "lib" / "python3.13" / "EXTERNALLY-MANAGED").exists(), "pip installs into environments only"
    assert (managed / "BUILD").read_text() == OLD


def test_environments_and_scripts_take_it_by_the_configuration_alone(shop, home, tmp_path, host_arch):
    """`uv venv` and `uv run` have no option for the index; this Python hands on to the one that runs the tests."""
    version = platform.python_version()
    shop.offer(cell(host_arch, version), OLD, behind=sys.executable)
    (tmp_path / "uv.toml").write_text(f'python-downloads-json-url = "{shop.url(keys.uv_index(CHANNEL, "debian13"))}"\n')
    uv = partial(
        run, home | {"UV_CACHE_DIR": str(tmp_path / "cache"), "UV_PYTHON_PREFERENCE": "only-managed"}, tool("uv"), cwd=tmp_path
    )
    uv("python", "pin", version)
    assert (tmp_path / ".python-version").read_text().strip() == version
    assert "unexpected argument" in uv("venv", "--python-downloads-json-url", "x", "env", ok=False)
    uv("venv", "env")
    assert any(line for line in shop.asked if "install_only.tar.zst" in line)
    said = run(
        home, tmp_path / "env" / "bin" / "python", "-c", "import sys; print(*sys.version_info[:3], sep='.'); print(sys.prefix)"
    )
    assert said.split() == [version, str(tmp_path / "env")]
    assert uv("run", "--no-project", "-p", version, "python", "-c", "print(6 * 7)").split()[-1] == "42"


# --- which build ----------------------------------------------------------------------------------------------------


def test_a_named_build_is_taken_or_none(shop, uv, home, host_arch):
    shop.offer(cell(host_arch), OLD)
    shop.offer(cell(host_arch), NEW)
    assert "No download found" in uv("install", "3.13", ok=False, UV_PYTHON_CPYTHON_BUILD=OLD)
    uv("install", "3.13", UV_PYTHON_CPYTHON_BUILD=NEW)
    assert installed(home) == ["Python", "3.13.5", NEW]


def test_only_a_named_build_tells_two_distros_in_one_index_apart(shop, uv, home, host_arch):
    """Why every distro has an index of its own: without the name uv takes either, and calls what is there installed."""
    shop.offer(cell(host_arch), OLD)
    shop.offer(cell(host_arch, distro="debian12"), NEW)
    mixed = {
        f"{distro} {label}": entry for distro in ("debian13", "debian12") for label, entry in index_of(shop, distro).items()
    }
    assert len(mixed) == 2
    for build, words in ((OLD, ()), (NEW, ("-r",)), (OLD, ("-r",))):
        uv("install", *words, "3.13", index=mixed, UV_PYTHON_CPYTHON_BUILD=build)
        assert installed(home) == ["Python", "3.13.5", build]
    assert "already installed" in uv("install", "3.13", index=mixed, UV_PYTHON_CPYTHON_BUILD=NEW)
    assert installed(home) == ["Python", "3.13.5", OLD]


# --- what is kept ---------------------------------------------------------------------------------------------------


def test_an_archive_that_was_kept_is_enough_without_a_network(shop, uv, home, tmp_path, host_arch):
    shop.offer(cell(host_arch), OLD)
    kept = {"UV_PYTHON_CACHE_DIR": str(tmp_path / "kept")}
    uv("install", "3.13", index=index_of(shop), **kept)
    (archive,) = (tmp_path / "kept").glob("*.tar.zst")
    (entry,) = index_of(shop).values()
    assert archive.name == f"{entry['sha256'][:9]}-{entry['url'].rpartition('/')[2]}"
    run(home, tool("uv"), "python", "uninstall", "--all", "--no-config")
    asked = len(shop.asked)
    uv("install", "3.13", "--offline", index=index_of(shop), **kept)
    assert installed(home) == ["Python", "3.13.5", OLD]
    assert len(shop.asked) == asked


@pytest.mark.parametrize("plain", [False, True], ids=["as we serve it", "without Cache-Control"])
def test_a_new_index_is_seen_at_once_where_caching_is_forbidden(shop, uv, home, host_arch, plain):
    """A server that says nothing of caching lets uv keep the old index for a while: docs/clients.md."""
    shop.offer(cell(host_arch), OLD)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, directory=str(shop.store.root))) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,)).start()
        try:
            where = f"http://127.0.0.1:{running.server_port}/" if plain else f"{shop.base_url}/"
            index = where + keys.uv_index(CHANNEL, "debian13")
            uv("install", "3.13", index=index)
            shop.offer(cell(host_arch), NEW)
            uv("upgrade", "3.13", index=index)
        finally:
            running.shutdown()
    assert installed(home)[-1] == (OLD if plain else NEW)


# --- an index that ours never is ------------------------------------------------------------------------------------


def test_what_uv_makes_of_an_index_that_ours_never_is(shop, uv, host_arch):
    """Why there is no version of a schema in it, and no distro in a name."""
    shop.offer(cell(host_arch))
    ours = index_of(shop)
    assert "version" not in ours
    (key,) = ours
    ours[key]["name"] = "cpython-debian13"
    assert "not a valid Python download request" in uv("install", "cpython-debian13@3.13", index=ours, ok=False)
    assert "too old" in uv("install", "3.13", index={"version": 1, "broken": {}}, ok=False)


UNREADABLE, UNKNOWN = "Unable to parse the JSON Python download list", "No download found for request: cpython-3.13"
CHANGES = {
    "nothing": ({}, ""),
    "fields of others": ({"distro": "debian13", "yanked": None, "sbom": {"url": "x"}}, ""),
    "an arch as text": ({"arch": "x86_64"}, UNREADABLE),
    "a number as text": ({"patch": "5"}, UNREADABLE),
    "a libc": ({"libc": "glibc"}, UNKNOWN),
    "an os": ({"os": "debian"}, UNKNOWN),
    "a variant": ({"variant": "debian13"}, UNKNOWN),
    "a relative address": ({"url": "cpython.tar.zst"}, "relative URL without a base"),
    "a bucket's address": ({"url": "s3://bucket/cpython.tar.zst"}, "URL scheme is not allowed"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_wrong_type_costs_the_whole_index_and_another_wrong_value_its_entry(shop, uv, host_arch, what):
    changed, said = CHANGES[what]
    shop.offer(cell(host_arch))
    ((label, entry),) = index_of(shop).items()
    assert said in uv("install", "3.13", index={label: entry | changed}, ok=not said)
    beside = uv(
        "install", "-r", "3.13", index={label: entry, "another": entry | changed | {"minor": 12}}, ok=said != UNREADABLE
    )
    assert (UNREADABLE in beside) == (said == UNREADABLE)


def test_four_fields_may_be_left_out(shop, uv, home, host_arch):
    shop.offer(cell(host_arch))
    (label, entry), *_ = index_of(shop).items()
    few = {name: value for name, value in entry.items() if name not in ("prerelease", "sha256", "variant", "build")}
    uv("install", "3.13", index={label: few})
    assert installed(home) == ["Python", "3.13.5", OLD]
