#!/bin/bash
#
# configure-module.sh OUT CC CFLAGS LDFLAGS: readies OUT for building the
# module with nginx's own build system, against the nginx that Debian ships.
#
# The flags of that nginx come from its package: a module is loaded only by an
# nginx of the same signature.  conf_flags is a bash array, hence bash.

set -eu

src=/usr/share/nginx/src
root=$(cd "$(dirname "$0")/.." && pwd)

if [ ! -f "$src/conf_flags" ]; then
    echo "configure-module: $src is missing, see \"make deps\"" >&2
    exit 1
fi

mkdir -p "$1"
out=$(cd "$1" && pwd)

# two makes at once must not write the same headers
exec 9> "$out/configure.lock"
flock 9

cd "$src"
# shellcheck source=/dev/null
. ./conf_flags

if ! ./configure --with-cc="$2" --with-cc-opt="$3" --with-ld-opt="$4" \
         "${NGX_CONF_FLAGS[@]}" --add-dynamic-module="$root" \
         --builddir="$out" > "$out/configure.log" 2>&1
then
    tail -n 20 "$out/configure.log" >&2
    echo "configure-module: failed, see $out/configure.log" >&2
    exit 1
fi
