"""Build a granted cell again in this process, without verifying it. Usage: again.py GRANT.json FOLDER JOBS"""

import sys
import time
from pathlib import Path

from farm.settings import Settings
from farm.store.artifact import StepTime
from farm.wire.messages import Grant
from farm.wire.verification import Verification
from workers import pipeline


class Telling:
    """A reporter that prints the steps."""

    def __init__(self):
        self.began = time.monotonic()

    @property
    def steps(self):
        return (StepTime(step="all", seconds=time.monotonic() - self.began),)

    def step(self, name):
        sys.stdout.write(f"{time.monotonic() - self.began:6.1f} {name}\n")

    def line(self, text):
        pass

    def cancelled(self):
        return False


def unverified(_request, _effects, _maker, _images, build, archive):
    return Verification(cell=build.cell, archive=archive.name, checks=(), findings=())


def main(grant, folder, jobs):
    pipeline._verify = unverified  # the first build was verified; equal bytes need no second time
    request = pipeline.BuildRequest("20260101-000000-abcdef", Grant.model_validate_json(Path(grant).read_text()), "elsewhere")
    result = pipeline.build_cell(request, pipeline.effects(Telling(), Settings(jobs=int(jobs))))
    Path(folder, "result.json").write_text(result.model_dump_json())


if __name__ == "__main__":
    main(*sys.argv[1:])
