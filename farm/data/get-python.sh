#!/bin/sh
# Installs the newest build of a Python for this host from a python-farm store.
# Needs curl, tar (GNU's or busybox's), gzip, awk and sha256sum; with --key also openssl 3.
set -eu
export LC_ALL=C # what tar lists is read

base=@BASE_URL@
channel=stable distro='' variant='' arch=$(uname -m) exact='' key='' older='' offline='' runtime='' work=''
cache=${FARM_CACHE:-${HOME:-/root}/.cache/python-farm}/get-python
list_bytes=67108864 archive_bytes=1073741824 tree_bytes=4000000000 tree_members=100000

fail() {
    echo "error: $1" >&2
    exit 1
}

# For what cannot be had.
absent() {
    fail "$1${offline:+; with --offline only what was fetched before is there}"
}

usage() {
    echo "usage: get-python.sh [--channel NAME] [--distro NAME] [--arch NAME] [--variant NAME] [--key PUBLIC.pem] [--from URL]" >&2
    echo "                     [--exact BUILD | --older] [--offline] [--with-runtime | --with-runtime=install] PYTHON FOLDER" >&2
    echo "  e.g. get-python.sh --key farm.pem 3.13 /opt/python" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --channel | --distro | --arch | --variant | --key | --from | --exact)
        [ $# -ge 2 ] || usage
        case $1 in
        --channel) channel=$2 ;;
        --distro) distro=$2 ;;
        --arch) arch=$2 ;;
        --variant) variant=$2 ;;
        --key) key=$2 ;;
        --from) base=$2 ;;
        --exact) exact=$2 ;;
        esac
        shift 2
        ;;
    --older | --offline | --with-runtime | --with-runtime=install)
        case $1 in
        --older) older=yes ;;
        --offline) offline=yes ;;
        *) runtime=${1#--with-runtime} runtime=${runtime#=} runtime=${runtime:-name} ;;
        esac
        shift
        ;;
    -*) usage ;;
    *) break ;;
    esac
done
[ $# -eq 2 ] || usage
wanted=$1 folder=${2%/}
[ "$variant" != default ] || variant=''

# A command that writes no file of more bytes, which the kernel sees to, in blocks of 512.
limited() (
    trap '' XFSZ
    ulimit -f $(($1 / 512)) 2>/dev/null || true
    shift
    exec "$@"
)

# An object of the store, of so many bytes at most: address, file, bytes. It is kept, for --offline.
fetch() {
    kept=$(printf '%s' "$1" | sha256sum)
    kept=$cache/${kept%% *}
    if [ -n "$offline" ]; then
        cp "$kept" "$2" 2>/dev/null || return 1
    else
        limited "$3" curl -fsSL --retry 3 --max-filesize "$3" -o "$2" "$1" || return 1
        { mkdir -p "$cache" && cp "$2" "$kept.$$" && mv "$kept.$$" "$kept"; } 2>/dev/null || rm -f "$kept.$$"
    fi
}

# The document in an envelope, at $work/document, when a key of the file signed it as what it should be: file, type.
# https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
unsealed() {
    awk -F '"' '$2 == "payload" { print $4 }' "$1" | openssl base64 -d -A >"$work/document"
    printf 'DSSEv1 %d %s %d ' ${#2} "$2" "$(wc -c <"$work/document")" | cat - "$work/document" >"$work/signed"
    awk -F '"' '$2 == "sig" { print $4 }' "$1" >"$work/signatures"
    while read -r signature; do
        printf '%s' "$signature" | openssl base64 -d -A >"$work/signature"
        for public in "$work"/key.*; do # openssl reads one key of a file
            openssl pkeyutl -verify -pubin -inkey "$public" -rawin -in "$work/signed" -sigfile "$work/signature" >/dev/null 2>&1 &&
                return 0
        done
    done <"$work/signatures"
    return 1
}

if [ -e "$folder" ] && [ ! -e "$folder/share/python-farm/build.json" ]; then
    rmdir "$folder" 2>/dev/null || fail "$folder is not empty, and no Python of ours"
fi
mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ -n "$key" ]; then
    awk -v key="$work/key." '/^-----BEGIN PUBLIC KEY-----/ { count++ } count { print >(key count) }' "$key" 2>/dev/null || true
    [ -e "$work/key.1" ] || fail "$key is no file with a public key"
fi

# A distro release as the store calls it: debian13, ubuntu24.04, but rocky9 on 9.4, and alpine3.22 on 3.22.1.
if [ -z "$distro" ]; then
    # shellcheck source=/dev/null
    distro=$(. /etc/os-release && echo "$ID$VERSION_ID") || fail "this host cannot be told: say which distro it is with --distro"
    until fetch "$base/channels/$channel/$distro/SHA256SUMS" "$work/SHA256SUMS" $list_bytes; do
        case $distro in *.*) distro=${distro%.*} ;; *) break ;; esac
    done
fi

# What the farm knows of arches and distros: $arch and $cpu, $libc, and commands that list and install packages.
cpu=$arch libc=gnu query='' install=''
# @FACTS@

flavour=${variant:+$variant-}install_only.tar.gz
whole="Python $wanted${variant:+ ($variant)} for $distro on $arch"

# One build, by the names that all its files have: hash and address.
one() {
    case $wanted in
    *.*.*) ;;
    *) fail "--exact is about a whole version, such as 3.13.5" ;;
    esac
    place=$base/artifacts/$distro/$wanted/$arch/$exact
    stem=cpython-$wanted-$cpu-unknown-linux-$libc-$distro.$exact
    if [ -n "$key" ]; then
        said=$stem${variant:+-$variant}.intoto.json
        fetch "$place/$said" "$work/envelope" $list_bytes || absent "there is no signed build $exact of $whole"
        unsealed "$work/envelope" application/vnd.in-toto+json || fail "$said is not signed by $key: the store was changed"
        awk -F '"' -v name="$stem-$flavour" '
            $2 == "subject" { among = 1 }
            $2 == "predicateType" { among = 0 }
            $2 == "name" { found = $4 }
            among && found == name && $2 == "sha256" { print $4 "  " name; exit }
        ' "$work/document" >"$work/sum"
    else
        said=$stem-$flavour.sha256
        fetch "$place/$said" "$work/sum" $list_bytes || absent "there is no build $exact of $whole"
    fi
    read -r sha256 name <"$work/sum" || true
    [ "${name:-}" = "$stem-$flavour" ] || fail "$said does not speak of $stem-$flavour"
    url=$place/$name stale=''
}

# With a key: all that the signed index offers for the distro, in the form of SHA256SUMS. No older index than was ever seen.
signed() {
    place=channels/$channel/index.dsse.json
    fetch "$base/$place" "$work/envelope" $list_bytes || absent "the channel $channel is not signed, or there is none"
    unsealed "$work/envelope" application/vnd.python-farm.channel+json ||
        fail "the index is not signed by $key: the store was changed, or the farm has a new key"
    awk -F '"' -v channel="$channel" '$2 == "channel" && $4 == channel { found = 1 } END { exit !found }' "$work/document" ||
        fail "the index is that of another channel"
    serial=$(awk -F '[:, ]+' '$2 == "\"serial\"" { print $3 }' "$work/document")
    kept=$(printf '%s' "$base/$place" | sha256sum)
    kept=$cache/${kept%% *}.serial seen=0
    [ ! -f "$kept" ] || read -r seen <"$kept"
    [ "$serial" -ge "$seen" ] || fail "the index went back from serial $seen to $serial: an old one is shown. \
If the store was restored from a backup, remove $kept"
    { mkdir -p "$cache" && echo "$serial" >"$kept"; } 2>/dev/null || echo "note: $kept cannot be written" >&2
    awk -F '"' -v distro="$distro" -v wanted="$wanted." '
        $2 == "distro" { mine = $4 == distro }
        $2 == "series" { mine = mine && (index(wanted, $4 ".") == 1 || index($4 ".", wanted) == 1) }
        $2 == "key" { key = $4 }
        $2 == "sha256" && mine { print $4, key }
    ' "$work/document" >"$work/parts"
    while read -r sha256 part; do
        fetch "$base/$part" "$work/part" $list_bytes || absent "$part cannot be fetched"
        echo "$sha256  $work/part" | sha256sum -c >/dev/null 2>&1 || fail "$part is not what the index says"
        awk -F '"' -v base="$base" '
            $2 == "yanked" { yanked = $4 }
            $2 == "kind" { kind = $4 }
            $2 == "format" { kind = kind "." $4 }
            $2 == "key" { key = $4 }
            $2 == "sha256" && kind == "install_only.tar.gz" && yanked == "" { print $4 "  " base "/" key }
            $2 == "sha256" { kind = "" }
        ' "$work/part"
    done <"$work/parts" >"$work/SHA256SUMS"
}

# cpython-3.13.5-x86_64-unknown-linux-gnu-debian13.2026112201-install_only.tar.gz; a variant stands before the last part.
note=share/python-farm/get-python there=''
if [ -f "$folder/$note" ]; then read -r there <"$folder/$note" || true; fi
newest() {
    awk -v wanted="$wanted" -v arch="$cpu" -v distro="$distro" -v flavour="$flavour" -v there="$there" '
        # Of a build that is wanted, text that is greater the newer it is; else nothing.
        function age(file, name, last, number, stage, pre, build) {
            if (split(file, name, "-") != 7 + split(flavour, last, "-") || name[3] != arch) return ""
            if (substr(file, length(file) - length(flavour)) != "-" flavour) return ""
            if (name[2] != wanted && index(name[2], wanted ".") != 1) return ""
            if (index(name[7], distro ".") != 1) return ""
            build = substr(name[7], length(distro) + 2)
            if (build !~ /^[0-9]+$/) return ""
            split(name[2], number, ".")
            stage = 300
            if (match(number[3], /(a|b|rc)[0-9]+$/)) {
                stage = index("abr", substr(number[3], RSTART, 1)) * 10 - 10
                pre = substr(number[3], RSTART)
                gsub(/[a-z]/, "", pre)
                stage = stage * 3 + pre
            }
            return sprintf("v%03d.%03d.%03d.%03d.%20s", number[1], number[2], number[3], stage, build)
        }
        {
            parts = split($2, path, "/")
            found = age(path[parts])
            if (found > best) { best = found; line = $1 " " $2 }
        }
        END { if (best) print line, (age(there) > best ? "older" : "") }
    ' "$work/SHA256SUMS" >"$work/chosen"
    read -r sha256 url stale <"$work/chosen" || true
    [ -n "${url:-}" ] || fail "the channel $channel has no $whole"
}

if [ -n "$exact" ]; then
    one
elif [ -n "$key" ]; then
    signed
    newest
else
    fetch "$base/channels/$channel/$distro/SHA256SUMS" "$work/SHA256SUMS" $list_bytes ||
        absent "$base has nothing for $distro in the channel $channel"
    newest
fi
[ -z "$stale" ] || [ -n "$older" ] ||
    fail "$folder has $there, and the channel only an older one: it was yanked, or an old list is shown (--older takes it)"
case $url in
http://* | https://* | file://*) ;;
*) fail "'$url' is no address" ;;
esac

fetch "$url" "$work/archive" $archive_bytes || absent "$url cannot be fetched"
echo "$sha256  $work/archive" | sha256sum -c >/dev/null 2>&1 || fail "$url has not the bytes that it should have"

limited "$tree_bytes" gzip -dc "$work/archive" >"$work/tar" 2>/dev/null ||
    fail "${url##*/} cannot be unpacked: no space, or more than $tree_bytes bytes"
rm "$work/archive"

# What tar is about to do, by its own lists: of names, which may hold spaces, and of all else with the names at known places.
{ tar -tf "$work/tar" >"$work/names" && tar -tvf "$work/tar" >"$work/members"; } 2>"$work/warnings" ||
    fail "${url##*/} cannot be read"
[ ! -s "$work/warnings" ] || fail "${url##*/} is unsafe: $(cat "$work/warnings")"
awk -v bytes="$tree_bytes" -v most="$tree_members" '
    function refuse(what) {
        print what
        refused = 1
        exit
    }
    function below(path, parts, count, i) { # whether a path is python, or below it without . and ..
        count = split(path, parts, "/")
        for (i = 1; i <= count; i++) if (parts[i] == "" || parts[i] == "." || parts[i] == "..") return 0
        return parts[1] == "python"
    }
    function inside(name, target, folder, depth) { # whether a link stays below python: only leading .., each from a folder
        depth = split(name, folder, "/") - 1
        while (target ~ /^\.\.(\/|$)/) {
            target = substr(target, 4)
            depth--
        }
        return depth > 0 && (target == "" || below("python/" target))
    }
    NR == FNR { names[NR] = $0; next }
    {
        name = names[FNR]
        link = index($0, " -> ")
        head = link ? substr($0, 1, link - 1) : $0
        target = link ? substr($0, link + 4) : ""
        at = length(head) - length(name)
        if (FNR > most) refuse("more than " most " members")
        if (head !~ /^[-dl]/ || (link != 0) != (head ~ /^l/)) refuse(name " is neither file, folder nor symbolic link")
        if (head !~ /^(l.........|.[r-][w-][x-][r-]-[x-][r-]-[x-]) /)
            refuse(name " is setuid, setgid, sticky, or for others to write")
        if (substr(head, at + 1) != name || index(target, " -> ") || substr(head, 1, at) !~ \
            /^[^ ]+ [^ ]+\/[^ ]+ +[0-9]+ [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9][:0-9]* $/)
            refuse(name " is listed in a form that is not ours")
        split(head, field, " +")
        if ((total += field[3]) > bytes) refuse("more than " bytes " bytes")
        sub(/\/$/, "", name)
        if (name ~ /\\[^1-7]/) refuse(name " is no plain name")
        if (!below(name)) refuse(name " is not below python/")
        if (name in seen) refuse(name " is there twice")
        seen[name] = 1
        if (link && !inside(name, target)) refuse("the link " name " leads out, to " target)
        if (link) links[name] = 1
    }
    END {
        if (refused) exit
        for (name in seen) {
            count = split(name, parts, "/")
            parent = parts[1]
            for (i = 2; i <= count; i++) {
                if (parent in links) { print name " lies behind the link " parent; exit }
                parent = parent "/" parts[i]
            }
        }
        if (NR == FNR || FNR * 2 != NR) print "its lists differ"
    }
' "$work/names" "$work/members" >"$work/refused"
[ ! -s "$work/refused" ] || fail "${url##*/} is unsafe: $(cat "$work/refused")"
mkdir "$work/tree"
tar -xof "$work/tar" -C "$work/tree"
mkdir -p "$work/tree/python/${note%/*}"
echo "${url##*/}" >"$work/tree/python/$note"
[ ! -e "$folder" ] || mv "$folder" "$work/old"
mv "$work/tree/python" "$folder" || {
    [ ! -e "$work/old" ] || mv "$work/old" "$folder"
    fail "cannot install into $folder"
}
echo "${url##*/} is in $folder"

# The packages that it needs, by its metadata: objects with a name and without a word that it can do without them.
needed=$(awk '
    { gsub(/ /, ""); text = text $0 }
    END {
        count = split(text, object, "{")
        for (i = 1; i <= count; i++) {
            if (object[i] !~ /^"name":"[a-z0-9][a-z0-9+.:-]*",.*"optional":false/) continue
            split(object[i], word, "\"")
            if (!seen[word[4]]++) printf " %s", word[4]
        }
    }
' "$folder/share/python-farm/build.json")
if [ -z "$runtime" ]; then
    [ -z "$needed" ] || echo "packages of $distro that it needs:$needed"
    exit
fi
sh -c "$query" >"$work/packages" && [ -s "$work/packages" ] || fail "packages cannot be listed: is this host a $distro?"
lacking=$(awk -v needed="$needed" '
    { there[$1] = 1 }
    END { count = split(needed, name, " "); for (i = 1; i <= count; i++) if (!(name[i] in there)) printf " %s", name[i] }
' "$work/packages")
[ -n "$lacking" ] || exit 0
echo "packages of $distro that this host lacks:$lacking"
[ "$runtime" = install ] || exit 0
command=${install%%" {packages}"*}$lacking${install#*"{packages}"}
[ "$(id -u)" = 0 ] || fail "only root can install packages: $command"
sh -c "$command" || fail "the package manager failed: $command"
