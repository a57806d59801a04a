"""The bill of materials, as another's program reads it."""

from __future__ import annotations

import json

import pytest
from spdx_tools.spdx.model import RelationshipType

from farm.errors import VerificationFailed
from farm.publish import sbom
from farm.publish.publisher import publish
from farm.publish.tarball import Contents, Wheel, inspect
from farm.store import keys
from farm.store.artifact import UPSTREAM_SBOM_PATH, LibraryInfo, PatchInfo
from tests.fakes import MemoryStore
from tests.publish.spdx import parsed
from tests.publish.staging import CELL, PACK, TRIPLE, build_info, good_members, member, now, order, stage, tar_of

UPSTREAM = {
    "SPDXID": "SPDXRef-DOCUMENT",
    "spdxVersion": "SPDX-2.3",
    "files": [],
    "packages": [
        {
            "SPDXID": f"SPDXRef-PACKAGE-{name}",
            "name": name,
            "versionInfo": version,
            "downloadLocation": f"https://example.org/{name}-{version}.tar.gz",
            "checksums": [{"algorithm": "SHA256", "checksumValue": "ab" * 32}],
            "externalRefs": [
                {
                    "referenceCategory": "SECURITY",
                    "referenceType": "cpe23Type",
                    "referenceLocator": f"cpe:2.3:a:{name}:{name}:{version}:*:*:*:*:*:*:*",
                }
            ],
            "licenseConcluded": "NOASSERTION",
            "originator": "Organization: somebody",
            "primaryPackagePurpose": "SOURCE",
        }
        for name, version in (
            ("expat", "2.8.2"),
            ("hacl-star", "bb3d0dc"),
            ("mpdecimal", "2.5.1"),
            ("newcomer", "1.0"),
            ("pip", "25.1.1"),
        )
    ],
    "relationships": [],
}
WHEEL = "python/lib/python3.13/ensurepip/_bundled/pip-25.1.1-py3-none-any.whl"


def published(*extra):
    store, of = MemoryStore(), order()
    artifact = publish(store, stage(store, of, members=[*good_members(build_info(of)), *extra]), of, clock=now)
    key = f"{keys.artifact_folder(CELL, '2026112201')}/{keys.sbom_name(CELL, TRIPLE, '2026112201')}"
    return artifact, store.objects[key]


def related(document, kind):
    names = {package.spdx_id: package.name for package in document.packages}
    return {
        (names.get(each.spdx_element_id, each.spdx_element_id), names.get(each.related_spdx_element_id))
        for each in document.relationships
        if each.relationship_type == kind
    }


def test_spdx_tools_find_nothing_wrong_and_everything_in_it(tmp_path):
    upstream = member(f"python/{UPSTREAM_SBOM_PATH}", json.dumps(UPSTREAM).encode())
    artifact, data = published(upstream, member(WHEEL, b"wheel"))
    document = parsed(data, tmp_path)
    packages = {package.name: package for package in document.packages}
    sums = {package.name: package.checksums[0].value for package in document.packages if package.checksums}
    assert {archive.name: archive.sha256 for archive in artifact.archives}.items() <= sums.items()
    assert related(document, RelationshipType.DESCRIBES) == {("SPDXRef-DOCUMENT", "python")}
    contained = {name for subject, name in related(document, RelationshipType.CONTAINS) if subject == "python"}
    assert contained == {"expat", "hacl-star", "mpdecimal", "newcomer", "pip"}
    assert related(document, RelationshipType.DEPENDS_ON) == {("python", "libssl3t64")}
    assert related(document, RelationshipType.OPTIONAL_DEPENDENCY_OF) == {("libtk8.6", "python")}
    assert related(document, RelationshipType.GENERATED_FROM) == {("python", "cpython-source")}
    assert packages["expat"].version == "2.8.2"
    refs = {package.name: [ref.locator for ref in package.external_references] for package in document.packages}
    assert refs["pip"] == ["pkg:pypi/pip@25.1.1"]
    assert refs["libssl3t64"] == ["pkg:deb/debian/libssl3t64?arch=amd64&distro=debian-13"]
    assert "cpe:2.3:a:python:python:3.13.5:*:*:*:*:*:*:*" in refs["python"]


def test_the_distros_own_library_takes_the_place_of_the_vendored_one(tmp_path):
    artifact, _ = published()
    elf = artifact.build.elf.model_copy(update={"sonames": ("libexpat.so.1", "libmpdec.so.4", "libc.so.6")})
    build = artifact.build.model_copy(update={"elf": elf})
    linked = artifact.model_copy(update={"build": build})
    for found in (sbom.Inside(), sbom.inside(Contents("", 0, None, json.dumps(UPSTREAM).encode()))):
        names = {package.name for package in parsed(sbom.document(linked, found), tmp_path).packages}
        assert not names & {"expat", "mpdecimal"}
        assert "hacl-star" in names


@pytest.mark.parametrize(
    ("python", "there", "not_there"),
    [
        ("2.7.18", {"expat", "libffi", "zlib"}, {"hacl-star", "mpdecimal"}),
        ("3.11.2", {"mpdecimal", "tiny_sha3"}, {"hacl-star"}),
    ],
)
def test_an_old_source_without_an_sbom(tmp_path, python, there, not_there):
    artifact, _ = published()
    build = artifact.build.model_copy(update={"python": python, "cell": f"{python}-debian11-amd64"})
    names = {
        package.name
        for package in parsed(sbom.document(artifact.model_copy(update={"build": build}), sbom.Inside()), tmp_path).packages
    }
    assert there <= names
    assert not names & not_there


def test_private_libraries_and_patches_are_named(tmp_path):
    artifact, _ = published()
    openssl = LibraryInfo(
        name="openssl",
        version="1.1.1w",
        url="https://example.org/o.tar.gz",
        sha256="cd" * 32,
        eol="2023-09-11",
        notice="old",
        why="x",
    )
    patch = PatchInfo(file="our_fix.patch", sha256="ef" * 32, why="it was wrong", link="https://example.org/1")
    build = artifact.build.model_copy(update={"libraries": (openssl,), "patches": (patch,)})
    document = parsed(sbom.document(artifact.model_copy(update={"build": build}), sbom.Inside()), tmp_path)
    assert ("python", "openssl") in related(document, RelationshipType.CONTAINS)
    assert related(document, RelationshipType.PATCH_APPLIED) == {("our_fix.patch", "cpython-source")}
    (found,) = [package for package in document.packages if package.name == "openssl"]
    assert found.valid_until_date.year == 2023
    assert "pkg:generic/openssl@1.1.1w" in [ref.locator for ref in found.external_references]


@pytest.mark.parametrize("data", [b"[]", b"{}", b"\xff", b'{"packages": [{"name": "a b", "versionInfo": "1"}]}'])
def test_what_is_no_sbom_of_cpythons_is_not_published(data):
    with pytest.raises(VerificationFailed, match=r"cpython\.spdx\.json is no SBOM"):
        published(member(f"python/{UPSTREAM_SBOM_PATH}", data))


def test_wheels_are_read_off_the_archive(tmp_path):
    (tmp_path / "x").write_bytes(PACK["tar.gz"](tar_of([*good_members(build_info(order())), member(WHEEL, b"wheel")])))
    found = inspect(tmp_path / "x", "tar.gz")
    assert [wheel.name for wheel in found.wheels] == ["pip-25.1.1-py3-none-any.whl"]
    assert isinstance(found.wheels[0], Wheel)
