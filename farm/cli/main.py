"""`farm`: finds the verb, runs it, and turns every error into one message and an exit code. No traceback is ever shown.

A verb is imported only when it is called, so that `farm --help` stays fast.
"""

from __future__ import annotations

import importlib
import json
import os
import sys

import click

from farm import __version__
from farm.cli.lasting import lasting
from farm.errors import EXIT_INTERNAL, EXIT_INTERRUPTED, FarmError

# verb: (module of farm.cli that has a click command of the verb's name, one line of help)
VERBS: dict[str, tuple[str, str]] = {
    "init": ("plan", "Write a commented matrix.yaml to start from."),
    "plan": ("plan", "Show every cell of a matrix with its fate and why."),
    "submit": ("submit", "Build, verify and publish what a matrix asks for."),
    "refresh": ("refresh", "Say which published cells are stale; build them again."),
    "watch": ("runs", "Show the progress of a run."),
    "runs": ("runs", "List runs: how far each has come."),
    "why": ("looking", "Say where a cell stands, and why it is not running."),
    "logs": ("looking", "Print the log of an attempt at a cell."),
    "cancel": ("runs", "Take back a run, or a cell of all runs."),
    "retry": ("runs", "Ask again for the cells of a run that failed."),
    "resume": ("runs", "Ask again for the cells of a run that were never built."),
    "scheduler": ("services", "Drive every run that nobody else drives."),
    "publisher": ("services", "Publish what builders staged, apart from the scheduler."),
    "status": ("status", "Show runs, workers and services at a glance; or serve that as a page."),
    "workers": ("looking", "List the workers that live."),
    "drain": ("drain", "Give a build host no more cells, or give it some again."),
    "doctor": ("doctor", "Check all that this host needs, and say what to do about what is missing."),
    "show": ("explain", "Print the whole recipe of a cell."),
    "explain": ("explain", "Say why each argument, flag and package of a cell is there."),
    "audit": ("yardstick", "Compare a distro's own Python with ours, difference by difference."),
    "ls": ("published", "List what is published."),
    "info": ("published", "Show the newest published build of a cell, and how to use it."),
    "pull": ("pull", "Install a published Python into a folder."),
    "verify": ("verify", "Verify a published cell, or any tarball, again."),
    "compare": ("compare", "Put the outcomes of farm verify for several Pythons side by side."),
    "reproduce": ("reproduce", "Build a published artifact again, and compare every file."),
    "verify-store": ("audit", "Look at the whole store: hashes, signatures, indexes, what nothing names."),
    "gc": ("audit", "Remove what nothing names any more, and old builds."),
    "promote": ("channels", "List published builds in another channel."),
    "yank": ("channels", "Stop offering a build."),
    "index": ("channels", "Write the files of all clients anew, e.g. after a store was copied."),
    "export": ("export", "Write an OCI image layout, or flat archives for Heroku, Cloud Foundry, setup-python."),
    "pins": ("pins", "Look for new releases of Python, and pin them."),
    "keys": ("keys", "Make, show and replace the key that signs what is published."),
    "broker": ("broker", "Make users for the farm's Redis."),
    "clean": ("clean", "Remove logs and staged files that were kept long enough."),
    "store": ("store", "Check what the store's server really does."),
    "serve": ("serve", "Serve the store over HTTP, read-only."),
    "schema": ("schema", "Print a JSON Schema: of matrix.yaml or of the published metadata."),
}


class LazyGroup(click.Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order of their use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a verb."""
        if cmd_name not in VERBS:
            return None
        with lasting():
            module = importlib.import_module(f"farm.cli.{VERBS[cmd_name][0]}")
        command = getattr(module, cmd_name.replace("-", "_"))
        if not isinstance(command, click.Command):
            raise TypeError(f"farm.cli.{VERBS[cmd_name][0]}.{cmd_name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with their one line, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="farm")
def cli() -> None:
    """A build farm for relocatable Python.

    Exit codes: 0 all is well; 2 wrong input; 3 some cells or checks failed; 4 engine, store or broker not usable;
    130 interrupted; 1 a bug of ours.
    """


def _report(error: FarmError) -> None:
    if "--json" in sys.argv:
        data = {"error": {"kind": error.kind, "message": error.message, "hint": error.hint}}
        click.echo(json.dumps(data, indent=2))
    click.secho(f"error: {error.message}", err=True, fg="red" if sys.stderr.isatty() else None)
    if error.hint:
        click.echo(f"  hint: {error.hint}", err=True)


def main() -> None:
    """The entry point: one message and an exit code for every end."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except FarmError as error:
        _report(error)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(EXIT_INTERNAL)
    except Exception as error:
        if os.environ.get("FARM_DEBUG"):
            raise
        click.echo(f"error: a bug of ours: {type(error).__name__}: {error}", err=True)
        click.echo("  hint: run it again with FARM_DEBUG=1 for the traceback, and report it", err=True)
        sys.exit(EXIT_INTERNAL)
