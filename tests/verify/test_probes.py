"""The probes themselves, run by this Python: their answers fit what the checks believe of them."""

from __future__ import annotations

import importlib.util
import io
import json
import subprocess
import sys
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import resources
from pathlib import Path

import pytest

from workers.build.relocate import BUILD_FOLDERS
from workers.verify import facts, wheel
from workers.verify.building import FOLDERS
from workers.verify.places import judge
from workers.verify.probe import MARK, PROBES, parcel, probe_files

FOLDER = resources.files("workers.verify") / "probes"


def ask(probe: str, model, *arguments: str, **environment: str):
    argv = [sys.executable, str(FOLDER / probe), *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60, env=environment or None)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    return model.model_validate_json(line.removeprefix(MARK))


def test_imports():
    told = ask("imports.py", facts.Imports, json.dumps(["math", "no_such_module", "sys", "antigravity_not"]))
    assert set(told.imported) == {"math", "sys"}
    assert told.failures["no_such_module"].kinds[:2] == ("ModuleNotFoundError", "ImportError")
    assert "sys" in told.builtin
    assert any("python" in path for path in told.mapped)


def test_places():
    told = ask("places.py", facts.Places)
    assert told.prefix == told.variables["prefix"] or told.base_prefix != told.prefix
    assert {"stdlib", "include", "scripts"} <= set(told.paths)
    assert told.files["os.py"].endswith("/os.py")
    assert "os.py" not in told.missing


def test_abi():
    told = ask("abi.py", facts.Abi).facts
    assert told["hexversion"] == str(sys.hexversion)
    assert told["abiflags"] == '""'


def test_smoke():
    told = ask("smoke.py", facts.Smoke)
    trials = {"compression", "hashes", "database", "tls", "foreign_functions", "processes", "unicode_width"}
    assert trials == set(told.results)
    assert told.results["hashes"] == ""


def test_behaviour(tmp_path):
    """What every Python has; the one that runs the tests may lack dbm flavours and loadable extensions."""
    told = ask("behaviour.py", facts.Behaviour, str(FOLDER), str(tmp_path)).results
    everywhere = ("tls", "spawned", "ipv6", "names", "text_mode", "locales", "zones")
    assert {name: told[name] for name in everywhere} == dict.fromkeys(everywhere, "")


@pytest.mark.parametrize(
    ("spoilt", "trial"),
    [
        ("import time; time.localtime = time.gmtime", "zones"),
        ("import os; os.listdir = lambda folder: []", "locales"),
        ("import socket; socket.create_connection = None", "ipv6"),
    ],
)
def test_a_behaviour_that_is_wrong_is_told(spoilt, trial, tmp_path):
    code = f"import sys; sys.path.insert(0, sys.argv[1]); {spoilt}; import behaviour; behaviour.{trial}()"
    argv = [sys.executable, "-c", code, str(FOLDER), str(tmp_path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    loopback = Path("/proc/net/if_inet6")
    if trial == "ipv6" and not (loopback.exists() and "0" * 31 + "1" in loopback.read_text()):
        assert "Absent: the box has no address ::1" in done.stderr
    else:
        assert done.returncode == 1


def log_of(*flags):
    return "gcc {} -I/usr/include -c extension.c -o build/extension.o".format(" ".join(flags))


@pytest.fixture
def steps():
    spec = importlib.util.spec_from_file_location("steps", FOLDER / "steps.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_of_the_build_is_a_leak(folder, steps, tmp_path):
    file = tmp_path / "x.so"
    file.write_bytes(Path(sys.executable).read_bytes())
    assert steps.product(str(file), log_of())["leaks"] == []
    assert steps.product(str(file), log_of(f"-I/work/{folder}/Include"))["leaks"] == [f"/work/{folder}"]
    assert steps.product(str(file), log_of(f"-I/work/{folder}less"))["leaks"] == []
    file.write_bytes(file.read_bytes() + f"\0/work/{folder}/x.c\0".encode())
    assert steps.product(str(file), log_of())["leaks"] == [f"/work/{folder}"]
    assert list(judge(places("/x", f"/work/{folder}/lib"), "/x"))
    assert not list(judge(places("/x", f"/opt/{folder}/lib"), "/x"))


def places(root, ldflags):
    values = {"prefix": root, "exec_prefix": root, "base_prefix": root, "executable": f"{root}/bin/python3"}
    return facts.Places(**values, paths={}, variables={"LDFLAGS": f"-L{ldflags}"}, files={}, missing=())


def test_the_build_has_no_other_folders():
    assert {folder.rpartition("/")[2] for folder in BUILD_FOLDERS} <= set(FOLDERS)


@pytest.mark.parametrize("flag", ["-flto=auto", "-fprofile-use", "-fno-semantic-interposition"])
def test_flags_that_only_the_interpreter_may_have(flag, steps):
    lto = [] if flag.startswith("-fno") else [flag]
    assert steps.product(sys.executable, log_of(flag))["flags"] == lto


def test_a_log_that_does_not_tell_how_it_was_compiled_is_a_failed_step(steps):
    with pytest.raises(steps.Broken, match="no line of it says how"):
        steps.product(sys.executable, "[1/2] Building C object extension.c.o\n[2/2] Linking")
    for line in ("[1/2] cc -O2 -c ../extension.c", "/usr/bin/c++ -o x.o -c '/a b/x/extension.cpp'", log_of()):
        assert steps.product(sys.executable, line)["flags"] == []


def test_an_extension_of_sqlite(tmp_path):
    told = ask("loading.py", facts.Loaded, str(tmp_path / "none.so"))
    assert told.answer.split(":")[0] in ("OperationalError", "AttributeError")  # the latter where Python has no loading


def test_behaviour_tells_what_fails_and_goes_on(tmp_path):
    (tmp_path / "server.pem").write_bytes((FOLDER / "server.pem").read_bytes())
    (tmp_path / "authority.pem").write_text("no certificate\n")
    told = ask("behaviour.py", facts.Behaviour, str(tmp_path), str(tmp_path)).results
    assert told["tls"]
    assert not told["ipv6"]


def test_terminal():
    assert set(ask("terminal.py", facts.Behaviour).results) == {"curses", "readline", "the interpreter"}


def test_an_extension_that_needs_nothing_is_built_from_an_sdist(tmp_path):
    told = ask("extending.py", facts.Built, "no such trial", str(tmp_path / "x"), str(tmp_path), '["missing.whl"]')
    assert told.step == "install its wheels"


def test_whoami():
    told = ask("whoami.py", facts.Told)
    assert (told.executable, told.prefix) == (sys.executable, sys.prefix)


def test_linked_reads_both_loaders(tmp_path):
    fake = tmp_path / "ldd"
    glibc = "\tlibfoo.so.1 => not found\n\tlibc.so.6 => /lib/libc.so.6 (0x1)\n"
    musl = "Error loading shared library libbar.so.2: No such file or directory (needed by x)\n"
    fake.write_text(
        "#!/bin/sh\ncase $1 in\n*fine) echo 'libc.so.6 => /lib/libc.so.6 (0x1)';;\n"
        f"*) printf '%s' '{glibc}{musl}'; exit 1;;\nesac\n"
    )
    fake.chmod(0o755)
    told = ask("linked.py", facts.Linked, json.dumps(["/x/bad", "/x/fine"]), PATH=f"{tmp_path}:/usr/bin:/bin")
    bad, fine = told.files["/x/bad"], told.files["/x/fine"]
    assert (bad.missing, bad.complaints) == (("libfoo.so.1", "libbar.so.2"), ())
    assert bad.found == fine.found == {"libc.so.6": "/lib/libc.so.6"}
    assert (fine.missing, fine.complaints) == ((), ())
    assert told.real["/lib/libc.so.6"].endswith("/lib/libc.so.6")


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ("/lib/libc.so.6: version `GLIBC_2.99' not found (required by ./x.so)", "version `GLIBC_2.99' not found"),
        ("\tnot a dynamic executable", "not a dynamic executable"),
        ("", "ldd ended with code 1"),
    ],
)
def test_linked_takes_what_it_does_not_know_for_a_complaint(said, complaint, tmp_path):
    (tmp_path / "ldd").write_text(f'#!/bin/sh\ncat <<"X"\n{said}\nX\nexit 1\n')
    (tmp_path / "ldd").chmod(0o755)
    told = ask("linked.py", facts.Linked, json.dumps(["/a b/ö.so"]), PATH=f"{tmp_path}:/usr/bin:/bin")
    assert complaint in told.files["/a b/ö.so"].complaints[0]


def test_linked_asks_the_real_loader(tmp_path):
    (tmp_path / "no.so").write_bytes(b"\x7fELF nothing")
    told = ask("linked.py", facts.Linked, json.dumps([sys.executable, str(tmp_path / "no.so")]))
    assert "libc.so.6" in told.files[sys.executable].found
    assert not told.files[sys.executable].complaints
    assert told.files[str(tmp_path / "no.so")].complaints


@pytest.mark.parametrize(
    ("probe", "model", "arguments"),
    [
        ("extension.py", facts.Built, ["/nowhere/extension.c", "{}"]),
        ("embed.py", facts.Embedded, ["/nowhere/embed.c", "{}", "/nowhere", "false"]),
    ],
)
def test_a_failed_step_is_told(probe, model, arguments, tmp_path):
    told = ask(probe, model, *(argument.format(tmp_path) for argument in arguments))
    assert told.step
    assert told.error


def test_an_extension_that_cannot_be_built_is_told_for_each_place(tmp_path):
    told = ask("needing.py", facts.Extensions, "/nowhere/extension.c", str(tmp_path))
    assert {place: built.step for place, built in told.results.items()} == {"LIBDIR": "compile", "LIBPL": "compile"}
    assert all("/nowhere/extension.c" in built.error for built in told.results.values())


def test_asking_tells_an_answer_and_a_refusal(tmp_path):
    body = json.dumps({"prefix": "/p", "parsed": 1000})

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/"
        told = ask("asking.py", facts.Asked, url, "http://127.0.0.1/nothing:bad")
    assert told.answers[url].parsed == 1000
    assert told.answers["http://127.0.0.1/nothing:bad"].error


def test_the_site_says_where_it_runs():
    code = f"exec(open({str(FOLDER / 'site.wsgi')!r}).read()); print(b''.join(application({{}}, print)).decode())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    told = facts.Site.model_validate_json(done.stdout.splitlines()[-1])
    assert (told.prefix, told.parsed) == (sys.prefix, 1000)
    assert told.pss_kib >= 0


def test_a_failed_environment_is_told(tmp_path):
    (tmp_path / "env 0").write_text("in the way")
    (tmp_path / "env 1").write_text("in the way")
    (tmp_path / "env 2").write_text("in the way")
    told = ask("environments.py", facts.Environments, str(tmp_path), str(tmp_path))
    assert set(told.results) == {"venv", "venv --copies", "venv through a link"}
    assert all(environment.step == "make it" and environment.error for environment in told.results.values())


def test_the_wheel_installs_and_answers(tmp_path):
    (tmp_path / wheel.NAME).write_bytes(wheel.tiny_wheel())
    code = "import farm_parcel; farm_parcel.main()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(tmp_path / wheel.NAME)}, capture_output=True, check=True
    )
    assert done.stdout == b"42\n"
    assert wheel.tiny_wheel() == wheel.tiny_wheel()


def test_pip_is_tried_with_two_wheels(tmp_path):
    (tmp_path / wheel.NAME).write_bytes(wheel.tiny_wheel())
    digits = f"cp{sys.version_info.major}{sys.version_info.minor}"
    told = ask("install.py", facts.Environments, str(tmp_path / "to"), str(tmp_path), f"{digits}-{digits}")
    assert {way: environment.error for way, environment in told.results.items()} == {"any": "", "tagged": ""}
    told = ask("install.py", facts.Environments, str(tmp_path / "2"), str(tmp_path), f"{digits}-{digits}mu")
    assert told.results["any"].error == ""
    assert "not a supported wheel" in told.results["tagged"].error


def test_probes_are_put_where_they_are_asked():
    with tarfile.open(fileobj=io.BytesIO(parcel(probe_files(), ["probes", "a b"]))) as tar:
        names = tar.getnames()
    assert {"probes/imports.py", "probes/embed.c"} <= set(names)
    assert PROBES == "/work/probes"
    assert names[:2] == ["probes", "a b"]


def test_a_missing_tool_is_a_failed_step(tmp_path):
    told = ask("embed.py", facts.Embedded, "/nowhere/embed.c", str(tmp_path), "/nowhere", "no-such-tool --cflags")
    assert told.step == "no-such-tool --cflags"
    assert "no-such-tool" in told.error
