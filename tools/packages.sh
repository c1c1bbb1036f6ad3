# shellcheck shell=bash
# Sourced by the other tools: makes sure that Debian packages are there.

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

can_install() {
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null
}

# Runs apt-get unattended and quietly. If it fails, the package lists may be missing or old, or another apt may hold their lock
# (for which apt does not wait, unlike for dpkg's): fetch the lists, and try again.
apt_get() {
    local attempt
    for attempt in 1 2 3; do
        if DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=600 -qq -y --no-install-recommends "$@" \
            </dev/null >"$apt_log" 2>&1; then
            return
        fi
        [ "$attempt" -eq 1 ] || sleep 10
        apt-get -qq update </dev/null >>"$apt_log" 2>&1 || true
    done
    cat "$apt_log" >&2
    die "apt-get $* failed"
}

apt_log=$(mktemp)
trap 'rm -f "$apt_log"' EXIT

installed() {
    dpkg-query --show --showformat '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

# require_packages PURPOSE PACKAGE...: installs the missing ones, or names them in one line and gives up.
require_packages() {
    local purpose=$1 package
    local -a missing=()
    shift
    for package; do
        installed "$package" || missing+=("$package")
    done
    [ "${#missing[@]}" -gt 0 ] || return 0
    can_install || die "$purpose needs these packages (Debian's names), please install them: ${missing[*]}"
    echo "installing ${missing[*]}"
    apt_get install "${missing[@]}"
}
