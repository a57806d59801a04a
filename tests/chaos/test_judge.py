"""The judge and the witness see what is wrong: each of their findings is provoked once."""

import gzip
import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from subprocess import CompletedProcess
from threading import Thread

import pytest

from tests.chaos import table
from tests.chaos.cells import DISTRO, PROOF, small_cells
from tests.chaos.judge import Verdict, audited, begun, judge, left_in_store
from tests.chaos.strikes import half_published
from tests.chaos.trial import Row
from tests.chaos.witness import Seen, Witness, calm

BUILD = "2026112201"


@pytest.fixture
def cells(tmp_path):
    return small_cells(tmp_path / "cells", 2)


def archive(proof):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        info = tarfile.TarInfo(f"python/{PROOF}")
        info.size = len(proof)
        tar.addfile(info, io.BytesIO(proof))
    return gzip.compress(stream.getvalue())


def published(cells, proof=None, build=BUILD):
    """What the store holds, and what the witness saw, when all went well."""
    objects = {}
    for cell in cells.names:
        version, _, arch = cell.split("-")
        data = archive(proof or cells.proof(cell))
        name = "x-install_only.tar.gz"
        entry = {"build_id": build, "archives": [{"name": name, "sha256": hashlib.sha256(data).hexdigest()}]}
        objects[f"artifacts/{DISTRO}/{version}/{arch}/{build}/{name}"] = data
        objects[f"catalog/{cell}/{build}.a.b.dev.json"] = json.dumps(entry).encode()
    return objects, [seen("PUT", key) for key in objects]


def seen(method, key, status=200, query=()):
    return Seen(1.0, method, f"p/{key}", query, status, "", struck=False)


def test_a_farm_that_kept_its_promise(cells):
    objects, requests = published(cells)
    refused = [seen("PUT", key, 412) for key in objects]
    assert judge(cells, "p", [*requests, *refused], objects, []).good


def test_a_cell_that_nobody_published_is_lost(cells):
    objects, requests = published(cells)
    rest = [one for one in requests if f"catalog/{cells.names[0]}/" not in one.key]
    assert judge(cells, "p", rest, objects, []).lost == (cells.names[0],)


def test_a_second_build_of_a_cell_is_one_too_many(cells):
    objects, requests = published(cells)
    more, again = published(cells, build="2026112202")
    verdict = judge(cells, "p", [*requests, *again], objects | more, [])
    assert len(verdict.doubled) == 2
    assert not verdict.lost


def test_whoever_was_not_hurt_may_not_be_taken_for_dead(cells):
    objects, requests = published(cells)
    key = f"runs/x/outcomes/{cells.names[0]}/1.x.json"
    ends = {key: json.dumps({"state": "transient", "failure": {"message": "no sign of life from a.1 for 8 s"}}).encode()}
    ends |= {key.replace("/1.", "/2."): json.dumps({"state": "published", "failure": None}).encode()}
    said = [f"INFO {cells.names[0]}: attempt {number} of run x begins\n" for number in (1, 2)]
    assert len(judge(cells, "p", requests, objects | ends, [], spared=begun(said)).blamed) == 1
    assert judge(cells, "p", requests, objects | ends, [], spared=begun(said[1:])).good, "its grant was lost on its way"
    untold = f"ERROR {cells.names[0]}: attempt 1 of run x cannot tell its end: the store is away\n"
    assert judge(cells, "p", requests, objects | ends, [], spared=begun([*said, untold])).good, "the store did not take its end"
    assert judge(cells, "p", requests, objects | ends, []).good, "where builders die, some are taken for dead"


def test_what_is_half_published_is_in_no_catalog_yet():
    wrote = seen("PUT", f"artifacts/{DISTRO}/1.2.3/amd64/{BUILD}/x.tar.gz")
    listed = seen("PUT", f"catalog/1.2.3-{DISTRO}-amd64/{BUILD}.a.b.dev.json")
    assert half_published([wrote]) == {(f"1.2.3-{DISTRO}-amd64", BUILD)}
    assert not half_published([wrote, listed])
    assert not half_published([seen("PUT", wrote.key.removeprefix("p/"), 412)])


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_nothing_that_is_published_may_be_written_again_or_deleted(cells, method):
    objects, requests = published(cells)
    key = next(key for key in objects if key.startswith("artifacts/"))
    assert judge(cells, "p", [*requests, seen(method, key)], objects, []).doubled


def test_bytes_that_are_not_those_of_the_metadata_are_wrong(cells):
    objects, requests = published(cells)
    key = next(key for key in objects if key.startswith("artifacts/"))
    assert "other bytes" in judge(cells, "p", requests, {**objects, key: b"cut off"}, []).wrong[0]


def test_an_archive_that_the_source_does_not_make_is_wrong(cells):
    objects, requests = published(cells, proof=b"something else")
    assert len(judge(cells, "p", requests, objects, []).wrong) == 2


def told(code, *findings, err=""):
    named = [dict(zip(("severity", "check", "file", "message"), one, strict=True)) for one in findings]
    return CompletedProcess((), code, json.dumps({"findings": named}), err)


def test_what_verify_store_finds_is_wrong(cells):
    objects, requests = published(cells)
    found = audited(told(3, ("error", "archive.sha256", "a/b", "its sha256 is another"), ("note", "orphan.kept", "", "x")))
    assert found == ["verify-store: archive.sha256: a/b: its sha256 is another"]
    assert judge(cells, "p", requests, objects, [], found).wrong == tuple(found)
    assert audited(told(0, ("note", "orphan.kept", "", "x"))) == []
    assert audited(told(4, err="error: the store does not answer\n")) == ["verify-store: error: the store does not answer"]


def test_what_is_left_in_the_store_is_named():
    names = [
        *("staging/r/c/1/build.log", "open/r", "runs/r/attempts/c/1.json", "runs/r/attempts/c/2.json"),
        *("runs/r/outcomes/c/1.published.json", "runs/r/logs/c/1.log", "catalog/c/x"),
    ]
    assert left_in_store(names) == ["object staging/r/c/1/build.log", "object open/r", "grant runs/r/attempts/c/2.json"]


class Echo(BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args):
        pass


@pytest.fixture
def witness():
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    Thread(target=upstream.serve_forever, args=(0.05,), daemon=True).start()
    made = Witness(f"127.0.0.1:{upstream.server_port}")
    yield made
    made.close()
    upstream.shutdown()
    upstream.server_close()


def put(witness, body=b"0123456789"):
    request = urllib.request.Request(f"{witness.endpoint}/bucket/a/b?x=1", data=body, method="PUT")
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def test_the_witness_passes_on_and_writes_down(witness):
    assert put(witness) == b"0123456789"
    (one,) = witness.seen
    assert (one.method, one.key, one.query, one.status, one.struck) == ("PUT", "a/b", ("x",), 200, False)
    assert one.sha256 == hashlib.sha256(b"0123456789").hexdigest()


@pytest.mark.parametrize(("trouble", "wrote"), [("500", False), ("500 after", True)])
def test_a_500_before_and_after_the_work(witness, trouble, wrote):
    witness.trouble = lambda _method, _key: trouble
    with pytest.raises(urllib.error.HTTPError):
        put(witness)
    assert witness.seen[0].wrote == wrote
    assert witness.struck() == 1


def test_no_answer_and_half_of_a_body(witness):
    witness.trouble = lambda _method, _key: "drop"
    with pytest.raises(OSError, match=r"closed|reset|without response"):
        put(witness)
    witness.trouble = lambda _method, _key: "truncate"
    assert put(witness) == b"01234"
    witness.trouble = calm
    assert put(witness) == b"0123456789"


def test_the_table_goes_between_its_marks_and_comes_back(tmp_path):
    row = Row("Redis flushed", "p", 3, Verdict(left=("file x",)), (1.0, 4.0, 2.0), 60.0)
    table.save([row], tmp_path / "rows")
    assert table.load(tmp_path / "rows") == [row]
    page = table.written(f"a\n{table.BEGIN}\nold\n{table.END}\nz\n", table.rendered([row], "Seen."))
    assert "| Redis flushed | 3 | 0 | 0 | 0 | 1 | 0 | 2 s, at most 4 s |" in page
    assert page.startswith("a\n")
    assert page.endswith("\nz\n")
    assert "old" not in page
