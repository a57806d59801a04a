"""Who may do what in the farm's Redis: users for its ACL file, from the names of the keys that each side really uses.

Needs Redis 7 or Valkey: rights to read and to write a key are told apart since then.
https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farm.wire.queue import KEY_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

TRUSTED = "farm"
BUILDER = "builder"

# What a builder does with keys: take messages (kombu moves them to `unacked`, its bindings are sets), ask, beat, show itself.
_MAY = (
    *("build.*", "unacked*", "_kombu.binding*"),  # queues: take, acknowledge, hand back
    "reply:*",  # its answers; a name is 128 random bits, and keys cannot be listed
)
_MAY_ONLY_WRITE = ("asks:*", "inbox:*", "beat:*", "worker:*")
_MAY_ONLY_READ = ("run:*", "cancel:*")
# No command that lists keys, empties, configures or looks into others' connections.
_COMMANDS = (
    *("-@all", "+@read", "+@write", "+@transaction", "+@scripting", "+@connection", "+@blocking"),
    *("-@dangerous", "-@keyspace", "-@admin", "+exists", "+expire", "+pexpire", "+del", "+type", "+ttl"),
)


@dataclass(frozen=True)
class User:
    """A user of Redis, and the password that it logs in with."""

    name: str
    password: str
    rights: tuple[str, ...]

    @property
    def line(self) -> str:
        """As it stands in an ACL file; the password is there only as its SHA-256."""
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        return f"user {self.name} on #{digest} sanitize-payload {' '.join(self.rights)}"


def builder(name: str, password: str) -> User:
    """A builder: it sees its queues, its answers, and whether its work was cancelled; it reads nobody else's questions."""
    both = (f"~{KEY_PREFIX}{pattern}" for pattern in _MAY)
    write = (f"%W~{KEY_PREFIX}{pattern}" for pattern in _MAY_ONLY_WRITE)
    read = (f"%R~{KEY_PREFIX}{pattern}" for pattern in _MAY_ONLY_READ)
    return User(name, password, ("resetkeys", "resetchannels", *both, *write, *read, *_COMMANDS))


def trusted(name: str, password: str) -> User:
    """The trusted side: every key of the farm, and no other."""
    rights = (f"~{KEY_PREFIX}*", "resetchannels", "-@all", "+@all", "-@admin", "-@dangerous", "+info")
    return User(name, password, rights)


def acl_file(users: Iterable[User]) -> str:
    """The text of an ACL file with these users; nobody else may log in."""
    return "\n".join(["user default off", *(user.line for user in users)]) + "\n"
