"""Hosts to rehearse docs/operating.md on: containers with systemd as process 1, those that build with an engine within."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

from tests.fixtures_s3 import weed

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "operating.md"
# What a host of operators has before the farm comes: an init system, git, and packages that are installed without asking back.
_DOCKERFILE = """\
FROM {base}
COPY *.crt /usr/local/share/ca-certificates/
RUN apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq --yes install --no-install-recommends \\
    systemd systemd-sysv ca-certificates git python3-venv iproute2 curl >/dev/null && update-ca-certificates
RUN printf 'APT::Get::Assume-Yes "true";\\n' > /etc/apt/apt.conf.d/99-yes \\
    && printf '[global]\\ncert = /etc/ssl/certs/ca-certificates.crt\\n' > /etc/pip.conf
STOPSIGNAL SIGRTMIN+3
CMD for m in /sys /sys/fs/cgroup/* /proc/sys; do mount -o remount,rw $m || mount -o remount,rw,bind $m; done; exec /sbin/init
"""
# Those that Docker 20.10 can name, and a host's root may lack: a host is given what the kernel lets us give.
_CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE"),
    *(
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_ADMIN",
        "NET_RAW",
        "IPC_LOCK",
        "IPC_OWNER",
        "SYS_MODULE",
        "SYS_RAWIO",
        "SYS_CHROOT",
    ),
    *(
        "SYS_PTRACE",
        "SYS_PACCT",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_NICE",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "MKNOD",
        "LEASE",
    ),
    *(
        "AUDIT_WRITE",
        "AUDIT_CONTROL",
        "SETFCAP",
        "MAC_OVERRIDE",
        "MAC_ADMIN",
        "SYSLOG",
        "WAKE_ALARM",
        "BLOCK_SUSPEND",
        "AUDIT_READ",
    ),
)


def blocks(after: str) -> list[str]:
    """The commands of operating.md that stand between this text and the next step or section."""
    page = PAGE.read_text("utf-8")
    assert page.count(after) == 1, f"operating.md has {after!r} {page.count(after)} times"
    rest = page.partition(after)[2]
    ends = re.search(r"^(\*\*|#)", rest, re.MULTILINE)
    return re.findall(r"^```sh\n(.*?)^```$", rest[: ends.start() if ends else None], re.MULTILINE | re.DOTALL)


def allowed() -> list[str]:
    """The options that give a container every capability that this process may give."""
    bound = int(re.search(r"CapBnd:\s*(\w+)", Path("/proc/self/status").read_text())[1], 16)
    return [word for number, name in enumerate(_CAPABILITIES) if bound >> number & 1 for word in ("--cap-add", name)]


class Hosts:
    """All hosts of one rehearsal; who leaves it removes them."""

    def __init__(self, engine_url: str, base: str, folder: Path) -> None:
        self.engine_url = engine_url
        self.folder = folder
        self.image = f"python-farm/rehearsal:{os.getpid()}"
        self.addresses: dict[str, str] = {}
        context = folder / "image"
        context.mkdir()
        (context / "Dockerfile").write_text(_DOCKERFILE.format(base=base))
        (context / "none.crt").touch()
        if bundle := os.environ.get("FARM_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE"):
            shutil.copy(bundle, context / "host.crt")
        self.docker("build", "-q", "-t", self.image, str(context))

    def docker(self, *words: str, script: str | None = None, timeout: float = 900) -> str:
        argv = ["docker", "-H", self.engine_url, *words]
        done = subprocess.run(argv, input=script, capture_output=True, text=True, timeout=timeout, check=False)
        assert done.returncode == 0, f"{script or words}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def _named(self, name: str) -> str:
        return f"farm-rehearsal-{os.getpid()}-{name}"

    def start(self, name: str, *alias: str, options: tuple[str, ...] = (), command: tuple[str, ...] = ()) -> None:
        """Switch on a host; all hosts know it by these names then."""
        shut = ("--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "--cgroupns", "private")
        room = ("--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec", "-v", "/var/lib/docker")
        known = ("--name", self._named(name), "--hostname", name)
        self.docker("run", "-d", *known, *allowed(), *shut, *room, *options, self.image, *command)
        address = self.docker("inspect", "-f", "{{.NetworkSettings.IPAddress}}", self._named(name)).strip()
        self.addresses |= dict.fromkeys((name, *alias), address)
        lines = "".join(f"{address} {host}\n" for host, address in self.addresses.items())
        for host in {host.partition(".")[0] for host in self.addresses}:
            self.run(host, f"cat > /etc/hosts <<'HOSTS'\n127.0.0.1 localhost\n{lines}HOSTS\n")

    def run(self, host: str, script: str, *, folder: str = "/root", timeout: float = 900) -> str:
        """What this prints, typed by root in a shell there."""
        return self.docker("exec", "-i", "-w", folder, self._named(host), "bash", "-eu", script=script, timeout=timeout)

    def until(self, host: str, script: str, seconds: float = 300) -> str:
        """What it prints, once it ends well."""
        ends = time.monotonic() + seconds
        while True:
            try:
                return self.run(host, script)
            except AssertionError:
                if time.monotonic() > ends:
                    raise
                time.sleep(1)

    def serve_s3(self, store: str, keys: tuple[str, str], reader: tuple[str, str]) -> None:
        """A host with the composition's S3 server."""
        named = dict(
            zip(
                ("S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_READER_ACCESS_KEY", "S3_READER_SECRET_KEY"),
                (*keys, *reader),
                strict=True,
            )
        )
        settings = [word for name, value in ({"S3_STORE": store} | named).items() for word in ("-e", f"{name}={value}")]
        files = (
            "-v",
            f"{weed()}:/opt/s3/venv/bin/weed:ro",
            "-v",
            f"{ROOT / 'deploy' / 's3.sh'}:/opt/s3/s3.sh:ro",
            "-v",
            "/data",
        )
        self.start("s3", "s3.example.org", options=(*settings, *files), command=("sh", "/opt/s3/s3.sh"))
        self.until("s3", "test -e /tmp/bucket")

    def lose(self, name: str) -> None:
        """A host burns down."""
        self.docker("rm", "--force", "--volumes", self._named(name))
        self.addresses = {host: address for host, address in self.addresses.items() if host.partition(".")[0] != name}

    def close(self) -> None:
        for name in {host.partition(".")[0] for host in self.addresses}:
            argv = ["docker", "-H", self.engine_url, "rm", "--force", "--volumes", self._named(name)]
            subprocess.run(argv, capture_output=True, check=False, timeout=120)
        subprocess.run(["docker", "-H", self.engine_url, "rmi", self.image], capture_output=True, check=False, timeout=120)
