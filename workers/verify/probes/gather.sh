#!/bin/sh
# Lay files of an installed Python out as a tree of ours: below /work/tree, without the folder that they are installed under, and
# libraries where ours lie, so that they are looked at.
# usage: gather.sh FOLDER MULTIARCH TREE < PATHS        e.g. gather.sh /usr x86_64-linux-gnu /work/tree; paths elsewhere are left out
set -eu
from=$1
multiarch=$2
tree=$3
links=$(mktemp)
mkdir -p "$tree"

place() {
    inside=${1#"$from"}
    case $inside in "/lib/$multiarch"/*) inside=/lib${inside#"/lib/$multiarch"} ;; esac
    echo "$tree$inside"
}

while read -r path; do
    case $path in "$from"/bin/* | "$from"/include/* | "$from"/lib/* | "$from"/share/*) ;; *) continue ;; esac
    { [ -f "$path" ] || [ -L "$path" ]; } || continue
    target=$(place "$path")
    mkdir -p "$(dirname "$target")"
    [ ! -L "$path" ] || {
        echo "$path" >> "$links"
        continue
    }
    cp -P "$path" "$target"
done

# a link leads to where that file lies now; one that leads out of the tree is the file that it leads to, or nothing
while read -r path; do
    target=$(place "$path")
    original=$(readlink -f "$path" || true)
    aim=$(place "$original")
    case $original in
        "$from"/*) [ ! -e "$aim" ] || {
            ln -s "$(realpath --relative-to="$(dirname "$target")" "$aim")" "$target"
            continue
        } ;;
    esac
    [ ! -f "$original" ] || cp "$original" "$target"
done < "$links"
rm "$links"
chmod -R u+rwX,go+rX,go-w "$tree"
