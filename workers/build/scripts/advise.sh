#!/bin/sh
# Have a module of the standard library say what to install when the extension module that it stands for cannot be loaded.
# usage: advise.sh FILE EXTENSION SENTENCE        e.g. advise.sh Lib/tkinter/__init__.py _tkinter "tkinter needs …"
set -eu
file=$1
extension=$2
sentence=$3
if ! grep -q "^import $extension\\>" "$file"; then
    echo "$file has no line 'import $extension'"
    exit 1
fi
sed -i "s|^import $extension\\>.*|try:\\n    &\\nexcept ImportError as error:\\n    raise ImportError('%s; $sentence' % error)|" "$file"
