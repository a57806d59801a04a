"""What the probes answer. They run in the interpreter under test, so every field is checked before it is believed."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """What all answers have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImportFailure(Answer):
    """Why an import failed: the exception's classes, nearest first, and its text."""

    kinds: tuple[str, ...]
    message: str


class Imports(Answer):
    """probes/imports.py: who the interpreter is, and what it could import."""

    version: str
    builtin: tuple[str, ...]
    imported: tuple[str, ...]
    failures: dict[str, ImportFailure]
    mapped: tuple[str, ...]


class Places(Answer):
    """probes/places.py: where the interpreter thinks it lies. `missing` names the paths and variables that do not exist."""

    prefix: str
    exec_prefix: str
    base_prefix: str
    executable: str
    paths: dict[str, str]
    variables: dict[str, str]
    files: dict[str, str]
    missing: tuple[str, ...]


class Smoke(Answer):
    """probes/smoke.py: what of the standard library's contact with the distro works; '' is fine."""

    results: dict[str, str]
    openssl: str
    sqlite: str
    authorities: int


class Resolved(Answer):
    """What the loader says of one file: libraries it found, by the name they are NEEDED by; those it missed; its complaints."""

    found: dict[str, str]
    missing: tuple[str, ...]
    complaints: tuple[str, ...]


class Behaviour(Answer):
    """probes/behaviour.py: every trial, and what went wrong in it; '' is fine. `absent`: what it needs and the box lacks."""

    results: dict[str, str]
    absent: dict[str, str] = {}


class Linked(Answer):
    """probes/linked.py: the loader's word for each file, and where the paths it found really lead."""

    files: dict[str, Resolved]
    real: dict[str, str]


class Told(Answer):
    """probes/whoami.py: what an interpreter that was started in an odd way says of itself."""

    prefix: str
    base_prefix: str
    executable: str
    mapped: tuple[str, ...]


class Environment(Answer):
    """One virtual environment of probes/environments.py; `error` is '' when all of it worked."""

    error: str
    step: str


class Environments(Answer):
    """probes/environments.py: the environments by name."""

    results: dict[str, Environment]


class Built(Answer):
    """probes/extension.py and extending.py: how building an extension went; `error` is '' when it was imported.

    `path` is its file, `leaks` are paths of the Python's own build in it, `flags` those of LTO and PGO that it was compiled or
    linked with.
    """

    error: str
    step: str
    path: str = ""
    needed: tuple[str, ...]
    leaks: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


class Extensions(Answer):
    """probes/needing.py: extensions by the place where libpython was looked for."""

    results: dict[str, Built]


class Identity(Answer):
    """What an interpreter says of its ABI; `suffix` is that of extension modules."""

    version: str
    maxunicode: int
    soabi: str
    suffix: str


class Way(Answer):
    """One direction of probes/exchange.py: the wheel that one side built; `error` is '' when the other imported it."""

    wheel: str
    error: str
    step: str


class Exchange(Answer):
    """probes/exchange.py: the Python under test and the distro's own."""

    ours: Identity
    theirs: Identity
    to_theirs: Way
    to_ours: Way


class Itself(Answer):
    """probes/itself.py: what a Python of others was linked with, and the modules that are linked in."""

    openssl: str
    sqlite: str
    builtin: tuple[str, ...]


class Tcl(Answer):
    """probes/tk.py: the version of Tcl, and what Tk says where there is no display."""

    patchlevel: str
    without: str


class Loaded(Answer):
    """probes/loading.py: what an extension of SQLite answered, and whether it was refused once loading was switched off."""

    answer: str
    refused: bool


class Abi(Answer):
    """probes/abi.py: what binds extension modules to an interpreter, by name, as JSON."""

    facts: dict[str, str]


class Site(Answer):
    """What probes/site.wsgi says of the process that serves it; `error` when it did not answer. `pss_kib`: its memory."""

    error: str = ""
    prefix: str = ""
    parsed: int = 0
    mapped: tuple[str, ...] = ()
    group: str = ""
    pid: int = 0
    pss_kib: int = 0


class Asked(Answer):
    """probes/asking.py: what each url answered."""

    answers: dict[str, Site]


class Embedded(Answer):
    """probes/embed.py: how building and running an embedding program went.

    `runs` maps how it was started ('rpath', 'LD_LIBRARY_PATH', …) to what it printed as its prefix, or to 'error: …'.
    """

    error: str
    step: str
    needed: tuple[str, ...]
    runs: dict[str, str]
