"""Runs programs that measure, a value of each in turns: what the machine does besides, it does to all of them.

usage: conduct.py FOLDER COMMANDS        a JSON list of pyperf's commands; each writes FOLDER/NUMBER.json

A turn is a byte in a pipe with a name, which `turns_hook.py` waits for before a value and hands on behind it. All take as many.
"""

import json
import os
import signal
import subprocess
import sys


def main(folder, commands):
    """Start all, give the first its turn, and wait; what fails ends the others."""
    pipes = [os.path.join(folder, f"turn-{at}") for at in range(len(commands))]
    for pipe in pipes:
        os.mkfifo(pipe)
    opened = [os.open(pipe, os.O_RDWR) for pipe in pipes]  # a byte is lost in a pipe that nobody has open
    running = {}  # by its id the process, which nobody but `os.wait` may wait for, and what it is to write
    for at, command in enumerate(commands):
        environment = {**os.environ, "TURN": pipes[at], "TURN_NEXT": pipes[(at + 1) % len(pipes)]}
        output = f"{folder}/{at}.json"
        started = subprocess.Popen([*command, f"--output={output}"], env=environment)
        running[started.pid] = started, output
    os.write(opened[0], b"!")
    code = 0
    while running:
        pid, status = os.wait()
        _, output = running.pop(pid)
        if not code and (status or not os.path.exists(output)):
            code = 1
            for other in running:
                os.kill(other, signal.SIGTERM)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], json.loads(sys.argv[2])))
