"""A site: parses XML with Python's expat beside the server's, uses TLS and a database, and says where it runs."""

import hashlib
import json
import os
import sqlite3
import ssl
import sys
import xml.etree.ElementTree as ElementTree


def memory():
    """Proportional set size of this process in KiB; 0 where the kernel does not tell."""
    try:
        with open("/proc/self/smaps_rollup") as rollup:
            return next(int(line.split()[1]) for line in rollup if line.startswith("Pss:"))
    except (IOError, OSError, StopIteration):
        return 0


def application(environ, start_response):
    """Answer with the facts."""
    parsed = ElementTree.fromstring("<a>" + "<b c='d'>e</b>" * 1000 + "</a>")
    hashlib.sha256(ssl.OPENSSL_VERSION.encode() + str(sqlite3.connect(":memory:")).encode()).hexdigest()
    with open("/proc/self/maps") as maps:
        mapped = sorted({line.split(None, 5)[5].strip() for line in maps if "/libpython" in line or "/libexpat" in line})
    facts = {
        "prefix": sys.prefix,
        "parsed": len(parsed),
        "mapped": mapped,
        "group": str(environ.get("mod_wsgi.process_group", "")),
        "pid": os.getpid(),
        "pss_kib": memory(),
    }
    body = json.dumps(facts).encode("utf-8")
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
