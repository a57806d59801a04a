"""What a Python that is not of this farm says of itself: libraries that it was linked with, and modules that are linked in.

Runs in it, 2.7 and later.
"""

import json
import sys

facts = {"openssl": "", "sqlite": "", "builtin": sorted(sys.builtin_module_names)}
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
sys.stdout.write("@@facts " + json.dumps(facts) + "\n")
