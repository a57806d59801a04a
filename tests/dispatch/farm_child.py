"""`farm …` as a user runs it, but for the pipeline: its worker has the fake one, and no engine is asked for."""

import dataclasses
import sys

from farm.cli import submit
from farm.cli.main import main
from farm.dispatch.submit import Options
from tests.dispatch.conftest import TEMPO, WORKER
from tests.dispatch.making import publisher


def options(fail_fast, with_worker):
    return Options(fail_fast, with_worker, probe=(sys.executable, "-c", ""), worker=WORKER, tempo=dataclasses.replace(TEMPO))


if __name__ == "__main__":
    submit.Options = options
    submit.publisher = lambda store, _base_url, _signer: publisher(store)
    main()
