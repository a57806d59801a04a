"""What this worker takes: the queues of what it can do, as far as its settings let it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from farm.wire.queue import host_arch
from farm.wire.routes import build_queue

if TYPE_CHECKING:
    from collections.abc import Iterable

    from farm.plan.facts import Facts
    from farm.plan.recipe import How
    from farm.settings import Settings


def queues(settings: Settings, facts: Facts, foreign: Iterable[str]) -> tuple[str, ...]:
    """Each distro of its families, natively and cross-compiled for the `foreign` arches that run here by emulation.

    Each of them without a label and with each of its own.
    """
    ways: list[tuple[str, How]] = [(host_arch(), "native"), *((arch, "cross") for arch in foreign)]
    wanted = settings.families
    mine = sorted(name for name, distro in facts.distros.items() if not wanted or distro.facts.family in wanted)
    return tuple(
        build_queue(arch, distro, how, label) for arch, how in ways for distro in mine for label in ("", *settings.labels)
    )
