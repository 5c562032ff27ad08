#!/bin/sh
#
# check-docs.sh: every directive that the module takes is in the reference and
# in the sample configuration, and both know no others.  Prints what differs;
# exit 1 if anything does.

set -eu

docs="docs/directives.md conf/nginx.conf"
rc=0

directives=$(sed -n 's/.*{ ngx_string("\(chat_[a-z_]*\)"),.*/\1/p' \
                 ngx_chat_module/*.c | sort -u)

if [ -z "$directives" ]; then
    echo "check-docs: no directives found in ngx_chat_module" >&2
    exit 1
fi

for doc in $docs; do
    for name in $directives; do
        if ! grep -qw "$name" "$doc"; then
            echo "check-docs: $name is missing in $doc" >&2
            rc=1
        fi
    done
done

# headings of the reference that the module does not know

unknown=$(sed -n 's/^##* *\(chat_[a-z_]*\) *$/\1/p' docs/directives.md \
              | grep -vxF "$directives") || true

if [ -n "$unknown" ]; then
    echo "check-docs: not directives, in docs/directives.md:" "$unknown" >&2
    rc=1
fi

exit $rc
