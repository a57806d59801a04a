#!/bin/sh
# The first process of every box. It ends, and with it everything in the box, when the deadline passes or when nobody has
# said for a lease that the worker is alive: one line on standard input is one sign of life, its end is the worker's.
# usage: keeper.sh DEADLINE_SECONDS LEASE_SECONDS
deadline=$(($(date +%s) + $1))
lease=$2
while [ "$(date +%s)" -lt "$deadline" ]; do
    # `timeout` because not every sh has read -t, and `head` because it ends at the end of the input
    [ -n "$(timeout "$lease" head -n 1)" ] || exit 75
done
exit 124
