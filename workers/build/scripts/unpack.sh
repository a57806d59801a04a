#!/bin/sh
# Unpack the source into /work/src and apply the patches in the order of their names.
# usage: unpack.sh ARCHIVE
set -eu
mkdir -p /work/src /work/build /work/tree
tar -xf "$1" -C /work/src --strip-components=1
for patch in /work/patches/*.patch; do
    [ -e "$patch" ] || continue
    echo "applying ${patch##*/}"
    patch --directory=/work/src --strip=1 --forward --fuzz=0 --no-backup-if-mismatch < "$patch"
done
