"""Ask a server on loopback, patiently while it starts. Arguments: the urls. Runs in the interpreter under test."""

import json
import sys
import time

try:
    from urllib.request import urlopen
except ImportError:
    from urllib2 import urlopen


def answer(url):
    """What the server answers, as text, or what went wrong after ten seconds of trying."""
    problem = "nothing"
    for _ in range(50):
        try:
            return urlopen(url, timeout=20).read().decode("utf-8")
        except Exception as error:
            problem = "{}: {}".format(type(error).__name__, error)
            if "refused" not in problem:
                break
            time.sleep(0.2)
    return json.dumps({"error": problem})


def main():
    """Print the facts."""
    print("@@facts " + json.dumps({"answers": {url: json.loads(answer(url)) for url in sys.argv[1:]}}))
    sys.stdout.flush()


main()
