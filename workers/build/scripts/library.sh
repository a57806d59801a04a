#!/bin/sh
# A library of our own, which the distro no longer has: unpack its source, or set aside what of it is shipped.
# usage: library.sh unpack ARCHIVE FOLDER        library.sh ship FOLDER LICENSE SONAME...
set -eu
step=$1
shift
case $step in
unpack)
    mkdir -p "$2"
    tar -xf "$1" -C "$2" --strip-components=1
    ;;
ship)
    folder=$1
    license=$2
    shift 2
    mkdir -p /work/private/ship/lib/private /work/private/ship/share/python-farm/licenses
    for soname in "$@"; do
        cp -L "/work/private/install/lib/$soname" /work/private/ship/lib/private/
        chmod 755 "/work/private/ship/lib/private/$soname"
        patchelf --set-rpath "\$ORIGIN" "/work/private/ship/lib/private/$soname"
    done
    cp "$folder/$license" "/work/private/ship/share/python-farm/licenses/${folder##*/}.txt"
    ;;
esac
