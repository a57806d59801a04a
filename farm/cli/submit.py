"""`farm submit`: a matrix becomes published Pythons, while somebody looks on or while a scheduler does the work."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from farm.cli import matrix_options
from farm.cli.offering import publishing, relisting
from farm.cli.opening import opened
from farm.cli.running import following, notifying, tell, terminable, write_junit
from farm.dispatch.submit import Options, Submission, Wish
from farm.errors import BadInput, Failure
from farm.plan.narrow import Overrides
from farm.settings import Settings
from farm.show import plan as show_plan
from farm.store import scratch
from farm.wire.queue import NORMAL, PRIORITIES, Priority

if TYPE_CHECKING:
    from collections.abc import Callable

    from farm.cli.running import LiveProgress, PlainProgress
    from farm.plan.fate import Plan, Planned
    from farm.plan.options import Channel
    from farm.plan.recipe import Optimize
    from farm.store.folder import FolderStore
    from farm.store.s3 import S3Store


@click.command()
@matrix_options.matrix_options
@click.option("--json", "as_json", is_flag=True, help="Print the run's outcome as JSON; progress goes to standard error.")
@click.option("--junit", type=click.Path(path_type=Path), help="Write the run's outcome as JUnit XML to this file.")
@click.option("--fail-fast", is_flag=True, help="End the run as soon as one cell has failed for good.")
@click.option(
    "--priority", type=click.Choice([*PRIORITIES]), default=NORMAL, show_default=True, help="Before which runs it goes."
)
@click.option("--label", default="", help="Only on workers that have this label (FARM_LABELS).")
@click.option("--no-wait", is_flag=True, help="Print the run's id and return; a `farm scheduler` drives the run.")
@click.option(
    "--with-worker/--without-worker",
    default=None,
    help="Build on this host too. The default, unless FARM_BROKER_URL names a Redis that workers elsewhere share.",
)
def submit(  # noqa: PLR0913 - one argument per option
    *,
    matrix: Path,
    only: tuple[str, ...],
    optimize: Optimize | None,
    channel: Channel | None,
    as_json: bool,
    junit: Path | None,
    fail_fast: bool,
    priority: Priority,
    label: str,
    no_wait: bool,
    with_worker: bool | None,
) -> None:
    """Build, verify and publish what MATRIX (matrix.yaml) asks for and the store does not have yet.

    Exit codes: 0 all cells are published; 2 wrong input; 3 some are not; 4 engine, store or Redis not usable; 130 interrupted.
    """
    settings = Settings()
    store = opened(settings)

    def read() -> Plan:
        return matrix_options.read_plan(matrix, only, Overrides(optimize, channel), settings, store)

    here = not settings.broker_url if with_worker is None else with_worker
    carry_out(read, settings, store, Options(fail_fast, here, priority, label), no_wait=no_wait, as_json=as_json, junit=junit)


def carry_out(
    read: Callable[[], Plan],
    settings: Settings,
    store: FolderStore | S3Store,
    options: Options,
    *,
    no_wait: bool,
    as_json: bool,
    junit: Path | None = None,
) -> None:
    """Say what the plan is that `read` gives, bring it to its end (or leave it to a scheduler), and exit with its code."""
    relist = relisting(settings, store)  # a wrong key is said before anything is built
    notify, plan = notifying(settings), read()
    for line in show_plan.summary(plan):
        click.echo(line, err=as_json)
    with terminable(), scratch.taken(), following(as_json=as_json) as watcher:

        def replan() -> list[Wish]:
            return wishes(_said_again(read(), plan, watcher))

        submission = Submission(wishes(plan), settings, store, watcher, replace(options, replan=replan, builds=plan.builds))
        if no_wait:
            leave(submission, settings, store, as_json=as_json)
            return
        ended = submission.perform(store, partial(publishing, settings, store), relist)
    notify(submission.journal)
    if junit:
        write_junit(junit, ended)
    tell(ended, as_json=as_json)
    sys.exit(ended.exit_code)


def leave(submission: Submission, settings: Settings, store: FolderStore | S3Store, *, as_json: bool) -> None:
    """Leave a run to a scheduler, and say how it is followed. Raises BadInput without a Redis that others share."""
    if not settings.broker_url:
        raise BadInput(
            "--no-wait leaves the run to a `farm scheduler`, and no Redis is named that it shares with you",
            hint="set FARM_BROKER_URL, or submit without --no-wait",
        )
    from farm.wire.mailbox import SchedulerMail  # noqa: PLC0415 - redis takes long to load for those who wait

    mail = SchedulerMail.of(settings)
    scheduled = mail.has_scheduler()
    mail.close()
    run = submission.run if submission.leave_to_scheduler(relisting(settings, store)) else ""
    if as_json:
        click.echo(json.dumps({"run": run, "scheduler": scheduled}, indent=2))
    elif not run:
        click.echo("everything is published already")
    else:
        click.echo(f"run {run} is asked for; follow it with: farm watch {run}")
        if not scheduled:
            click.echo("no scheduler shows itself: the run waits until one is started with `farm scheduler`", err=True)


def _said_again(resolved: Plan, plan: Plan, watcher: LiveProgress | PlainProgress) -> Plan:
    """The plan of now, which is printed when it is another one than was printed before."""
    if resolved.order != plan.order:
        watcher.say("now that the distros are resolved:")
        for line in show_plan.summary(resolved):
            watcher.say(line)
    return resolved


def wishes(plan: Plan) -> list[Wish]:
    """The cells of a plan as they are dispatched: those to build in the order of building, then the others."""
    first = {planned.cell: planned for planned in plan.order}
    everyone = [*first.values(), *(planned for planned in plan.cells if planned.cell not in first)]
    return [_wish(planned) for planned in everyone]


def _wish(planned: Planned) -> Wish:
    why = Failure("bad-input", planned.reason, hint="leave it out of the matrix") if planned.fate == "impossible" else None
    return Wish(planned.cell, planned.recipe, planned.options.channel, planned.triple, planned.uv, why)
