"""Type at a terminal as people do, arrow keys, backspace and wide characters: at readline, curses and the interpreter itself.

Runs in the interpreter under test, 2.7 and later; each trial is a child of its own on a pseudo-terminal.
"""

import json
import os
import pty
import select
import sys
import time

PATIENCE_S = 60
LEFT, BACKSPACE, ENTER = b"\x1b[D", b"\x7f", b"\r"
KEYPAD_ON, KEYPAD_LEFT = b"\x1b[?1h", b"\x1bOD"
WIDE = b"\xe6\x97\xa5"  # a character of three bytes and two columns

READLINE = """
import readline, sys
readline.parse_and_bind("set enable-bracketed-paste off")
ask = input if sys.version_info >= (3,) else raw_input
while True:
    line = ask("ready> ")
    if not isinstance(line, bytes):
        line = line.encode("utf-8")
    sys.stdout.write("got:" + "".join("%02x" % byte for byte in bytearray(line)) + ":\\n")
    sys.stdout.flush()
"""
CURSES = """
import curses, locale, sys
locale.setlocale(locale.LC_ALL, "")
def main(screen):
    screen.keypad(True)
    screen.addstr(0, 0, b"\\xe6\\x97\\xa5".decode("utf-8").encode("utf-8") if sys.version_info < (3,) else "\\u65e5")
    screen.addstr(1, 0, "ready> ")
    screen.refresh()
    keys = [screen.getch(), screen.getch()]
    if hasattr(screen, "get_wch"):
        keys.append(ord(screen.get_wch()))
    return keys, [curses.KEY_LEFT, curses.KEY_BACKSPACE, 0x65e5][:len(keys)]
got, wanted = curses.wrapper(main)
print("same:%s:" % (got == wanted) if got == wanted else "keys:%r, not %r:" % (got, wanted))
"""

# What is run, its prompt, then what is typed at each prompt and what must come back.
TRIALS = {
    "readline": (
        ["-c", READLINE],
        b"ready> ",
        [
            (b"ac" + LEFT + b"b" + ENTER, b"got:616263:"),
            (b"abx" + BACKSPACE + b"c" + ENTER, b"got:616263:"),
            (WIDE + WIDE + BACKSPACE + b"x" + ENTER, b"got:e697a578:"),
            (b"a" + WIDE + LEFT + b"b" + ENTER, b"got:6162e697a5:"),
        ],
    ),
    "curses": (["-c", CURSES], b"ready> ", [(LEFT + BACKSPACE + WIDE, b"same:True:")]),
    "the interpreter": ([], b">>> ", [(b"print(6*9)" + LEFT + BACKSPACE + b"8" + ENTER, b"48\r\n")]),
}


class Silent(Exception):  # noqa: N818 - named for what happened
    """The child did not say what it should."""


class Terminal:
    """The other end of a child's terminal, which behaves as xterm does."""

    def __init__(self, master):
        """Nothing was said yet."""
        self.master, self.rest, self.keypad = master, b"", False

    def until(self, wanted):
        """Read what the child prints, up to `wanted`. Raises Silent."""
        ends = time.time() + PATIENCE_S
        while wanted not in self.rest:
            ready = select.select([self.master], [], [], max(0, ends - time.time()))[0]
            try:
                block = os.read(self.master, 4096) if ready else b""
            except OSError:  # how Linux says that the other end is closed
                block = b""
            if not block:
                said = self.rest[-300:].decode("utf-8", "replace")
                raise Silent("it said {!r}, and not {!r}".format(said, wanted.decode("latin-1")))
            self.rest += block
            self.keypad = self.keypad or KEYPAD_ON in self.rest
        self.rest = self.rest.partition(wanted)[2]

    def type(self, keys):
        """Press keys: an arrow is another sequence once the keypad is in application mode."""
        os.write(self.master, keys.replace(LEFT, KEYPAD_LEFT) if self.keypad else keys)


def trial(arguments, prompt, typed):
    """Type, and read what comes back."""
    child, master = pty.fork()
    if child == 0:
        environment = dict(os.environ, TERM="xterm", LC_ALL="C.UTF-8", PYTHONIOENCODING="utf-8", INPUTRC="/dev/null")
        os.execve(sys.executable, [sys.executable] + arguments, environment)  # noqa: RUF005, S606 - 2.7; the Python under test
    terminal = Terminal(master)
    try:
        for keys, wanted in typed:
            terminal.until(prompt)
            terminal.type(keys)
            terminal.until(wanted)
    except Silent as silent:
        return str(silent)
    finally:
        os.close(master)
        os.kill(child, 9)
        os.waitpid(child, 0)
    return ""


def main():
    """Print the facts."""
    results = {}
    for name in sorted(TRIALS):
        sys.stdout.write("trying {}\n".format(name))
        sys.stdout.flush()
        results[name] = trial(*TRIALS[name])
    sys.stdout.write("@@facts " + json.dumps({"results": results}) + "\n")


main()
