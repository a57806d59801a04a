"""How a measurement ends that is run by itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NoReturn

from farm.errors import EXIT_INTERRUPTED, FarmError

if TYPE_CHECKING:
    from collections.abc import Callable


def end(main: Callable[[], int]) -> NoReturn:
    """Ends the process with what `main` gives; for a mistake with a message and an exit code, as the farm's commands do."""
    try:
        code = main()
    except FarmError as error:
        sys.stderr.write(error.told)
        code = error.exit_code
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    sys.exit(code)
