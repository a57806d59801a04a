"""Where Redis is and how it is reached: one place for Celery, which takes messages, and for the mailbox.

kombu verifies no certificate unless it is told to.
https://docs.celeryq.dev/en/stable/userguide/configuration.html#broker-use-ssl
"""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import unquote, urlsplit

from farm.errors import BrokerUnavailable

_TLS = "rediss://"


def refuse_options_of_tls(broker_url: str) -> str:
    """The url itself. Raises ValueError where it has a word in how certificates are looked at: it could turn that off."""
    if "ssl" in unquote(urlsplit(broker_url).query).lower():
        raise ValueError(
            "its options may say nothing of ssl: Redis' certificate is always verified, and FARM_CA_BUNDLE names a private CA"
        )
    return broker_url


def tls_options(broker_url: str, ca_bundle: str) -> dict[str, object]:
    """How a client of rediss:// looks at the certificate, in the words of redis-py and of kombu; {} without TLS."""
    if not broker_url.startswith(_TLS):
        return {}
    trusted = {"ssl_ca_path" if Path(ca_bundle).is_dir() else "ssl_ca_certs": ca_bundle} if ca_bundle else {}
    return {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True, **trusted}


def without_secret(broker_url: str) -> str:
    """The url as messages may show it."""
    scheme, _, rest = broker_url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def unavailable(broker_url: str, complaint: str, error: Exception) -> BrokerUnavailable:
    """The error that says what Redis does not do, without its password, and what to look at."""
    trust = "; FARM_CA_BUNDLE names the CA of its certificate" if broker_url.startswith(_TLS) else ""
    return BrokerUnavailable(
        f"Redis at {without_secret(broker_url)} {complaint}: {error}",
        hint=f"check FARM_BROKER_URL and that the server runs{trust}; what was published stays, submit again to go on",
    )
