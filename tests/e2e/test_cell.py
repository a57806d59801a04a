"""The main job for real: one cell through Redis and S3, and all that is published of it."""

import hashlib
import io
import json
import tarfile
import time

import jsonschema
import pytest
import requests
import zstandard

from farm import __version__
from farm.plan.recipe import PACKS
from farm.store.artifact import BUILD_INFO_PATH, Artifact, BuildInfo
from tests.publish.spdx import parsed

pytestmark = [pytest.mark.engine, pytest.mark.cell]


def test_every_archive_is_published_and_is_what_the_metadata_says(real_cell):
    assert {(archive.kind, archive.format) for archive in real_cell.artifact.archives} == set(PACKS)
    for info in real_cell.artifact.archives:
        data = real_cell.archive(info.kind, info.format).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (info.size, info.sha256)
        assert f"-debian13.{real_cell.artifact.build_id}-{info.kind}.{info.format}" in info.name
    assert len(real_cell.artifact.build_id) == 10


def test_the_metadata_says_how_the_box_was_shut_in_and_when_it_began(real_cell):
    shut = real_cell.artifact.isolation
    assert (shut.network, shut.cap_drop, shut.read_only) == ("none", ("ALL",), True)
    assert real_cell.artifact.farm == __version__
    assert "" < real_cell.artifact.started < real_cell.artifact.created


def test_spdx_tools_find_nothing_wrong_in_its_sbom(real_cell):
    answer = requests.get(real_cell.url(f"{real_cell.stem}.spdx.json"), timeout=60)
    answer.raise_for_status()
    document = parsed(answer.content, real_cell.folder)
    sums = {check.value for package in document.packages for check in package.checksums}
    assert {info.sha256 for info in real_cell.artifact.archives} <= sums
    assert {"python", "cpython-source", "hacl-star", "pip", "libssl3t64"} <= {package.name for package in document.packages}


def test_no_check_found_an_error(real_cell):
    assert [finding for finding in real_cell.artifact.findings if finding.severity == "error"] == []
    assert {"run.version", "linkage.libpython", "moved.sysconfig"} <= set(real_cell.artifact.verified.passed)


def test_metadata_keeps_to_its_published_schema(real_cell):
    for which, document in (("artifact", real_cell.artifact), ("build", real_cell.artifact.build)):
        schema = json.loads(real_cell.farm("schema", which).stdout)
        jsonschema.validate(document.model_dump(mode="json"), schema)


def test_the_archive_holds_the_metadata_and_one_top_folder(real_cell):
    with tarfile.open(real_cell.archive()) as tar:
        names = tar.getnames()
        inside = BuildInfo.model_validate_json(tar.extractfile(f"python/{BUILD_INFO_PATH}").read())
    assert inside == real_cell.artifact.build
    assert {name.split("/")[0] for name in names} == {"python"}
    assert not [name for name in names if name.endswith(".a") or "/test/test_os" in name]
    assert [name for name in names if "/test/support/" in name]


def test_debug_information_is_found_by_build_id_and_by_debuglink(real_cell):
    with tarfile.open(real_cell.archive()) as tar:
        data = tar.extractfile("python/bin/python3.13").read()
    assert b".gnu_debuglink" in data
    assert b".debug_info" not in data
    raw = real_cell.archive("debugsymbols", "tar.zst").read_bytes()
    plain = zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        link = tar.getmember("python/bin/.debug/python3.13.debug")
        assert link.issym()
        assert link.linkname.startswith("../../lib/debug/.build-id/")


def test_submitting_again_says_published_and_takes_seconds(real_cell):
    began = time.monotonic()
    only = ("--only", real_cell.name, "--optimize", "none", "--channel", "dev")
    done = real_cell.farm("submit", "matrix.yaml", *only)
    assert done.returncode == 0, done.stderr
    assert "already published" in done.stdout
    assert real_cell.artifact.build_id in done.stdout
    assert time.monotonic() - began < 20


def test_the_plan_says_published(real_cell):
    only = ("--only", real_cell.name, "--optimize", "none", "--channel", "dev")
    done = real_cell.farm("plan", "matrix.yaml", *only, "--json")
    (cell,) = json.loads(done.stdout)["cells"]
    assert cell["fate"] == "published"


def test_it_is_listed(real_cell):
    assert real_cell.artifact.build_id in real_cell.farm("ls").stdout
    sums = requests.get(f"{real_cell.base_url}/channels/dev/debian13/SHA256SUMS", timeout=30).text
    assert real_cell.artifact.archive("install_only", "tar.gz").sha256 in sums


def test_what_is_published_can_be_verified_again(real_cell):
    done = real_cell.farm("verify", real_cell.name, "--json")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    report = json.loads(done.stdout)
    assert not [check for check in report["checks"] if check["skipped"]]
    assert len(report["checks"]) >= 20


def test_the_metadata_is_an_artifact_beside_the_archives(real_cell):
    folder = f"artifacts/debian13/3.13.5/{real_cell.artifact.build.arch}/{real_cell.artifact.build_id}"
    stem = real_cell.artifact.archive("install_only", "tar.gz").name.partition("-install_only")[0]
    answer = requests.get(f"{real_cell.base_url}/{folder}/{stem}.json", timeout=30)
    assert Artifact.model_validate(answer.json()) == real_cell.artifact
    assert "immutable" in answer.headers["Cache-Control"]
    index = requests.get(f"{real_cell.base_url}/channels/dev/index.json", timeout=30)
    assert index.headers["Cache-Control"] == "no-cache"
