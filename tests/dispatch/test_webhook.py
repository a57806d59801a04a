"""One message for each run that ends: signed, sent once, and held up by nobody."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.dispatch.conftest import eventually
from tests.dispatch.services import PATIENCE_S, serving
from tests.dispatch.test_command import CELL
from tests.dispatch.test_scheduler import OTHER
from tests.fixtures_s3 import free_ports


@pytest.fixture
def farm(tmp_path, shared):
    with serving(tmp_path, shared) as made:
        yield made


class Receiver:
    """A webhook that refuses the first messages."""

    def __init__(self, refusals):
        self.got = []
        receiver, left = self, [None] * refusals

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if left:
                    left.pop()
                    self.send_response(503)
                else:
                    receiver.got.append((dict(self.headers), body))
                    self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://user:hidden@127.0.0.1:{self.server.server_port}/hook?token=hidden"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def receiver():
    made = Receiver(1)
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_one_message_is_sent_for_a_run_however_many_drive_it_and_it_is_signed(farm, receiver):
    farm.environment |= {"FARM_WEBHOOK_URL": receiver.url, "FARM_WEBHOOK_SECRET": "s3cret"}
    (farm.script / f"{OTHER}.script").write_text("build-failed")
    farm.worker()
    farm.scheduler()
    farm.scheduler()
    run = farm.ask()
    farm.over()
    ((headers, body),) = eventually(lambda: receiver.got, PATIENCE_S)
    told = json.loads(body)
    assert (told["event"], told["run"], told["ok"]) == ("run.ended", run, False)
    assert told["cells"] == {"published": 1, "already published": 0, "failed": 1, "not built": 0}
    assert [(one["cell"], one["kind"]) for one in told["failures"]] == [(OTHER, "build-failed")]
    at, given = (part.split("=")[1] for part in headers["Farm-Signature"].split(","))
    assert hmac.compare_digest(given, hmac.new(b"s3cret", f"{at}.".encode() + body, hashlib.sha256).hexdigest())
    assert headers["Farm-Delivery"] == run
    assert "hidden" not in farm.said()
    assert "s3cret" not in farm.said()


def test_a_webhook_that_is_not_there_holds_nobody_up_and_is_named_without_its_secrets(farm):
    (port,) = free_ports(1)
    farm.environment |= {"FARM_WEBHOOK_URL": f"http://me:hidden@127.0.0.1:{port}/hook"}
    code, out, err = farm.run("submit", "--with-worker")
    assert code == 0, err
    assert f"{CELL}  published" in out
    assert "hidden" not in out + err
