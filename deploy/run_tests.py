"""The tests of `make test`: those that need a container engine, and beside them, in a second process, all others.

The first mostly compile, the second mostly wait for time limits. Arguments are passed to one single pytest instead.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

PYTEST = (sys.executable, "-m", "pytest")


def main(arguments: list[str]) -> int:
    """Run them; gives the exit code of the first of both that failed."""
    if arguments:
        return _pytest(*arguments)
    with tempfile.TemporaryFile() as output:
        with subprocess.Popen([*PYTEST, "-m", "not engine and not compose"], stdout=output, stderr=output) as others:  # noqa: S603 - ours
            try:
                with_engine = _pytest("-m", "engine")
                without = others.wait()
            except BaseException:
                others.terminate()
                raise
        output.seek(0)
        sys.stdout.buffer.write(output.read())
        sys.stdout.flush()
    return with_engine or without


def _pytest(*arguments: str) -> int:
    return subprocess.run([*PYTEST, *arguments], check=False).returncode  # noqa: S603 - ours


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
