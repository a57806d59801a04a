"""What a recipe needs of its distro, what it brings itself, and what is said of both."""

from __future__ import annotations

import pytest

from farm.plan.cell import Cell
from farm.plan.compose import compose, decisions
from farm.plan.facts import load_facts
from farm.plan.options import Options
from tests.plan.conftest import NONE, every_cell, recipe


def test_packages_of_one_library_that_two_modules_need_are_one_entry(facts):
    runtime = {package.name: package for package in recipe("3.15.0rc2-debian13-amd64", facts).runtime}
    assert runtime["libssl3t64"].modules == ("_hashlib", "_ssl")
    assert runtime["libssl3t64"].sonames == ("libcrypto.so.3", "libssl.so.3")
    assert runtime["libzstd1"].modules == ("_remote_debugging", "_zstd")
    assert runtime["libtk8.6"].optional
    assert not runtime["libssl3t64"].optional


def test_2_7_brings_its_own_openssl_where_the_distro_has_3(facts):
    (library,) = recipe("2.7.18-debian13-amd64", facts).libraries
    assert (library.name, library.version, library.source.path) == ("openssl", "1.1.1w", "")
    assert 'inherit_from => ["linux-x86_64"]' in dict(library.files)["Configurations/90-farm.conf"]
    packages = {package.name for package in recipe("2.7.18-debian13-amd64", facts).runtime}
    assert "libssl3t64" not in packages
    assert recipe("2.7.18-debian11-amd64", facts).libraries == ()
    assert recipe("3.9.2-debian12-amd64", facts).libraries == ()
    said = [
        each
        for each in decisions(Cell.parse("2.7.18-debian13-amd64"), Options("none", channel="dev"), facts)
        if "own" in each.subject
    ]
    assert "past its end of life, no security fixes" in said[0].why


@pytest.mark.parametrize(
    ("distro", "folder"),
    [
        ("debian13", "/usr/lib/ssl"),
        ("ubuntu24.04", "/usr/lib/ssl"),
        ("rocky9", "/etc/pki/tls"),
        ("fedora44", "/etc/pki/tls"),
        ("alpine3.22", "/etc/ssl"),
    ],
)
def test_an_openssl_of_our_own_finds_the_distros_certificates(facts, distro, folder):
    cell = f"2.7.18-{distro}-amd64"
    words = [word for library in recipe(cell, facts).libraries for command in library.commands for word in command]
    assert f"--openssldir={folder}" in words
    assert not [word for word in words if "{openssldir}" in word or "{target}" in word]
    (said,) = (one for one in decisions(Cell.parse(cell), NONE, facts) if one.subject == "folder of certificates")
    assert said.value == folder


def test_all_cells_of_a_distro_and_arch_share_one_builder_image(facts):
    """Inputs are resolved once per distro and arch: another set of packages would be other inputs."""
    packages = {}
    for cell, options in every_cell(facts):
        packages.setdefault((cell.distro, cell.arch), set()).add(compose(cell, options, facts, "code").build_packages)
    assert {len(sets) for sets in packages.values()} == {1}


def test_a_module_that_may_be_missing_says_which_packages_it_needs(facts):
    said = "it needs packages that are optional: apt-get install libtcl8.6 libtk8.6"
    new = recipe("3.15.0rc2-debian13-amd64", facts)
    assert new.missing_stdlib == (("_tkinter", said),)
    assert new.advice[0].sentence == said, "one sentence, however it is said"
    old = dict(recipe("3.11.2-debian12-amd64", facts).missing_stdlib)
    assert old == {"_tkinter": said, "nis": said.replace("libtcl8.6 libtk8.6", "libnsl2 libtirpc3")}


def test_a_package_is_explained_with_where_its_name_was_read_or_can_be_looked_up(facts, tmp_path):
    told = {one.value: one for one in decisions(Cell.parse("3.13.15-rocky9-amd64"), NONE, facts)}
    assert told["openssl-libs"].link.endswith("/repos/rockylinux/local/9.3.md")
    assert told["openssl-libs"].why.endswith("; its name was read there on 2026-11-29")
    (tmp_path / "distros").mkdir()
    (tmp_path / "distros/heir9.toml").write_text('inherits = "rocky9"\n')  # what was read of a distro is not inherited
    told = {one.value: one for one in decisions(Cell.parse("3.13.15-heir9-amd64"), NONE, load_facts(tmp_path))}
    assert told["perl"].why.endswith("; nobody has looked its name up")
    assert told["perl"].link == "https://rockylinux.pkgs.org/9/?q=perl"
    told = {one.value: one for one in decisions(Cell.parse("3.13.15-debian13-amd64"), NONE, facts)}
    assert told["libssl3t64"].link == "https://packages.debian.org/trixie/libssl3t64"
    assert "its name" not in told["libssl3t64"].why
    assert all(distro.facts.package_page for distro in facts.distros.values())


def test_packages_that_nobody_has_seen_are_not_dated_and_explain_says_so(facts, tmp_path):
    assert all(bool(distro.facts.packages_dated) != bool(distro.facts.untested) for distro in facts.distros.values())
    for name, said in (("ubuntu24.04", ["ubuntu24.04, packages never seen"]), ("debian12", [])):
        told = decisions(Cell.parse(f"3.13.15-{name}-amd64"), NONE, facts)
        assert [one.value for one in told if one.subject == "facts that are untested"] == said
    (tmp_path / "distros").mkdir()
    (tmp_path / "distros" / "mint1.toml").write_text('inherits = "debian13"\n')
    assert load_facts(tmp_path).distros["mint1"].facts.packages_dated is None


@pytest.mark.parametrize(
    ("cell", "absent"),
    [
        ("2.7.18-fedora44-amd64", {"_bsddb", "bsddb", "dbhash", "_tkinter"}),
        ("3.11.2-fedora44-amd64", {"_tkinter", "tkinter", "turtle"}),
        ("3.13.15-fedora44-amd64", set()),
        ("2.7.18-debian13-amd64", set()),
        ("3.11.2-rocky9-arm64", set()),
    ],
)
def test_what_a_distro_has_no_library_for_is_not_expected(facts, cell, absent):
    made = recipe(cell, facts)
    rows = (row for row in facts.modules.values() if row.lacking)
    optional = {name for row in rows for name in row.names}
    assert {rule.name for rule in made.modules if not rule.present} & optional == absent
    assert not absent & {module for package in made.runtime for module in package.modules}
