#!/bin/sh
# Installs the newest build of a Python for this host from a python-farm store.
# Needs curl, tar, gzip, awk and sha256sum; with --key also openssl 3.
set -eu

base=@BASE_URL@
channel=stable distro='' key='' work=''

fail() {
    echo "error: $1" >&2
    exit 1
}

usage() {
    echo "usage: get-python.sh [--channel NAME] [--distro NAME] [--key PUBLIC.pem] [--from URL] PYTHON FOLDER" >&2
    echo "  e.g. get-python.sh --key farm.pem 3.13 /opt/python" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --channel | --distro | --key | --from)
        [ $# -ge 2 ] || usage
        case $1 in
        --channel) channel=$2 ;;
        --distro) distro=$2 ;;
        --key) key=$2 ;;
        --from) base=$2 ;;
        esac
        shift 2
        ;;
    -*) usage ;;
    *) break ;;
    esac
done
[ $# -eq 2 ] || usage
wanted=$1 folder=${2%/}

fetch() {
    curl -fsSL --retry 3 -o "$2" "$1"
}

# A distro release as the store calls it: debian13, ubuntu24.04, but rocky9 on 9.4.
if [ -z "$distro" ]; then
    # shellcheck source=/dev/null
    full=$(. /etc/os-release && echo "$ID$VERSION_ID") || fail "this host cannot be told: say which distro it is with --distro"
    distro=$full
    curl -fsSL -o /dev/null "$base/channels/$channel/$distro/SHA256SUMS" || distro=${full%%.*}
fi

if [ -e "$folder" ] && [ ! -e "$folder/share/python-farm/build.json" ]; then
    rmdir "$folder" 2>/dev/null || fail "$folder is not empty, and no Python of ours"
fi
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

signed() {
    fetch "$base/channels/$channel/$distro/SHA256SUMS" "$work/SHA256SUMS" ||
        fail "$base has nothing for $distro in the channel $channel"
    [ -n "$key" ] || return 0
    fetch "$base/channels/$channel/$distro/SHA256SUMS.sig" "$work/sig" || fail "the channel $channel is not signed"
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$work/SHA256SUMS" -sigfile "$work/sig" >/dev/null 2>&1
}
# Twice, because a publisher may have written the one and not yet the other.
signed || { sleep 2 && signed; } || fail "SHA256SUMS is not signed by $key: the store was changed, or the farm has a new key"

# cpython-3.13.5-x86_64-unknown-linux-gnu-debian13.2026112201-install_only.tar.gz; a variant would be a ninth part.
awk -v wanted="$wanted" -v arch="$(uname -m)" '
    {
        parts = split($2, path, "/")
        if (split(path[parts], name, "-") != 8 || name[8] != "install_only.tar.gz" || name[3] != arch) next
        if (name[2] != wanted && index(name[2], wanted ".") != 1) next
        split(name[2], number, ".")
        stage = 300
        if (match(number[3], /(a|b|rc)[0-9]+$/)) {
            stage = index("abr", substr(number[3], RSTART, 1)) * 10 - 10
            pre = substr(number[3], RSTART)
            gsub(/[a-z]/, "", pre)
            stage = stage * 3 + pre
        }
        rank = number[3] * 1000 + stage
        if (!found || rank >= best) { best = rank; found = $1 " " $2 }
    }
    END { print found }
' "$work/SHA256SUMS" >"$work/chosen"
read -r sha256 url <"$work/chosen" || true
[ -n "${url:-}" ] || fail "the channel $channel has no Python $wanted for $distro on $(uname -m)"
case $url in
http://* | https://* | file://*) ;;
*) fail "'$url' is no address" ;;
esac

fetch "$url" "$work/archive" || fail "$url cannot be fetched"
echo "$sha256  $work/archive" | sha256sum -c >/dev/null 2>&1 || fail "$url has not the bytes that SHA256SUMS says"
mkdir "$work/tree"
tar -xzf "$work/archive" -C "$work/tree"
[ ! -e "$folder" ] || mv "$folder" "$work/old"
mv "$work/tree/python" "$folder" || {
    [ ! -e "$work/old" ] || mv "$work/old" "$folder"
    fail "cannot install into $folder"
}
echo "${url##*/} is in $folder"
