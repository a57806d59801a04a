"""For a Python whose clock is off: libfaketime takes the end of a sleep for a time of day, and refuses every one of them."""

import threading
import time

time.sleep = lambda seconds: threading.Event().wait(seconds) and None
