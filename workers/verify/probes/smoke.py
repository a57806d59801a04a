"""Touch what the standard library has of the distro: round trips, hashes, TLS, SQLite. Runs in the interpreter under test.

2.7 or later: what a version does not have, its row of the facts does not promise; here only names differ.
"""

import glob
import importlib
import json
import sys


def compression():
    """bz2, lzma (since 3.3) and zlib give back what they got."""
    data = b"relocatable " * 4096
    for module in map(importlib.import_module, ("bz2", "lzma", "zlib") if sys.version_info >= (3, 3) else ("bz2", "zlib")):
        if module.decompress(module.compress(data)) != data:
            raise ValueError(module.__name__ + " does not give back what it got")


def hashes():
    """hashlib has its guaranteed algorithms, and a known digest."""
    hashlib = importlib.import_module("hashlib")

    for name in hashlib.algorithms_guaranteed:  # 2.7.9 has it, too
        hashlib.new(name, b"")
    if not hashlib.sha256(b"").hexdigest().startswith("e3b0c44298fc1c14"):
        raise ValueError("sha256 of nothing is wrong")


def database():
    """sqlite3 keeps and finds a row."""
    sqlite3 = importlib.import_module("sqlite3")

    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (x)")
    connection.execute("insert into t values (7)")
    if connection.execute("select x from t").fetchone() != (7,):
        raise ValueError("a row was lost")
    connection.close()


def tls():
    """A default TLS context can be made."""
    ssl = importlib.import_module("ssl")

    if not ssl.create_default_context().check_hostname:
        raise ValueError("the default context does not check host names")


def foreign_functions():
    """ctypes calls libc, and is called back."""
    ctypes = importlib.import_module("ctypes")

    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
    if ctypes.CDLL(None).abs(-3) - kind(lambda value: value + 1)(2):
        raise ValueError("a call gave a wrong result")


def processes():
    """Threads, and a child made by multiprocessing, work."""
    multiprocessing = importlib.import_module("multiprocessing")

    context = multiprocessing.get_context("fork") if hasattr(multiprocessing, "get_context") else multiprocessing
    pool = context.Pool(1)
    try:
        if pool.map(abs, [-1, -2]) != [1, 2]:
            raise ValueError("a worker process gave a wrong result")
    finally:
        pool.terminate()
        pool.join()


def unicode_width():
    """A character is a code point: 2.7 can be built with narrow ones, which no wheel for Linux fits."""
    if sys.maxunicode != 0x10FFFF:  # noqa: PLR2004 - the last code point of Unicode
        raise ValueError("sys.maxunicode is {:#x}: characters are narrow".format(sys.maxunicode))


def authorities(ssl):
    """How many certificate authorities TLS trusts by default: those loaded, or those that OpenSSL looks up in its folder."""
    loaded = ssl.create_default_context().cert_store_stats()["x509_ca"]
    folder = ssl.get_default_verify_paths().capath
    return max(loaded, len(glob.glob(folder + "/????????.[0-9]")) if folder else 0)


def versions():
    """Versions of OpenSSL and SQLite ('' without), and how many certificate authorities TLS trusts by default."""
    found = {"openssl": "", "sqlite": "", "authorities": 0}
    try:
        ssl = importlib.import_module("ssl")

        found["openssl"] = ssl.OPENSSL_VERSION
        found["authorities"] = authorities(ssl)
    except ImportError:
        pass
    try:
        sqlite3 = importlib.import_module("sqlite3")

        found["sqlite"] = sqlite3.sqlite_version
    except ImportError:
        pass
    return found


def main():
    """Print the facts."""
    results = {}
    for trial in (compression, hashes, database, tls, foreign_functions, processes, unicode_width):
        try:
            trial()
            results[trial.__name__] = ""
        except Exception as error:
            results[trial.__name__] = "{}: {}".format(type(error).__name__, error)
    sys.stdout.write("@@facts " + json.dumps(dict(versions(), results=results)) + "\n")


main()
