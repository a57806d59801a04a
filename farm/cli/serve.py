"""`farm serve`: the store over HTTP, for laptops and tests."""

from __future__ import annotations

import click

from farm.cli.opening import opened
from farm.errors import BadInput
from farm.settings import Settings
from farm.store.http import server
from farm.store.open import base_url


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; 0.0.0.0 is every one.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 takes a free one.")
@click.option("--quiet", is_flag=True, help="Do not print requests.")
def serve(host: str, port: int, quiet: bool) -> None:
    """Serve the store over HTTP, read-only. Ends with Ctrl-C."""
    settings = Settings()
    store = opened(settings)
    log = (lambda _: None) if quiet else (lambda line: click.echo(line, err=True))
    try:
        serving = server(store, host, port, log=log)
    except OSError as error:
        raise BadInput(f"cannot listen at {host}:{port}: {error.strerror}", hint="choose another --port, or --host") from error
    with serving:
        here = f"http://{host}:{serving.server_port}"
        click.echo(f"{store.name} is served at {here}")
        if (set_to := base_url(settings)) != here:
            click.echo(f"who publishes writes {set_to} into indexes; `farm index --base-url {here}` writes this address")
        serving.serve_forever(poll_interval=0.2)
