"""Behave as programs do: TLS with an authority of one's own, databases, processes, terminals, time zones, names.

Runs in the interpreter under test, 2.7 and later. Arguments: the folder with server.pem and authority.pem, a folder to work in.
Each trial either passes, raises, or is not for this version.
"""

import importlib
import json
import os
import sys
import threading
import time

HTTPS = 443
HERE, WORK = sys.argv[1:3]


class Absent(Exception):  # noqa: N818 - named for what happened
    """This box lacks what the rest of a trial needs."""


def load(name):
    """A module of the standard library; imported when its trial runs, so that one that fails spoils no other."""
    return importlib.import_module(name)


def check(fine, problem):
    """Raise with `problem` when something is not as it should be."""
    if not fine:
        raise ValueError(problem)


def tls():
    """A handshake with a server whose certificate a private authority signed; and none without that authority."""
    socket, ssl = load("socket"), load("ssl")
    server = ssl.SSLContext(getattr(ssl, "PROTOCOL_TLS_SERVER", ssl.PROTOCOL_SSLv23))
    server.load_cert_chain(os.path.join(HERE, "server.pem"))
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(2)

    def serve():
        for _ in range(2):
            try:
                spoken = server.wrap_socket(listening.accept()[0], server_side=True)
                spoken.sendall(spoken.recv(100))
                spoken.close()
            except (ssl.SSLError, OSError, socket.error):
                continue

    thread = threading.Thread(target=serve)
    thread.daemon = True
    thread.start()
    trusting, strange = ssl.create_default_context(), ssl.create_default_context()
    trusting.load_verify_locations(os.path.join(HERE, "authority.pem"))
    for context, trusted in ((trusting, True), (strange, False)):
        plain = socket.create_connection(listening.getsockname(), 20)
        try:
            spoken = context.wrap_socket(plain, server_hostname="localhost")
        except ssl.SSLError:
            check(not trusted, "the handshake fails though the authority is trusted")
        else:
            check(trusted, "a server is trusted that nobody vouches for")
            spoken.sendall(b"ping")
            check(spoken.recv(100) == b"ping", "what came back is not what was sent")
        finally:
            plain.close()


def sqlite():
    """Full-text search, and extensions that can be loaded."""
    connection = load("sqlite3").connect(":memory:")
    connection.execute("create virtual table t using fts5(body)")
    connection.execute("insert into t values ('a relocatable python')")
    check(connection.execute("select count(*) from t where t match 'python'").fetchone() == (1,), "FTS5 finds nothing")
    if sys.version_info >= (3, 2):
        connection.enable_load_extension(True)
        connection.enable_load_extension(False)
    connection.close()


def databases():
    """Every flavour of dbm that there is keeps a value."""
    two = sys.version_info < (3,)
    names = ("gdbm", "dbm", "dumbdbm") if two else ("dbm.gnu", "dbm.ndbm", "dbm.dumb")
    for name in names + (("dbm.sqlite3",) if sys.version_info >= (3, 13) else ()):
        path = os.path.join(WORK, "database of " + name)
        database = load(name).open(path, "n")
        database[b"key"] = b"value"
        database.close()
        database = load(name).open(path, "r")
        check(database[b"key"] == b"value", name + " lost a value")
        database.close()


def spawned():
    """Worker processes that start from nothing, and from a server."""
    multiprocessing = load("multiprocessing")
    for method in ("spawn", "forkserver") if hasattr(multiprocessing, "get_context") else ():
        pool = multiprocessing.get_context(method).Pool(1)
        check(pool.map(abs, [-3]) == [3], method + " gave a wrong result")
        pool.terminate()
        pool.join()


def terminal():
    """readline completes and curses draws on a pseudo-terminal."""
    pty, curses, readline = load("pty"), load("curses"), load("readline")
    readline.parse_and_bind("tab: complete")
    child, master = pty.fork()
    if child == 0:
        try:
            os.environ["TERM"] = "linux"
            curses.setupterm()
            screen = curses.initscr()
            screen.keypad(True)
            screen.addstr(0, 0, "drawn")
            screen.refresh()
            curses.endwin()
            os._exit(0)
        finally:
            os._exit(1)
    seen, ends = b"", time.time() + 20
    try:
        while time.time() < ends:
            block = os.read(master, 1024)
            if not block:
                break
            seen += block
    except OSError:
        pass  # how Linux says that the other end is closed
    check(os.waitpid(child, 0)[1] == 0, "curses fails on a terminal")
    check(b"drawn" in seen, "curses draws nothing")


def offsets():
    """How many hours the local time is ahead of UTC at the beginning of January and of July 2026."""
    return [int(load("calendar").timegm(time.localtime(moment)) - moment) // 3600 for moment in (1767225600, 1782864000)]


def zones():
    """Time zones by rule, which libc reads itself, and by name where the distro has them; since 3.9 it must."""
    before, named = os.environ.get("TZ", "UTC"), os.path.exists("/usr/share/zoneinfo/Europe/Berlin")
    try:
        for zone in ("CET-1CEST,M3.5.0,M10.5.0/3", "Europe/Berlin") if named else ("CET-1CEST,M3.5.0,M10.5.0/3",):
            os.environ["TZ"] = zone
            time.tzset()
            check(offsets() == [1, 2], "with TZ={} it is {} hours ahead, and not 1 and 2".format(zone, offsets()))
            check(time.tzname == ("CET", "CEST"), "with TZ={} the zone is called {}".format(zone, time.tzname))
    finally:
        os.environ["TZ"] = before
        time.tzset()
    if sys.version_info >= (3, 9):
        datetime, zoneinfo = load("datetime"), load("zoneinfo")
        winter = datetime.datetime(2026, 1, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin"))
        check(winter.utcoffset() == datetime.timedelta(hours=1), "Berlin is not one hour ahead in winter")


def names():
    """International host names, and services by name."""
    name = b"b\xc3\xbccher.example".decode("utf-8")
    check(name.encode("idna") == b"xn--bcher-kva.example", "IDNA is wrong")
    check(load("socket").getservbyname("https") == HTTPS, "services have no names: netbase is missing")


LOOPBACK = "0" * 31 + "1"  # as the kernel writes ::1


def ipv6():
    """Sockets of IPv6 are compiled in, and a byte goes through ::1 and back."""
    socket = load("socket")
    check(socket.has_ipv6, "it was built without IPv6")
    socket.inet_pton(socket.AF_INET6, "2001:db8::1")
    try:
        with open("/proc/net/if_inet6") as interfaces:
            there = LOOPBACK in interfaces.read()
    except (IOError, OSError):  # what a kernel without IPv6 has
        there = False
    if not there:
        raise Absent("the box has no address ::1")
    listening = socket.socket(socket.AF_INET6)
    listening.bind(("::1", 0))
    listening.listen(1)
    near = socket.create_connection(listening.getsockname()[:2], 20)
    far = listening.accept()[0]
    near.sendall(b"6")
    far.sendall(far.recv(1))
    check(near.recv(1) == b"6", "what came back over ::1 is not what was sent")
    for connection in (near, far, listening):
        connection.close()


def zstandard():
    """Zstandard gives back what it got."""
    if sys.version_info >= (3, 14):
        zstd = load("compression.zstd")
        check(zstd.decompress(zstd.compress(b"again " * 999)) == b"again " * 999, "zstd does not give back what it got")


def text_mode():
    """Text is UTF-8 in the UTF-8 mode and in a C locale, where a version has that."""
    if sys.version_info >= (3, 7):
        subprocess = load("subprocess")
        code = "import sys; print(sys.flags.utf8_mode, sys.stdout.encoding.lower())"
        for environment, wanted in (({"LC_ALL": "C"}, b"1 utf-8"), ({"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}, b"1 utf-8")):
            said = subprocess.check_output([sys.executable, "-c", code], env=dict(os.environ, **environment)).strip()
            check(said == wanted, "with {} it says {}".format(environment, said.decode()))


LOCALE = """
import io, locale, sys
locale.setlocale(locale.LC_ALL, "")
io.open(b"b\\xc3\\xbccher".decode("utf-8"), "w").close()
print(locale.nl_langinfo(locale.CODESET), sys.getfilesystemencoding().upper(), locale.getlocale()[1].upper())
"""


def locales():
    """A locale that is not C decides how text is encoded, also that of file names; what 2.7 has, too."""
    subprocess, folder = load("subprocess"), os.path.join(WORK, "names in a locale")
    if not os.path.isdir(folder):
        os.makedirs(folder)
    environment = dict(os.environ, LC_ALL="C.UTF-8", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    argv = [sys.executable, "-c", LOCALE]
    said = subprocess.check_output(argv, env=environment, cwd=folder).decode("utf-8")
    words = said.replace("(", " ").replace(")", " ").replace(",", " ").replace("'", " ").split()  # 2.7 prints a tuple
    check(words == ["UTF-8"] * 3, "in the locale C.UTF-8 encodings are {}".format(said.strip()))
    there = os.listdir(folder.encode("utf-8"))
    check(there == [b"b\xc3\xbccher"], "a name that is not ASCII became {!r}".format(there))


TRIALS = (tls, sqlite, databases, spawned, terminal, zones, names, ipv6, zstandard, text_mode, locales)


def main():
    """Print the facts."""
    results, absent = {}, {}
    for trial in TRIALS:
        print("trying " + trial.__name__)
        sys.stdout.flush()
        try:
            trial()
            results[trial.__name__] = ""
        except Absent as lack:
            results[trial.__name__], absent[trial.__name__] = "", str(lack)
        except Exception as error:
            results[trial.__name__] = "{}: {}".format(type(error).__name__, error)
    print("@@facts " + json.dumps({"results": results, "absent": absent}))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
