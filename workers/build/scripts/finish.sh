#!/bin/sh
# Make the installed tree ready to leave the box: one place for static libraries, $ORIGIN where one of our libraries needs
# another, no bytecode of the build's, debug information in files of its own.
# usage: finish.sh LIBRARY_FOLDER STRIP        e.g. finish.sh python3.13 split
set -eu
tree=/work/tree/install
lib=$1
strip=$2
cd "$tree"

for archive in lib/libpython*.a; do
    [ -e "$archive" ] || continue
    for config in lib/"$lib"/config*/; do
        mv "$archive" "$config"
        chmod 644 "$config${archive##*/}"
    done
done

# where the static library was, which is an archive of its own, those find the shared one who only look there, e.g. Vim's configure
for library in lib/libpython[0-9].[0-9]*.so; do
    [ -e "$library" ] || continue
    for config in lib/"$lib"/config*/; do
        ln -s "../../${library##*/}" "$config${library##*/}"
    done
done

# a variant's program has a second name, python3.14 for python3.14t: a link to it, or the archive holds the program twice
for short in bin/python*; do
    for long in "$short"?*; do
        if [ ! -L "$short" ] && [ "$short" -ef "$long" ]; then
            ln -sf "${long##*/}" "$short"
        fi
    done
done

# what only this very compiler could optimise on is of no use to others, and names the folders of the build
find "lib/$lib" -path '*/config*' \( -name 'libpython*.a' -o -name 'python.o' \) -type f -exec objcopy --enable-deterministic-archives --wildcard \
    --remove-section='.gnu.lto_*' --remove-section='.gnu.debuglto_*' --remove-section='.llvm.lto' {} \;

# the stable-ABI stub is nothing but a NEEDED entry for the real library, which lies beside it
if [ -e lib/libpython3.so ]; then
    chmod u+w lib/libpython3.so
    patchelf --set-rpath "\$ORIGIN" lib/libpython3.so
fi

if [ -d /work/private/ship ]; then
    cp -R /work/private/ship/. .
fi

# what those must know who pass this Python on: the licences of code that CPython took over, and its own bill of materials
mkdir -p share/python-farm/licenses
cp /work/src/Doc/license.rst share/python-farm/licenses/cpython-incorporated.rst
if [ -e /work/src/Misc/sbom.spdx.json ]; then
    cp /work/src/Misc/sbom.spdx.json share/python-farm/cpython.spdx.json
fi

# extension modules find the distro's libraries where the loader looks, without a run path that some setup.py thought of, and
# libraries of our own in lib/private
needs_private() {
    for needed in $(patchelf --print-needed "$1"); do
        [ ! -e "lib/private/$needed" ] || return 0
    done
    return 1
}

for module in lib/"$lib"/lib-dynload/*.so; do
    if needs_private "$module"; then
        chmod u+w "$module"
        patchelf --set-rpath "\$ORIGIN/../../private" "$module"
    elif [ -n "$(patchelf --print-rpath "$module")" ]; then
        chmod u+w "$module"
        patchelf --remove-rpath "$module"
    fi
done

find . -name __pycache__ -type d -prune -exec rm -rf {} +
find . -name '*.py[co]' -type f -exec rm -f {} +

split_debug() {
    id=$(readelf -n "$1" 2> /dev/null | sed -n 's/^ *Build ID: *//p')
    [ -n "$id" ] || return 0
    folder=lib/debug/.build-id/$(echo "$id" | cut -c1-2)
    debug=$folder/$(echo "$id" | cut -c3-).debug
    beside=$(dirname "$1")/.debug
    mkdir -p "$folder" "$beside"
    chmod u+w "$1"
    objcopy --only-keep-debug "$1" "$debug"
    chmod 644 "$debug"
    # gdb finds it by build id under `debug-file-directory`, and by this link's name beside the binary
    link=$beside/$(basename "$1").debug
    ln -s "$(realpath --relative-to="$beside" "$debug")" "$link"
    objcopy --strip-debug --add-gnu-debuglink="$link" "$1"
}

if [ "$strip" = split ]; then
    find bin lib -type f \( -name '*.so' -o -name '*.so.*' -o -path 'bin/*' \) | LC_ALL=C sort > /work/elf.list
    while read -r file; do
        [ "$(head -c 4 "$file" | tail -c 3)" = ELF ] || continue
        split_debug "$file"
    done < /work/elf.list
fi
