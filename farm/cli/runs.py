"""`farm runs`, `watch`, `cancel`, `retry` and `resume`: runs that were asked for, and what becomes of them."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import TYPE_CHECKING

import click

from farm.cli.offering import publishing, relisting
from farm.cli.opening import opened
from farm.cli.running import FailureTeller, following, notifying, tell, terminable
from farm.cli.submit import leave
from farm.dispatch import listing
from farm.dispatch.journal import Journal
from farm.dispatch.report import ENDS, End, report
from farm.dispatch.submit import Options, Submission, Wish
from farm.dispatch.watch import driven
from farm.dispatch.watch import watch as look_on
from farm.errors import BadInput
from farm.plan.cell import Cell
from farm.settings import Settings
from farm.show import runs as show
from farm.store import scratch

if TYPE_CHECKING:
    from farm.store.protocol import Store

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_WORKER = click.option("--with-worker/--without-worker", default=None, help="Build on this host too; see `farm submit`.")
_NO_WAIT = click.option("--no-wait", is_flag=True, help="Leave it to a `farm scheduler`.")
_RETRIED: frozenset[End] = frozenset({"failed"})
_RESUMED: frozenset[End] = frozenset({"not built"})


@click.command()
@click.option("--all", "everything", is_flag=True, help="Also those that ended long ago.")
@_JSON
def runs(*, everything: bool, as_json: bool) -> None:
    """List runs, the newest last: how far each has come."""
    store = opened(Settings())
    lines = listing.runs(store, everything=everything)
    if as_json:
        click.echo(json.dumps(show.runs_data(lines), indent=2))
    else:
        click.echo(show.runs(lines) if lines else show.NO_RUN)


@click.command()
@click.argument("run", required=False)
@click.option("--cell", help="Show the log of this cell; that of the one that runs longest, otherwise.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON; progress goes to standard error.")
def watch(run: str | None, *, cell: str | None, as_json: bool) -> None:
    """Show the progress of RUN (the newest one) until it ends: state, step, time and worker of each cell, and a log's end."""
    settings = Settings()
    store = opened(settings)
    journal = Journal(store, run) if run else Journal.latest(store)
    if cell and cell not in {planned.cell for planned in journal.plan().cells}:
        raise BadInput(f"run {journal.run} has no cell {cell}", hint=f"farm watch {journal.run} shows those it has")
    with following(as_json=as_json, focus=cell or "") as watcher:
        ended, over = look_on(journal, settings, FailureTeller(watcher, journal))
    tell(ended, as_json=as_json)
    if not over:
        click.echo(f"nobody drives the run {journal.run} any more: `farm resume {journal.run}` goes on with it", err=True)
    sys.exit(ended.exit_code)


@click.command()
@click.argument("what", metavar="RUN|CELL")
def cancel(what: str) -> None:
    """Take back RUN, or CELL in every run that has not ended. What is being built ends within seconds."""
    store = opened(Settings())
    found = 0
    for run, cells in _cancelled(store, what):
        Journal(store, run).cancel(cells)
        found += len(cells)
        click.echo(f"run {run}: {len(cells)} {'cell' if len(cells) == 1 else 'cells'} cancelled")
    if not found:
        raise BadInput(f"nothing that has not ended is called {what}", hint="`farm runs` shows what goes on")


def _cancelled(store: Store, what: str) -> list[tuple[str, list[Cell]]]:
    """The cells to cancel, by run."""
    open_runs = Journal.open_runs(store)
    wanted = None if what in open_runs else Cell.parse(what) if what not in Journal.runs(store) else what
    found = []
    for run in open_runs if wanted else [what]:
        cells = [Cell.parse(planned.cell) for planned in Journal(store, run).asked().cells]
        found.append((run, [cell for cell in cells if wanted in (None, cell)]))
    return [(run, cells) for run, cells in found if cells]


@click.command()
@click.argument("run")
@_WORKER
@_NO_WAIT
@_JSON
def retry(run: str, *, with_worker: bool | None, no_wait: bool, as_json: bool) -> None:
    """Ask again, in a new run, for the cells of RUN that failed."""
    _again(run, _RETRIED, with_worker=with_worker, no_wait=no_wait, as_json=as_json)


@click.command()
@click.argument("run")
@_WORKER
@_NO_WAIT
@_JSON
def resume(run: str, *, with_worker: bool | None, no_wait: bool, as_json: bool) -> None:
    """Ask again, in a new run, for the cells of RUN that were never built: it was ended before, or no worker took them."""
    _again(run, _RESUMED, with_worker=with_worker, no_wait=no_wait, as_json=as_json)


def _again(run: str, ends: frozenset[End], *, with_worker: bool | None, no_wait: bool, as_json: bool) -> None:
    settings = Settings()
    store = opened(settings)
    journal = Journal(store, run)
    if run in Journal.open_runs(store) and driven(settings, run):
        raise BadInput(f"run {run} has not ended", hint=f"farm watch {run}; or farm cancel {run}")
    journal.close()
    before = report(journal, journal.plan(), 0.0)
    wanted = {cell.cell for cell in before.cells if cell.end in ends}
    if not wanted:
        counts = ", ".join(f"{sum(cell.end == end for cell in before.cells)} {end}" for end in ENDS)
        raise BadInput(f"run {run} has no cell that is {' or '.join(sorted(ends))}: {counts}", hint="`farm runs` shows others")
    asked = journal.asked()
    wishes = [Wish.of(planned) for planned in asked.cells if planned.cell in wanted]
    options = Options(
        asked.fail_fast, not settings.broker_url if with_worker is None else with_worker, asked.priority, asked.label
    )
    notify = notifying(settings)
    with terminable(), scratch.taken(), following(as_json=as_json) as watcher:
        submission = Submission(wishes, settings, store, watcher, options)
        if no_wait:
            leave(submission, settings, store, as_json=as_json)
            return
        ended = submission.perform(store, partial(publishing, settings, store), relisting(settings, store))
    notify(submission.journal)
    tell(ended, as_json=as_json)
    sys.exit(ended.exit_code)
