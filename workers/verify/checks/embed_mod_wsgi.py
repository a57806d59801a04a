"""mod_wsgi, which pip built with the moved tree, serves requests in the distro's Apache, embedded and as daemon."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from workers.verify import wheels
from workers.verify.findings import error, quoted
from workers.verify.probe import PROBES, SCRATCH, SOURCES, parcel, run
from workers.verify.serving import Mode, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from farm.store.artifact import Finding
    from workers.verify.subject import Subject

# As its manual says, and offline. Its setup.py asks sysconfig where libpython lies, and makes that the module's run path;
# nothing is set, neither here nor when it runs. The last line is the module's place.
_BUILD = """folder=$1 source=$2 python=$3; shift 3
"$python" -m venv "$folder" && mkdir "$folder/source" && tar -xzf "$source" -C "$folder/source" --strip-components=1 || exit
cd "$folder/bin" && install="./python -m pip --disable-pip-version-check --no-cache-dir install --no-index --no-deps"
$install "$@" && $install -v --no-build-isolation ../source && ./mod_wsgi-express module-location"""
_USER = "33:33"  # www-data: daemon processes want a user with a name and a home
_START = 'mkdir -p "$1/httpd" && apache2 -f "$1/httpd.conf" -k start'
_MODES = (Mode("embedded", "http://127.0.0.1:8081/embedded"), Mode("daemon", "http://127.0.0.1:8081/daemon", "site"))
_STOP = 'apache2 -f "$1/httpd.conf" -k stop; cat "$1/httpd/error.log"'


def look(subject: Subject) -> Iterator[Finding]:
    """Build, start, ask, stop. Apache has the system's expat loaded, as pyexpat does: the symbols must not clash."""
    box, root, folder = subject.in_builder, subject.builder_root, f"{SCRATCH}/mod_wsgi"
    python = f"{root}/bin/{subject.build.executable}"
    wanted = [f"{SOURCES}/{wheels.FOLDER}/{name}" for name in wheels.wheels(subject.build, subject.version, "setuptools")]
    argv = ["sh", "-c", _BUILD, "build", folder, subject.source("mod_wsgi"), python, *wanted]
    built = run(box, argv)
    if not built.ok:
        yield error(
            f"mod_wsgi does not build: {quoted(built.output)}",
            hint="its setup.py asks sysconfig for all flags: see moved.sysconfig and build.config",
        )
        return
    text = (resources.files("workers.verify") / "probes/httpd.conf").read_text("utf-8")
    text = text.replace("@MODULE@", "".join(built.output.splitlines()[-1:])).replace("@PROBES@", PROBES)
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
