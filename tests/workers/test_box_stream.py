"""What a command prints in a box is not lost, however the engine's answer is cut into packets."""

from __future__ import annotations

import socket
import threading
import time

import docker
import pytest

from farm.errors import BuildFailed, Transient
from workers.engine.box import DockerBox
from workers.engine.protocol import Limits

HEAD = (
    b"HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
)


def frame(text, stream=1):
    return bytes((stream, 0, 0, 0)) + len(text).to_bytes(4, "big") + text


def json_answer(text):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\nConnection: close"
    return f"{head}\r\n\r\n{text}".encode()


def request(connection):
    """One request's first line; its body is read and forgotten."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head.split(b"\r\n")[0].decode()


@pytest.fixture
def engine(tmp_path):
    """`engine(parts)` is a client of an engine that answers an exec with these packets, and then with these exit codes."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "engine.sock"))
    listener.listen()
    clients = []

    def serve(parts, codes):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                line = request(connection)
                if "/start " in line:
                    for part in parts:
                        connection.sendall(part)
                        time.sleep(0.05)
                else:
                    code = codes.pop(0) if line.startswith("GET") and len(codes) > 1 else codes[0]
                    connection.sendall(json_answer('{"Id": "e1"}' if line.startswith("POST") else f'{{"ExitCode": {code}}}'))

    def start(parts, codes=("0",)):
        threading.Thread(target=serve, args=(parts, list(codes)), daemon=True).start()
        clients.append(docker.DockerClient(base_url=f"unix://{tmp_path}/engine.sock", version="1.41"))
        return clients[0]

    yield start
    for client in clients:
        client.close()
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


class Container:
    """One that runs on."""

    id = "c1"

    def reload(self):
        self.attrs = {"State": {"Running": True}}


@pytest.mark.parametrize(
    "parts",
    [
        (HEAD + frame(b"one\ntwo\n"),),  # a quick command on a busy machine: all of it comes with the head
        (HEAD, frame(b"one\ntwo\n")),
        (HEAD + frame(b"one\nt"), frame(b"wo\n", stream=2)),
        (HEAD + frame(b"one\ntwo\n")[:5], frame(b"one\ntwo\n")[5:11], frame(b"one\ntwo\n")[11:]),
    ],
)
def test_nothing_is_lost(engine, parts):
    lines = []
    box = DockerBox(engine(parts), Container(), Limits(), lambda: False)
    done = box.run(["true"], on_line=lines.append)
    assert done.output == "one\ntwo"
    assert lines == ["one", "two"]
    assert done.ok


def test_a_silent_command_is_silent(engine):
    assert DockerBox(engine((HEAD,)), Container(), Limits(), lambda: False).run(["true"]).output == ""


def test_a_stream_that_is_cut_under_a_running_command_is_no_failure_of_the_cell(engine, monkeypatch):
    monkeypatch.setattr("workers.engine.box._TICK_S", 0.01)
    box = DockerBox(engine((HEAD + frame(b"making\n"),), ("null",)), Container(), Limits(), lambda: False)
    with pytest.raises(Transient, match="the engine's stream was cut while the command ran"):
        box.run(["make"])


def test_an_engine_that_takes_a_moment_to_know_how_a_command_ended_is_asked_again(engine, monkeypatch):
    monkeypatch.setattr("workers.engine.box._TICK_S", 0.01)
    box = DockerBox(engine((HEAD + frame(b"made\n"),), ("null", "null", "3")), Container(), Limits(), lambda: False)
    assert box.run(["make"]).exit_code == 3


def test_where_an_emulator_runs_it_a_command_may_take_longer(engine, monkeypatch):
    client, asked = engine((HEAD,)), []
    monkeypatch.setattr(client.api, "exec_create", lambda _box, command, **_: asked.append(command) or {"Id": "e1"})
    DockerBox(client, Container(), Limits(patience=4.0), lambda: False).run(["true"], timeout_s=5)
    assert asked[0][-5:] == ["timeout", "-k", "10", "20.0", "true"]


MUCH = frame((b"x" * 1023 + b"\n") * 600)


def test_a_command_that_prints_without_end_is_ended_and_kept_no_more_of(engine):
    lines, limits = [], Limits(printed_bytes=1 << 20)
    box = DockerBox(engine((HEAD, MUCH, MUCH, MUCH)), Container(), limits, lambda: False)
    with pytest.raises(BuildFailed, match="printed more than 1 MiB"):
        box.run(["make"], on_line=lines.append)
    assert len(lines) == 600
    assert "printed more" in str(box._reason_to_end(time.monotonic())), "and the keeper ends the box"


def test_what_is_printed_is_counted_for_each_command(engine):
    box = DockerBox(engine((HEAD, MUCH)), Container(), Limits(printed_bytes=1 << 20), lambda: False)
    assert [box.run(["true"]).output.count("\n") for _ in range(3)] == [599] * 3


@pytest.mark.parametrize(("patience", "seconds"), [(1.0, 1), (1.5, 2)])
def test_a_command_that_prints_and_never_ends_is_past_its_deadline(engine, patience, seconds):
    limits = Limits(step_s=1, patience=patience)
    box = DockerBox(engine((HEAD, *[frame(b"still making\n")] * 60)), Container(), limits, lambda: False)
    assert box._reason_to_end(time.monotonic()) is None
    running = threading.Thread(target=box.run, args=(["make"],))
    running.start()
    began = time.monotonic()
    while (why := box._reason_to_end(time.monotonic())) is None:
        assert running.is_alive(), "it ended before anybody noticed"
        time.sleep(0.01)
    assert time.monotonic() - began > patience * 0.9
    assert why.message == f"a single command took longer than its deadline of {seconds} s"
    running.join()
    assert box._reason_to_end(time.monotonic()) is None, "the deadline is a command's, not the box's"
