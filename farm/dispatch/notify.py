"""One message to a webhook when a run has ended: signed, tried again, and never in anybody's way."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from tenacity.wait import wait_base

from farm.dispatch.report import ENDS, report
from farm.errors import FarmError
from farm.settings import Settings
from farm.store.urls import without_secrets

if TYPE_CHECKING:
    from farm.dispatch.journal import Journal

_TRIES = 6
_TIMEOUT_S = (5, 15)
_LEAVE_S = 10.0
_NAMED = 50
_OK = range(200, 300)
_BACK_OFF = wait_random_exponential(1, max=60)


class _Refused(Exception):  # noqa: N818 - named for what happened
    """The receiver did not take it."""


def message(journal: Journal) -> bytes:
    """What is told of a run: how its cells ended, and why those that failed did (the first ones)."""
    ended = report(journal, journal.plan(), 0.0)
    counts = Counter(cell.end for cell in ended.cells)
    failed = [cell for cell in ended.cells if cell.failure]
    told = {
        "event": "run.ended",
        "run": ended.run,
        "store": ended.store,
        "cells": {end: counts[end] for end in ENDS},
        "ok": ended.exit_code == 0,
        "failures": [
            {"cell": cell.cell, "kind": cell.failure.kind, "step": cell.failure.step, "message": cell.failure.message}
            for cell in failed[:_NAMED]
            if cell.failure
        ],
    }
    return json.dumps(told).encode()


def signature(secret: str, at: int, body: bytes) -> str:
    """The value of `Farm-Signature`: HMAC-SHA256 of `{timestamp}.{body}`, so that an old message cannot be sent again."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


@dataclass
class Notifier:
    """Tells the webhook of the settings, in threads of its own. Without one it does nothing."""

    settings: Settings
    say: Callable[..., None]
    wait: wait_base = _BACK_OFF
    clock: Callable[[], float] = time.time
    _sending: list[threading.Thread] = field(default_factory=list)

    def ended(self, journal: Journal) -> None:
        """A run has ended. It is told once, whoever else drove it too."""
        if not self.settings.webhook_url:
            return
        thread = threading.Thread(target=self._tell, args=(journal,), name=f"notify-{journal.run}", daemon=True)
        self._sending = [one for one in self._sending if one.is_alive()] + [thread]
        thread.start()

    def close(self, patience_s: float = _LEAVE_S) -> None:
        """Wait a moment for messages that are on their way."""
        ends = time.monotonic() + patience_s
        for thread in self._sending:
            thread.join(max(0.0, ends - time.monotonic()))

    def _tell(self, journal: Journal) -> None:
        try:
            if journal.claim_notice():
                self._send(message(journal), journal.run)
        except (requests.RequestException, _Refused, FarmError) as error:
            # Not the error's own text where it may repeat the address with what is secret in it.
            said = str(error) if isinstance(error, _Refused | FarmError) else type(error).__name__
            where = without_secrets(self.settings.webhook_url)
            self.say(f"run {journal.run}: the webhook {where} was not told: {said}", run=journal.run)

    def _send(self, body: bytes, run: str) -> None:
        again = Retrying(
            retry=retry_if_exception_type((requests.RequestException, _Refused)),
            stop=stop_after_attempt(_TRIES),
            wait=self.wait,
            reraise=True,
        )
        again(self._post, body, run)

    def _post(self, body: bytes, run: str) -> None:
        headers = {"Content-Type": "application/json", "Farm-Delivery": run}
        if secret := self.settings.webhook_secret.get_secret_value():
            headers["Farm-Signature"] = signature(secret, int(self.clock()), body)
        answer = requests.post(
            self.settings.webhook_url,
            data=body,
            headers=headers,
            timeout=_TIMEOUT_S,
            allow_redirects=False,
            verify=self.settings.ca_bundle or True,
        )
        if answer.status_code not in _OK:
            raise _Refused(f"HTTP {answer.status_code}")
