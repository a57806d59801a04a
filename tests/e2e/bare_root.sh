#!/bin/bash
# Usage: bare_root.sh [COMMAND…]     (as root; the default command is: make demo)
#
# Runs a command of the project in a bare Debian 12 that has python3, pip/venv, make and CA certificates, and nothing of
# ours: a root file system is bootstrapped, the project's files are copied in, and the command runs in it as root. It may
# use this machine's apt mirror, pip configuration, proxies and certificates, and no container engine of this machine.
# KEEP=folder makes the root file system there and keeps it, so that a second run is a warm one.
set -euo pipefail

readonly SUITE=bookworm
readonly PACKAGES=python3,python3-venv,make,ca-certificates

make_root() { # FOLDER: bootstraps the root file system from the mirror that this machine's own apt names
    local mirror
    # shellcheck disable=SC2016 # apt-get expands it
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
    mmdebstrap --variant=minbase --include="$PACKAGES" "$SUITE" "$1" "${mirror:?apt-get update first}"
    apt-config dump Acquire >"$1/etc/apt/apt.conf.d/90host"
}

copy_project() { # FOLDER: the files that a clean clone has
    mkdir -p "$1/farm"
    git ls-files -z --cached --others --exclude-standard | tar --create --null --ignore-failed-read --files-from - |
        tar --extract --directory "$1/farm"
}

copy_settings() { # FOLDER: pip's configuration and the certificates that this machine trusts
    local each
    for each in /etc/pip.conf /etc/xdg/pip /root/.config/pip /root/.pip; do
        [ ! -e "$each" ] || { mkdir -p "$1${each%/*}" && cp -a "$each" "$1${each%/*}/"; }
    done
    cp -L /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/ca-certificates.crt"
    cp -L /etc/resolv.conf "$1/etc/resolv.conf"
}

settings_of_pip_and_network() { # the variables with which this machine reaches package indexes
    env | grep -E '^(PIP_[A-Z_]+|[A-Za-z]+_(proxy|PROXY)|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE)=' || true
}

inside() { # FOLDER COMMAND…: runs in a mount and pid namespace of its own, so that everything is gone when it ends
    local root=$1 variables=()
    shift
    # A root of its own, and not a chroot: an engine unpacks files into its containers with pivot_root, which takes a mount.
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/run"
    mount -t tmpfs tmpfs "$root/tmp"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mapfile -t variables < <(settings_of_pip_and_network)
    cd "$root"
    mkdir -p mnt/old
    pivot_root . mnt/old
    umount --lazy /mnt/old
    exec /usr/bin/env -i "${variables[@]}" HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        sh -c 'cd /farm && exec "$@"' sh "$@"
}

main() {
    local work
    cd "$(dirname "${BASH_SOURCE[0]}")/../.."
    work=${KEEP:-$(mktemp --directory --tmpdir farm-bare-XXXXXX)}
    # shellcheck disable=SC2064 # the folder of now
    [ -n "${KEEP:-}" ] || trap "rm -rf --one-file-system '$work'" EXIT
    [ -e "$work/etc/debian_version" ] || make_root "$work"
    copy_project "$work"
    copy_settings "$work"
    unshare --mount --propagation private --pid --fork --kill-child \
        "$0" --inside "$work" "$@" </dev/null
    [ ! -e "$work/usr/sbin/policy-rc.d" ] || { echo "error: policy-rc.d was left behind" >&2 && exit 1; }
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
else
    [ $# -gt 0 ] || set -- make demo
    main "$@"
fi
