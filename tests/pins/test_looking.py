"""Where releases are looked for: python.org's list and a mirror's signed index, from a server of our own."""

from __future__ import annotations

import hashlib
import io
import json
import lzma
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from farm.errors import BadInput, Transient
from farm.plan.facts import load_facts
from farm.settings import Settings
from workers.pins import debian, python_org
from workers.pins.command import newest_time, pinned
from workers.pins.release import newer

SHA = "a" * 64
INDEX = f"""Package: python3-defaults
Version: 3.13.9-1
Directory: pool/main/p/python3-defaults
Checksums-Sha256:
 {SHA} 1 python3-defaults_3.13.9.orig.tar.xz

Package: python3.13
Binary: python3.13
Version: 3.13.99-1
Checksums-Sha1:
 {"b" * 40} 5 python3.13_3.13.99.orig.tar.xz
Checksums-Sha256:
 {"c" * 64} 5 python3.13_3.13.99-1.dsc
 {SHA} 5 python3.13_3.13.99.orig.tar.xz
Directory: pool/main/p/python3.13

Package: python3.14
Version: 3.14.99~rc1-2
Checksums-Sha256:
 {SHA} 5 python3.14_3.14.99~rc1.orig.tar.gz
Directory: pool/main/p/python3.14

Package: python3.11
Version: 3.11.99+dfsg-1
Checksums-Sha256:
 {SHA} 5 python3.11_3.11.99+dfsg.orig.tar.gz
Directory: pool/main/p/python3.11
"""


class Handler(SimpleHTTPRequestHandler):
    def translate_path(self, path):
        parts = urlsplit(path)
        return super().translate_path(parts.path.rstrip("/") + (f"@{parts.query}" if parts.query else ""))

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """A folder of a mirror, and where it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def mirror(folder, index=INDEX):
    suite = folder / "dists" / "sid"
    (suite / "main" / "source").mkdir(parents=True)
    packed = lzma.compress(index.encode())
    (suite / debian.INDEX).write_bytes(packed)
    release = f"Origin: Debian\nSHA256:\n {hashlib.sha256(packed).hexdigest()} {len(packed)} {debian.INDEX}\n"
    (suite / "InRelease").write_text(release)


def test_the_index_of_sources_has_upstreams_own_archives_only():
    found = {str(one.version): one for one in debian.read_index(INDEX, "there")}
    assert sorted(found) == ["3.13.99", "3.14.99rc1"]
    assert found["3.13.99"].source.pool == "pool/main/p/python3.13/python3.13_3.13.99.orig.tar.xz"
    assert found["3.13.99"].source.path == "3.13.99/Python-3.13.99.tar.xz"
    assert found["3.14.99rc1"].source.path == "3.14.99/Python-3.14.99rc1.tgz"
    assert found["3.13.99"].sha256 == SHA


def test_a_prerelease_is_newer_only_where_there_is_nothing_else():
    facts = load_facts()
    found = list(debian.read_index(INDEX, "there"))
    assert [str(one.version) for one in newer(found, facts, facts.series)] == ["3.13.99"]
    later = list(debian.read_index(INDEX.replace("python3.14", "python3.15").replace("3.14.99~rc1", "3.15.0~rc3"), "there"))
    assert [str(one.version) for one in newer(later, facts, facts.series)] == ["3.13.99", "3.15.0rc3"]
    assert list(newer(found, facts, ["3.9"])) == []


def test_a_mirror_is_read_through_its_signature(server, monkeypatch):
    folder, url = server
    mirror(folder)
    monkeypatch.setattr(debian, "_verified", lambda signed, _: signed.decode())
    found = list(debian.releases([f"{url}/empty", url], ["sid", "nowhere"], "keyring", Settings()))
    assert [str(one.version) for one in found] == ["3.13.99", "3.14.99rc1"]
    (folder / "dists" / "sid" / debian.INDEX).write_bytes(lzma.compress(b"Package: python3.13\nVersion: 3.13.100-1\n"))
    with pytest.raises(Transient, match="is not what its mirror signed"):
        list(debian.releases([url], ["sid"], "keyring", Settings()))


def test_what_nobody_signed_is_not_believed(server):
    folder, url = server
    mirror(folder)
    keyring = load_facts().distros["debian13"].facts.keyring
    with pytest.raises((Transient, BadInput), match=r"is not signed by|cannot be checked"):
        list(debian.releases([url], ["sid"], keyring, Settings()))


def test_without_the_keyring_nothing_is_believed(server):
    folder, url = server
    mirror(folder)
    with pytest.raises(BadInput, match=r"cannot be checked without gpgv and /nowhere/a\.gpg"):
        list(debian.releases([url], ["sid"], "/nowhere/a.gpg", Settings()))


def test_python_orgs_list_tells_the_sha256_of_each_file(server):
    folder, url = server
    listed = [
        {"name": "Python 3.13.99", "is_published": True, "pre_release": False, "resource_uri": f"{url}/api/release/7/"},
        {"name": "Python 3.12.1", "is_published": True, "resource_uri": f"{url}/api/release/8/"},
        {"name": "Python install manager 25.0", "is_published": True, "resource_uri": f"{url}/api/release/9/"},
    ]
    files = [
        {"url": "https://www.python.org/ftp/python/3.13.99/Python-3.13.99.tgz", "sha256_sum": "d" * 64},
        {
            "url": "https://www.python.org/ftp/python/3.13.99/Python-3.13.99.tar.xz",
            "sha256_sum": SHA.upper(),
            "md5_sum": "",
            "sigstore_bundle_file": "https://www.python.org/ftp/python/3.13.99/Python-3.13.99.tar.xz.sigstore",
        },
    ]
    (folder / "api").mkdir()
    (folder / "api" / "release@is_published=true").write_text(json.dumps(listed))
    (folder / "api" / "release_file@release=7").write_text(json.dumps(files))
    found = list(python_org.releases(["3.13"], Settings(), api=f"{url}/api/"))
    assert [(str(one.version), one.sha256, one.source.file) for one in found] == [("3.13.99", SHA, "Python-3.13.99.tar.xz")]
    assert found[0].bundle == f"{found[0].source.url}.sigstore"


@pytest.mark.parametrize("text", ["no JSON", '{"detail": "throttled"}'])
def test_what_is_no_list_is_trouble_in_passing(server, text):
    folder, url = server
    (folder / "release@is_published=true").write_text(text)
    with pytest.raises(Transient):
        list(python_org.releases(["3.13"], Settings(), api=f"{url}/"))


def archive(folder, times):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:xz") as tar:
        for number, mtime in enumerate(times):
            member = tarfile.TarInfo(f"Python-3.13.99/{number}")
            member.mtime = mtime
            tar.addfile(member)
    path = folder / "Python-3.13.99.tar.xz"
    path.write_bytes(buffer.getvalue())
    return path


def test_a_row_is_made_of_bytes_that_were_verified(tmp_path):
    (tmp_path / "sources").mkdir()
    path = archive(tmp_path / "sources", [1_700_000_000, 1_790_000_000, 1])
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    release = next(debian.read_index(INDEX.replace(SHA, digest), "there"))
    settings = Settings(cache=tmp_path / "cache", sources=tmp_path / "sources")
    row = pinned(release, settings, lambda _: None, signed_by="")
    assert (row.sha256, row.epoch) == (digest, 1_790_000_000)


def test_an_archive_without_files_has_no_time(tmp_path):
    with pytest.raises(Transient, match="is no source archive"):
        newest_time(archive(tmp_path, []))
