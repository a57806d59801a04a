"""A network bridge of our own for containers, with rules of our own: an engine that is already there keeps its own."""

from __future__ import annotations

import ipaddress
import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from farm.errors import EngineUnavailable
from workers.engine.packages import program

if TYPE_CHECKING:
    from collections.abc import Iterable

# Out-of-the-way private networks; the first that this host has no route to is taken.
CANDIDATES = tuple(
    ipaddress.IPv4Network(net) for net in ("172.30.213.0/24", "10.213.77.0/24", "192.168.213.0/24", "172.19.213.0/24")
)
_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")


@dataclass(frozen=True)
class Bridge:
    """A bridge: its name, network, largest packet that fits, and whether this host forwarded before any of ours was up."""

    name: str
    network: str
    mtu: int
    forwarded: bool

    @property
    def address(self) -> str:
        """The bridge's own address with the prefix length, e.g. '172.30.213.1/24'."""
        network = ipaddress.IPv4Network(self.network)
        return f"{network[1]}/{network.prefixlen}"

    def rules(self) -> tuple[tuple[str, ...], ...]:
        """The iptables rules that let containers out and answers in: table, chain, rule."""
        ours = ("-m", "comment", "--comment", "python-farm")
        answers = ("-m", "conntrack", "--ctstate", "RELATED,ESTABLISHED")
        return (
            ("nat", "POSTROUTING", "-s", self.network, "!", "-o", self.name, *ours, "-j", "MASQUERADE"),
            ("filter", "FORWARD", "-i", self.name, *ours, "-j", "ACCEPT"),
            ("filter", "FORWARD", "-o", self.name, *answers, *ours, "-j", "ACCEPT"),
        )

    def save(self, path: Path) -> None:
        """Remember it, so that whoever finds it later can take it down."""
        path.write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """What `save` remembered; None when there is nothing."""
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None

    def up(self) -> None:
        """Create it. Raises EngineUnavailable when the kernel or the rights do not allow it."""
        _do("ip", "link", "add", self.name, "type", "bridge")
        _do("ip", "address", "add", self.address, "dev", self.name)
        _do("ip", "link", "set", self.name, "mtu", str(self.mtu), "up")
        for table, chain, *rule in self.rules():
            _do("iptables", "-w", "-t", table, "-I", chain, *rule)
        if not self.forwarded:
            _FORWARD.write_text("1\n")

    def down(self, others: Iterable[Bridge] = ()) -> None:
        """Take it down, whatever part of it is there. `others` of ours that are up go on being forwarded."""
        for table, chain, *rule in self.rules():
            _try("iptables", "-w", "-t", table, "-D", chain, *rule)
        _try("ip", "link", "delete", self.name)
        if not self.forwarded and not any(others):
            _FORWARD.write_text("0\n")


def remembered(run: Path) -> list[Bridge]:
    """The bridges of other engines of ours, by what they keep beside the folder `run`."""
    files = [file for file in run.parent.glob("farm-*/bridge.json") if file.parent != run]
    return [bridge for file in files if (bridge := Bridge.load(file))]


def choose(others: Iterable[Bridge] = ()) -> Bridge:
    """A bridge that clashes with nothing on this host, `others` of ours are up. Raises EngineUnavailable."""
    links = json.loads(_do("ip", "-j", "link", "show"))
    routes = json.loads(_do("ip", "-j", "-4", "route", "show", "table", "all"))
    name = free_name(link["ifname"] for link in links)
    network = free_network(route["dst"] for route in routes)
    up = [link["mtu"] for link in links if "UP" in link["flags"] and "LOOPBACK" not in link["flags"]]
    forwarded = all(other.forwarded for other in others) and _FORWARD.read_text().strip() == "1"
    return Bridge(name, str(network), min(up, default=1500), forwarded)


def free_name(taken: Iterable[str]) -> str:
    """The first bridge name that no interface has."""
    names = set(taken)
    return next(name for number in range(len(names) + 1) if (name := f"farm{number}") not in names)


def free_network(routes: Iterable[str]) -> ipaddress.IPv4Network:
    """The first candidate that overlaps with no route ('default' and the like aside). Raises EngineUnavailable."""
    taken = [ipaddress.IPv4Network(route, strict=False) for route in routes if route[:1].isdigit()]
    for candidate in CANDIDATES:
        if not any(candidate.overlaps(other) for other in taken if other.prefixlen):
            return candidate
    raise EngineUnavailable(
        f"no free network for containers: this host has routes to all of {', '.join(map(str, CANDIDATES))}",
        hint="start a container engine of your own and name it in FARM_ENGINE",
    )


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    path = program(command[0]) or command[0]
    return subprocess.run([path, *command[1:]], capture_output=True, text=True, check=False)  # noqa: S603 - commands of ours


def _try(*command: str) -> None:
    _run(*command)


def _do(*command: str) -> str:
    done = _run(*command)
    if done.returncode != 0:
        raise EngineUnavailable(
            f"'{' '.join(command)}' failed: {done.stderr.strip()}",
            hint="an engine of our own needs CAP_NET_ADMIN and bridges in the kernel; or name an engine in FARM_ENGINE",
        )
    return done.stdout
