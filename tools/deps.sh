#!/bin/sh
#
# deps.sh GROUP...: installs the Debian packages of these groups (build, test,
# check, conformance) that are missing, and does nothing where all are there.
#
# Installing nginx, redis or postgresql must not start them as services of the
# machine, nor create a cluster: what is run here is private.  So while the
# packages are installed, and only then,
#
#   - a policy-rc.d tells Debian's scripts to start no service, unless the
#     machine has such a policy of its own;
#   - postgresql-common, if this is its first installation, is told to create
#     no cluster.
#
# Both are put back as they were, whatever happens.

set -eu

build="gcc libc6-dev make pkg-config nginx nginx-dev libhiredis-dev
       libjansson-dev libjwt-dev libmicrohttpd-dev libpq-dev libssl-dev
       libcurl4-openssl-dev zlib1g-dev redis-server postgresql supervisor
       curl"
test="perl libcpanel-json-xs-perl libcryptx-perl libio-socket-ssl-perl
      libcmocka-dev chromium spin clang libclang-rt-dev llvm node-ws iproute2
      prometheus python3-websockets python3-wsproto"
check="cppcheck shellcheck"
conformance="python3-autobahn python3-lib2to3 python3-openssl
             python3-service-identity python3-twisted"

policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.conf
log=
wrote_policy=
saved_cluster=


missing() {
    for package in "$@"; do
        status=$(dpkg-query -W -f='${db:Status-Status}' "$package" \
                     2>/dev/null) || status=none

        if [ "$status" != installed ]; then
            echo "$package"
        fi
    done
}


# apt-get as root, asking nothing and restarting no service; output to the log

apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get "$@" >> "$log" 2>&1
}


install() {
    if ! apt install -y --no-install-recommends "$@"; then
        tail -n 30 "$log" >&2
        echo "deps: could not install $*" >&2
        exit 1
    fi
}


forbid_services() {
    if [ ! -e "$policy" ]; then
        wrote_policy=yes
        printf '#!/bin/sh\nexit 101\n' | $sudo tee "$policy" > /dev/null
        $sudo chmod 755 "$policy"
    fi
}


forbid_cluster() {
    install postgresql-common

    saved_cluster=$(mktemp)
    cp "$cluster" "$saved_cluster"
    echo "create_main_cluster = false" | $sudo tee -a "$cluster" > /dev/null
}


restore() {
    if [ -n "$wrote_policy" ]; then
        $sudo rm -f "$policy"
    fi

    if [ -n "$saved_cluster" ]; then
        $sudo tee "$cluster" < "$saved_cluster" > /dev/null
    fi

    rm -f "$log" "$saved_cluster"
}


packages=

if ! command -v dpkg-query > /dev/null; then
    echo "deps: this is not Debian, nothing is installed" >&2
    exit 0
fi

for group in "$@"; do
    case $group in
    build) packages="$packages $build" ;;
    test)  packages="$packages $test" ;;
    check) packages="$packages $check" ;;
    conformance) packages="$packages $conformance" ;;
    *)     echo "deps: unknown group \"$group\"" >&2; exit 1 ;;
    esac
done

# shellcheck disable=SC2086      # a list of words
todo=$(missing $packages | tr '\n' ' ')

if [ -z "$todo" ]; then
    exit 0
fi

sudo=

if [ "$(id -u)" -ne 0 ]; then
    sudo=sudo

    if ! command -v sudo > /dev/null; then
        echo "deps: these packages are missing: $todo" >&2
        echo "deps: neither root nor sudo: ask for" \
             "\"apt-get install --no-install-recommends $todo\"" >&2
        exit 1
    fi
fi

echo "Installing $todo"

log=$(mktemp)
trap restore EXIT
trap 'exit 1' HUP INT TERM

forbid_services

# one unreachable source need not matter; if it does, the log tells
apt update -q || true

case " $todo" in
*" postgresql "*)
    if [ -n "$(missing postgresql-common)" ]; then
        forbid_cluster
    fi
    ;;
esac

# shellcheck disable=SC2086      # a list of words
install $todo
