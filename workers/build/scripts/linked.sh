#!/bin/sh
# Have extension modules linked into the interpreter: their lines of the source's own list go into Setup.local, whose rules win.
# usage: linked.sh SETUP TARGET NAME…        e.g. linked.sh Modules/Setup.stdlib.in Modules/Setup.local _json math
set -eu
setup=$1
target=$2
shift 2
mkdir -p "${target%/*}"
echo '*static*' > "$target"
for name; do
    # @MODULE_MATH_TRUE@math mathmodule.c
    line=$(sed -n "s/^@MODULE_[A-Z0-9_]*_TRUE@\(${name}[[:blank:]].*\)/\1/p" "$setup")
    if [ -z "$line" ]; then
        echo "$setup has no module $name: correct the row of linked.toml"
        exit 1
    fi
    printf '%s\n' "$line" >> "$target"
done
