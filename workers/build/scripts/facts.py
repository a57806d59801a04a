"""What the freshly built Python says of itself, as JSON; run by it, in the box."""

import json

facts = {"openssl": "", "sqlite": ""}
try:
    import ssl

    facts["openssl"] = ssl.OPENSSL_VERSION
except ImportError:
    pass
try:
    import sqlite3

    facts["sqlite"] = sqlite3.sqlite_version
except ImportError:
    pass
print(json.dumps(facts, sort_keys=True))
