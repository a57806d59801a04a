#!/bin/sh
# Usage: venv.sh FOLDER REQUIREMENT: a virtual environment with the project in it, every dependency at its pinned version.
# PYTHON names the interpreter to make it with. pip is used as this machine has it set up (index, proxy, certificates).
set -eu

venv=$1 requirement=$2 python=${PYTHON:-python3}

fail() {
    echo "error: $1" >&2
    echo "  hint: $2" >&2
    exit 4
}

command -v "$python" >/dev/null || fail "there is no $python" "apt-get install python3 python3-venv, or PYTHON=/path/to/python3 make …"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    fail "$("$python" --version) is too old: 3.11 or later is needed" "PYTHON=/path/to/a/newer/python3 make …"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package="python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv"
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$python cannot make virtual environments" "sudo apt-get install $package"
    fi
    echo "installing $package (it stays installed)"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq --yes install --no-install-recommends "$package" >/dev/null 2>&1 || {
        apt-get -qq update
        apt-get -qq --yes install --no-install-recommends "$package" >/dev/null
    } || fail "apt-get install $package failed" "run it by hand"
fi

echo "setting up $venv for $requirement"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
# setuptools builds the project itself: installed first and pinned too, instead of whatever is newest today.
for wanted in setuptools "--no-build-isolation --editable $requirement"; do
    # shellcheck disable=SC2086 # the options are words
    "$venv/bin/python" -m pip install -qq --disable-pip-version-check --constraint constraints.txt $wanted ||
        fail "pip could not install $wanted" "is the package index that pip is set up with reachable? pip config list"
done
