#!/bin/sh
# Instrument the executable, run CPython's training with it, and lay it out anew.
# needs: bolt-19
# usage: after.sh TREE EXECUTABLE JOBS        e.g. after.sh /work/tree/install python3.13 2
set -eu
tree=$1
executable=$tree/bin/$2
jobs=$3
linked=/work/build/python-static
bolt=$(readlink -f /usr/bin/llvm-bolt-19) # it looks for its runtime beside itself
# the loop of the interpreter and that of re jump to computed addresses, which BOLT does not follow in such code
skip="-skip-funcs=_PyEval_EvalFrameDefault,sre_ucs1_match/1,sre_ucs2_match/1,sre_ucs4_match/1"
profiles=$(mktemp -d /work/bolt.XXXXXX)

"$bolt" "$linked" -o "$executable.new" "$skip" -instrument -instrumentation-file-append-pid \
    -instrumentation-file="$profiles/python"
mv "$executable.new" "$executable"
"$executable" -m test --pgo --timeout=1200 "-j$jobs" || [ $? = 2 ]
merge-fdata-19 "$profiles"/python.* > "$profiles/merged"
"$bolt" "$linked" -o "$executable.new" -data="$profiles/merged" "$skip" -reorder-blocks=ext-tsp -reorder-functions=cdsort \
    -split-functions -icf=1 -inline-all -split-eh -reorder-functions-use-hot-size -peepholes=none -jump-tables=aggressive \
    -inline-ap -indirect-call-promotion=all -use-gnu-stack -frame-opt=hot
strip --strip-debug "$executable.new"
mv "$executable.new" "$executable"
