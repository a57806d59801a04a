"""mod_wsgi, built against the moved tree, serves requests in the distro's Apache, embedded and as daemon."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from workers.verify.findings import error, quoted
from workers.verify.probe import PROBES, SCRATCH, parcel, run
from workers.verify.serving import Mode, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

# A run path by the linker's own variable, as mod_wsgi's manual says; nothing else is set, neither then nor at run time.
_BUILD = """mkdir -p "$1" && tar -xzf "$2" -C "$1" --strip-components=1 && cd "$1" &&
./configure --with-python="$3" --with-apxs=/usr/bin/apxs && LD_RUN_PATH="$4" make -j2"""
_USER = "33:33"  # www-data: daemon processes want a user with a name and a home
_START = 'mkdir -p "$1/httpd" && apache2 -f "$1/httpd.conf" -k start'
_MODES = (Mode("embedded", "http://127.0.0.1:8081/embedded"), Mode("daemon", "http://127.0.0.1:8081/daemon", "site"))
_STOP = 'apache2 -f "$1/httpd.conf" -k stop; cat "$1/httpd/error.log"'


def look(subject: Subject) -> Iterator[Finding]:
    """Build, start, ask, stop. Apache has the system's expat loaded, as pyexpat does: the symbols must not clash."""
    box, root, folder = subject.in_builder, subject.builder_root, f"{SCRATCH}/mod_wsgi"
    python = f"{root}/bin/{subject.build.executable}"
    argv = ["sh", "-c", _BUILD, "build", folder, subject.source("mod_wsgi"), python, f"{root}/lib"]
    built = run(box, argv)
    if not built.ok:
        yield error(
            f"mod_wsgi does not build: {quoted(built.output)}",
            hint="its configure asks sysconfig for all flags: see moved.sysconfig and build.config",
        )
        return
    text = (resources.files("workers.verify") / "probes/httpd.conf").read_text("utf-8")
    text = text.replace("@MODULE@", f"{folder}/src/server/.libs/mod_wsgi.so").replace("@PROBES@", PROBES)
    box.put(SCRATCH, parcel({"httpd.conf": text.encode()}))
    started = run(box, ["sh", "-c", _START, "start", SCRATCH], user=_USER)
    if not started.ok:
        yield error(
            f"Apache does not start with it: {quoted(started.output)}",
            hint="see `ldd` of mod_wsgi.so: libpython must be found by its run path",
        )
        return
    found = list(served(subject, _MODES))
    log = run(box, ["sh", "-c", _STOP, "stop", SCRATCH], user=_USER).output
    yield from (finding.model_copy(update={"hint": f"{finding.hint}; Apache's log: {quoted(log, 3)}"}) for finding in found)
