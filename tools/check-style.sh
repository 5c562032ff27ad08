#!/bin/sh
#
# check-style.sh: what can be said of the layout without judgement.  Prints
# each line that is not so; exit 1 if there is any.

set -eu

c=$(find common workers ngx_chat_module t/unit t/fuzz -name '*.[ch]')
all="$c $(find tools redis sql -name '*.sh' -o -name '*.lua' -o -name '*.sql')"
rc=0


# complain WHAT PATTERN FILE...

complain() {
    what=$1
    pattern=$2
    shift 2

    if grep -nP "$pattern" "$@" /dev/null | sed "s|^|$what: |" | grep .; then
        rc=1
    fi
}


# shellcheck disable=SC2086      # lists of files
{
    complain "tab" '\t' $all
    complain "space at the end" ' +$' $all
    complain "longer than 80" '^.{81,}' $all
    complain "comment of C++" '(^|[ ;{}])//' $c
    complain "banned" '\b(strcpy|strcat|sprintf|atoi|strtok|gets|alloca)\(' $c
    complain "assignment in a condition" '\b(if|while) \([^()]* = [^=]' $c
}

exit $rc
