"""Which container engine this host has: asked, not guessed."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

from farm.errors import EngineUnavailable
from workers.engine.docker import DockerEngine

if TYPE_CHECKING:
    from farm.settings import Settings

_UNIX = "unix://"
_KNOCK_S = 5


@dataclass(frozen=True)
class EngineAt:
    """An engine that answered: its url and what it calls itself, e.g. 'Docker Engine 20.10.24'."""

    url: str
    name: str


def ask(url: str) -> EngineAt:
    """The engine at a url. Raises EngineUnavailable."""
    if url.startswith(_UNIX):
        _knock(url)
    engine = DockerEngine(url)
    engine.close()
    return EngineAt(url, engine.name)


def _knock(url: str) -> None:
    """Says plainly why nothing answers at a socket; docker-py would say it in four layers and leave its socket open."""
    connection = HTTPConnection("localhost")
    with socket.socket(socket.AF_UNIX) as connection.sock:
        connection.sock.settimeout(_KNOCK_S)
        try:
            connection.sock.connect(url.removeprefix(_UNIX))
            connection.request("GET", "/_ping")
            with connection.getresponse() as answer:
                trouble = "" if answer.status == HTTPStatus.OK else f"{answer.status} {answer.reason}"
        except (OSError, HTTPException) as error:
            trouble = getattr(error, "strerror", None) or str(error)
    if trouble:
        raise EngineUnavailable(
            f"no container engine answers at {url}: {trouble}", hint="start it, or name another one with FARM_ENGINE"
        )


def require(settings: Settings) -> EngineAt:
    """The first engine that answers where one may be. Raises EngineUnavailable, which names every place that was asked."""
    answers: list[str] = []
    for url in settings.engine_urls:
        try:
            return ask(url)
        except EngineUnavailable as error:
            answers.append(error.message)
    raise EngineUnavailable(
        "no container engine answers. Asked:\n  " + "\n  ".join(answers),
        hint="start one (systemctl start docker, or systemctl --user start podman.socket), name one in FARM_ENGINE, "
        "or run the command behind 'python -m workers with-engine --', which as root starts one of its own",
    )


def find(settings: Settings) -> EngineAt | None:
    """The first engine that answers where one may be; None when none does."""
    try:
        return require(settings)
    except EngineUnavailable:
        return None
