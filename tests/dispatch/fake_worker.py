"""A real worker, `python -m workers worker`, whose pipeline is the fake of the folder that FAKE_PIPELINE names."""

import os
import sys
from pathlib import Path

from tests.fakes import FakePipeline

sys.modules["workers.pipeline"] = FakePipeline(Path(os.environ["FAKE_PIPELINE"]))  # type: ignore[assignment]

if __name__ == "__main__":
    from workers.__main__ import main

    sys.exit(main(["worker", *sys.argv[1:]]))
