"""Import what extension.py built in the folder FARM_EXTENSION, and call it. Runs in a program that embeds Python."""

import os
import sys

sys.path.insert(0, os.environ["FARM_EXTENSION"])
import farm_extension

sys.stdout.write("{}\n".format(farm_extension.answer()))
sys.stdout.flush()
