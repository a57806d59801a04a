"""uWSGI, built against the moved tree, serves a request without being told a home."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workers.verify.findings import error, quoted
from workers.verify.probe import SCRATCH, run, script
from workers.verify.serving import Mode, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

_BUILD = """mkdir -p "$1" && tar -xzf "$2" -C "$1" --strip-components=1 && cd "$1" &&
CPUCOUNT=2 LD_RUN_PATH="$4" "$3" uwsgiconfig.py --build"""
_START = """"$1/uwsgi" --http-socket 127.0.0.1:8082 --wsgi-file "$2" --master --processes 2 \
--pidfile "$1/pid" --daemonize "$1/uwsgi.log\""""
_STOP = '"$1/uwsgi" --stop "$1/pid"; tail -n 20 "$1/uwsgi.log"'


def look(subject: Subject) -> Iterator[Finding]:
    """Build, start, ask, stop: neither PYTHONHOME nor --home is set."""
    box, root, folder = subject.in_builder, subject.builder_root, f"{SCRATCH}/uwsgi"
    python = f"{root}/bin/{subject.build.executable}"
    built = run(box, ["sh", "-c", _BUILD, "build", folder, subject.source("uwsgi"), python, f"{root}/lib"])
    if not built.ok:
        yield error(
            f"uWSGI does not build: {quoted(built.output)}",
            hint="uwsgiconfig.py asks sysconfig for all flags: see moved.sysconfig and build.config",
        )
        return
    started = run(box, ["sh", "-c", _START, "start", folder, script("site.wsgi")])
    if not started.ok:
        yield error(
            f"uWSGI does not start: {quoted(started.output)}",
            hint="see `ldd` of the program uwsgi: libpython must be found by its run path",
        )
        return
    found = list(served(subject, [Mode("prefork", "http://127.0.0.1:8082/")]))
    log = run(box, ["sh", "-c", _STOP, "stop", folder]).output
    yield from (finding.model_copy(update={"hint": f"{finding.hint}; uWSGI's log: {quoted(log, 4)}"}) for finding in found)
