#!/bin/sh
#
# check.sh: what need not be run to be found.  Stops at the first thing that
# finds anything.

set -eu

cd "$(dirname "$0")/.."

build=build/check
jobs=-j$(nproc)


step() {
    echo "== $*"
}


compile() {
    step "$1"
    make --no-print-directory -s V=1 "$jobs" CC="$1" BUILD="$build/$1" \
        all units
}


compile gcc
compile clang

step "style"
tools/check-style.sh

step "shellcheck"
shellcheck tools/*.sh .ci/run

# Of the module it sees no nginx headers, so only what is certain counts; and
# it takes a structure that is filled in later for one that was forgotten.

step "cppcheck"
cppcheck --quiet --error-exitcode=1 --std=c11 --inline-suppr \
    --enable=warning,portability --suppress=missingIncludeSystem \
    --suppress=ctuuninitvar \
    -Icommon -Iworkers/lib -Ingx_chat_module -I"$build/gcc" \
    common workers ngx_chat_module

step "documentation"
tools/check-docs.sh

step "configuration"
tools/check-conf.sh "$build/gcc/module/ngx_chat_module.so"

echo "All checks passed."
