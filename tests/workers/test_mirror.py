"""Which mirror this host's own apt names."""

import shutil

import pytest

from farm.settings import Settings
from workers.build.mirror import mirror_roots, origins, roots_from_targets, roots_from_uris, with_security

TARGETS = """http://mirror.example.org/debian/ Debian
http://mirror.example.org/debian/ Debian
http://security.example.org/debian-security/ Debian
https://vendor.example.com/apt Vendor Inc.
file:/srv/local/ Debian
https://broken.example.com/apt
"""
URIS = """'http://mirror.example.org/debian/dists/bookworm/InRelease' mirror.example.org_debian_dists_bookworm_InRelease 0
'http://mirror.example.org/debian/dists/bookworm-updates/InRelease' x 0
'http://security.example.org/debian-security/dists/bookworm-security/InRelease' x 0
'https://vendor.example.com/apt/dists/vendor-bookworm/InRelease' x 0
'https://other.example.com/dists/nodistro/InRelease' x 0
'http://mirror.example.org/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0
"""
ROOTS = ("http://mirror.example.org/debian", "http://security.example.org/debian-security")


def test_only_the_distributions_own_archives_count():
    assert roots_from_targets(TARGETS, frozenset({"debian"})) == ROOTS
    assert roots_from_targets("", frozenset({"debian"})) == ()


def test_before_the_first_update_the_release_names_tell():
    assert roots_from_uris(URIS, "bookworm") == ROOTS
    assert roots_from_uris(URIS, "") == ()


def test_the_security_archive_is_known_even_if_apt_does_not_name_it():
    assert with_security(("http://m/debian",)) == ("http://m/debian", "http://m/debian-security")
    assert with_security(("http://m/debian", "http://m/debian-security")) == ("http://m/debian", "http://m/debian-security")
    assert with_security(()) == ()


@pytest.mark.parametrize(
    ("release", "wanted"),
    [({"ID": "debian"}, {"debian"}), ({"ID": "ubuntu", "ID_LIKE": "debian"}, {"ubuntu", "debian"}), ({}, set())],
)
def test_a_distribution_is_known_by_its_own_name(release, wanted):
    assert origins(release) == wanted


def test_a_setting_comes_before_the_host(tmp_path):
    settings = Settings(cache=tmp_path, apt_mirror="http://m.example.org/debian/")
    assert mirror_roots(settings) == ("http://m.example.org/debian", "http://m.example.org/debian-security")


def test_this_hosts_apt_names_a_mirror(tmp_path):
    if not shutil.which("apt-get"):
        pytest.skip("a host without apt")
    roots = mirror_roots(Settings(cache=tmp_path, apt_mirror=""))
    assert roots
    assert all(root.startswith("http") and not root.endswith("/") for root in roots)


def test_a_host_without_apt_has_no_mirror(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert mirror_roots(Settings(cache=tmp_path, apt_mirror="")) == ()


def test_a_mirror_that_is_a_whole_host_has_no_neighbour():
    assert with_security(("http://mirror:8080",)) == ("http://mirror:8080",)
    assert with_security(("http://mirror/debian",)) == ("http://mirror/debian", "http://mirror/debian-security")
