"""Base images: pulled or bootstrapped, once a day, the same bytes for equal packages."""

from __future__ import annotations

import functools
import os
import threading
import time
from contextlib import closing
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from farm.errors import BadInput, Cancelled, Transient
from farm.settings import Settings
from tests.fakes import EngineSocket, ImageShelf
from workers.build.base import Found, Release, ensure_base, find_suites, mmdebstrap
from workers.engine.docker import DockerEngine

DAY = "20261122"
PULLED = ("sha256:pulled",)
RELEASE_FILE = "Origin: Debian\nDate: Sat, 12 Sep 2026 07:55:41 UTC\n"
DATED = 1789199741

# Stands in for the real one: writes what it was asked for, and fails when told to.
MMDEBSTRAP = """#!/bin/sh
set -eu
echo "I: pretending"
[ ! -e "$0.stalled" ] || sleep 600
[ ! -e "$0.broken" ] || { echo "E: no space left"; exit 25; }
for argument; do case $argument in *.tar) target=$argument;; esac; done
echo "$SOURCE_DATE_EPOCH" > "$target"
for argument; do case $argument in *.tar) ;; *) echo "$argument" >> "$target";; esac; done
"""


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


@pytest.fixture
def mirror(tmp_path):
    """A Debian mirror with two archives, and its url."""
    root = tmp_path / "mirror"
    for suite in ("debian/dists/trixie", "debian/dists/trixie-updates", "debian-security/dists/trixie-security"):
        (root / suite).mkdir(parents=True)
        (root / suite / "Release").write_text(RELEASE_FILE)
    handler = functools.partial(QuietHandler, directory=str(root))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/debian"
        server.shutdown()
        thread.join()


@pytest.fixture
def program(tmp_path, monkeypatch):
    """The path of the mmdebstrap that is found."""
    script = tmp_path / "bin" / "mmdebstrap"
    script.parent.mkdir()
    script.write_text(MMDEBSTRAP)
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:{os.environ['PATH']}")
    return script


@pytest.fixture
def release(tmp_path):
    keyring = tmp_path / "keyring.gpg"
    keyring.touch()
    return Release("debian13", "debian:13-slim", ("trixie", "trixie-updates", "trixie-security"), str(keyring))


@pytest.fixture
def settings(tmp_path, mirror, program, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    return Settings(cache=tmp_path / "cache", apt_mirror=mirror, base_image="auto", registry="")


def bootstrapping(settings: Settings) -> Settings:
    return settings.model_copy(update={"base_image": "bootstrap"})


def rootfs_of(settings: Settings) -> list[Path]:
    return sorted(path for path in (settings.cache / "bases").iterdir() if path.suffix == ".tar")


def test_it_is_pulled_where_a_registry_has_it(release, settings, lines):
    shelf = ImageShelf({"debian:13-slim": PULLED})
    base = ensure_base(release, "amd64", shelf, settings, lines.append, day=DAY)
    assert (base.name, base.how, base.layers) == ("debian:13-slim", "pull", PULLED)


def test_it_is_pulled_once_a_day(release, settings, lines):
    shelf = ImageShelf({"debian:13-slim": PULLED})
    for day in (DAY, DAY, "20261123"):
        ensure_base(release, "amd64", shelf, settings, lines.append, day=day)
    assert len(shelf.pulls) == 2


def test_it_is_pulled_again_when_the_engine_lost_or_changed_it(release, settings, lines):
    shelf = ImageShelf({"debian:13-slim": PULLED})
    for images in ({}, {}, {"debian:13-slim": ("sha256:another",)}):
        shelf.images = dict(images)
        assert ensure_base(release, "amd64", shelf, settings, lines.append, day=DAY).layers == PULLED
    assert len(shelf.pulls) == 3


def test_an_image_for_another_architecture_is_not_used(tmp_path):
    pulled = {"/images/create": [{"status": "Pulled"}], "/json": {"Id": "sha256:1", "Architecture": "amd64"}}
    with closing(EngineSocket(tmp_path / "engine.sock", pulled)) as heard, closing(DockerEngine(heard.url)) as engine:
        engine.load_base(None, "debian:13-slim", arch="amd64")
        assert any("fromImage=debian&platform=linux%2Famd64" in asked for asked in heard.asked), heard.asked
        with pytest.raises(Transient, match="asked for arm64, and is for amd64"):
            engine.load_base(None, "debian:13-slim", arch="arm64")


def test_the_registry_setting_stands_before_the_name(release, settings, lines):
    name = "registry.example.org/mirror/debian:13-slim"
    shelf = ImageShelf({name: PULLED})
    set_up = settings.model_copy(update={"registry": "registry.example.org/mirror/", "base_image": "pull"})
    assert ensure_base(release, "amd64", shelf, set_up, lines.append, day=DAY).name == name


def test_without_a_registry_it_is_bootstrapped(release, settings, lines):
    shelf = ImageShelf()
    base = ensure_base(release, "amd64", shelf, settings, lines.append, day=DAY)
    assert (base.name, base.how) == (f"python-farm/base-debian13-amd64:{DAY}", "bootstrap")
    assert base.layers == shelf.images[base.name]
    assert any("no registry gives debian:13-slim" in line for line in lines)
    assert "I: pretending" in lines


def test_pull_alone_never_bootstraps(release, settings, lines):
    with pytest.raises(Transient, match="no registry has debian:13-slim"):
        ensure_base(release, "amd64", ImageShelf(), settings.model_copy(update={"base_image": "pull"}), lines.append, day=DAY)


def test_bootstrap_alone_never_pulls(release, settings, lines):
    shelf = ImageShelf({"debian:13-slim": PULLED})
    assert ensure_base(release, "amd64", shelf, bootstrapping(settings), lines.append, day=DAY).how == "bootstrap"
    assert shelf.pulls == []


def test_it_is_bootstrapped_once_a_day_and_two_workers_agree(release, settings, lines, tmp_path):
    shelf, other = ImageShelf(), ImageShelf()
    first = ensure_base(release, "amd64", shelf, settings, lines.append, day=DAY)
    again = ensure_base(release, "amd64", shelf, settings, lines.append, day=DAY)
    elsewhere = settings.model_copy(update={"cache": tmp_path / "other worker"})
    assert first == again == ensure_base(release, "amd64", other, elsewhere, lines.append, day=DAY)
    assert lines.count("I: pretending") == 2


def test_the_next_day_it_is_made_anew_and_equal_packages_are_equal_layers(release, settings, lines):
    shelf = ImageShelf()
    bases = [ensure_base(release, "amd64", shelf, settings, lines.append, day=day) for day in (DAY, "20261123")]
    assert bases[0].name != bases[1].name
    assert bases[0].layers == bases[1].layers
    assert len(rootfs_of(settings)) == 1


def test_a_base_of_a_day_long_past_stays_when_that_day_is_asked_for(release, settings, lines):
    """What is dropped is older than the one just made by a week, whatever the clock says."""
    shelf = ImageShelf()
    for day in ("20200101", "20200105", "20200110"):
        ensure_base(release, "amd64", shelf, settings, lines.append, day=day)
    assert sorted(image.rpartition(":")[2] for image in shelf.images) == ["20200105", "20200110"]


def test_a_cached_root_file_system_is_imported_again_only_if_it_is_whole(release, settings, lines):
    wanted = ensure_base(release, "amd64", ImageShelf(), settings, lines.append, day=DAY).layers
    assert ensure_base(release, "amd64", ImageShelf(), settings, lines.append, day=DAY).layers == wanted
    assert lines.count("I: pretending") == 1
    rootfs_of(settings)[0].write_bytes(b"rotten")
    assert ensure_base(release, "amd64", ImageShelf(), settings, lines.append, day=DAY).layers == wanted
    assert lines.count("I: pretending") == 2


def test_a_failed_bootstrap_says_why_and_keeps_nothing(release, settings, lines, program):
    Path(f"{program}.broken").touch()
    with pytest.raises(Transient, match=r"ended with 25 while making debian13 for amd64:\n.*\n  E: no space left"):
        ensure_base(release, "amd64", ImageShelf(), settings, lines.append, day=DAY)
    assert rootfs_of(settings) == []


def test_a_bootstrap_from_a_stalled_mirror_is_cancelled_within_seconds(release, settings, lines, program):
    Path(f"{program}.stalled").touch()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        ensure_base(release, "amd64", ImageShelf(), settings, lines.append, lambda: "I: pretending" in lines, day=DAY)
    assert time.monotonic() - began < 30
    assert rootfs_of(settings) == []


def test_a_bootstrap_that_says_nothing_for_too_long_is_tried_again(release, settings, lines, program):
    Path(f"{program}.stalled").touch()
    impatient = settings.model_copy(update={"silent_deadline_s": 1})
    with pytest.raises(Transient, match="the bootstrap of debian13 printed nothing for 1 s"):
        ensure_base(release, "amd64", ImageShelf(), impatient, lines.append, day=DAY)


def test_without_mmdebstrap_the_operator_learns_how_to_get_it(release, settings, lines, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BadInput, match="mmdebstrap is not installed") as caught:
        ensure_base(release, "amd64", ImageShelf(), bootstrapping(settings), lines.append, day=DAY)
    assert "apt-get install mmdebstrap" in caught.value.hint


def test_without_the_keyring_the_operator_learns_its_package(settings, lines):
    foreign = Release("ubuntu2404", "ubuntu:24.04", ("noble",), "/nowhere/keyrings/ubuntu-archive-keyring.gpg")
    with pytest.raises(BadInput, match="signed with keys") as caught:
        ensure_base(foreign, "amd64", ImageShelf(), bootstrapping(settings), lines.append, day=DAY)
    assert caught.value.hint == "apt-get install ubuntu-archive-keyring"


def test_an_image_that_can_only_be_pulled_is_asked_for_with_a_registry(settings, lines):
    rocky = Release("rocky9", "rockylinux/rockylinux:9", (), "")
    with pytest.raises(BadInput, match="of rocky9 can only be pulled, and no registry gives rockylinux/rockylinux:9") as caught:
        ensure_base(rocky, "amd64", ImageShelf(), bootstrapping(settings), lines.append, day=DAY)
    assert "FARM_REGISTRY" in caught.value.hint


def test_a_host_that_can_only_pull_asks_a_registry_again_that_is_gone_for_a_moment(release, settings, lines):
    rocky = Release("rocky9", "rockylinux/rockylinux:9", (), "")
    with pytest.raises(Transient, match=r"can only be pulled, .*: no registry has rockylinux/rockylinux:9 for amd64") as caught:
        ensure_base(rocky, "amd64", ImageShelf(), settings, lines.append, day=DAY)
    assert "FARM_REGISTRY" in caught.value.hint


def test_each_suite_is_found_at_the_archive_that_has_it(mirror, settings):
    found = find_suites(("trixie", "trixie-updates", "trixie-security"), (mirror, f"{mirror}-security"), settings)
    assert found == (
        Found(mirror, "trixie", DATED),
        Found(mirror, "trixie-updates", DATED),
        Found(f"{mirror}-security", "trixie-security", DATED),
    )


def test_a_suite_that_need_not_be_there_is_left_out(mirror, settings):
    found = find_suites(("trixie", "trixie-security"), (mirror,), settings)
    assert [each.suite for each in found] == ["trixie"]


@pytest.mark.parametrize(
    ("suite", "roots", "error", "said"),
    [
        ("sid", "{mirror}", Transient, "no mirror has sid"),
        ("trixie", "http://127.0.0.1:9", Transient, "does not answer"),
        ("trixie", "", BadInput, "no apt mirror"),
    ],
)
def test_no_suite_no_image(mirror, settings, suite, roots, error, said):
    with pytest.raises(error, match=said):
        find_suites((suite,), tuple(roots.format(mirror=mirror).split()), settings)


def test_a_portal_in_the_mirrors_place_is_noticed(mirror, settings, tmp_path):
    (tmp_path / "mirror/debian/dists/trixie/Release").write_text("<html>please log in</html>")
    with pytest.raises(Transient, match="no date"):
        find_suites(("trixie",), (mirror,), settings)


def test_the_command_names_the_mirror_in_the_image_and_forgets_the_host():
    command = mmdebstrap((Found("http://mirror/debian", "trixie", 1),), "/keys.gpg", "arm64", Path("/tmp/out.tar"))
    assert command[-1] == "deb [signed-by=/keys.gpg] http://mirror/debian trixie main"
    assert "--architectures=arm64" in command
    assert "--skip=check/qemu" in command, "whether programs of the arch run here was asked before"
    assert any("resolv.conf" in argument for argument in command)
    assert "--include=ca-certificates" not in command


def test_an_https_mirror_needs_certificates_in_the_image():
    assert "--include=ca-certificates" in mmdebstrap((Found("https://m/debian", "trixie", 1),), "/k", "amd64", Path("/o.tar"))
