#!/bin/sh
#
# check-conf.sh MODULE: nginx takes the sample configuration, and all of its
# directives that are commented out, with this build of the module.

set -eu

module=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkdir -p "$dir/log"
head -c 48 /dev/urandom | od -An -v -tx1 | tr -d ' \n' > "$dir/token.key"
cp "$dir/token.key" "$dir/next.key"
echo secret > "$dir/redis.pass"


# the sample, its paths led to $dir; nginx -t opens its sockets, too

sample() {
    sed -e "s|modules/ngx_chat_module.so|$module|" \
        -e "s|/etc/ngx_chat|$dir|" \
        -e "s|/var/log/nginx|$dir/log|" \
        -e "s|/run/nginx.pid|$dir/nginx.pid|" \
        -e "s|^user .*||" \
        -e "s|listen  80 .*|listen  unix:$dir/listen.sock;|" conf/nginx.conf
}


check() {
    if ! nginx -t -q -p "$dir" -c "$dir/$1" -e "$dir/log/error.log" \
             > "$dir/out" 2>&1
    then
        sed "s|$dir|conf|g" "$dir/out" >&2
        echo "check-conf: nginx refuses $1" >&2
        exit 1
    fi
}


sample > "$dir/nginx.conf"
check nginx.conf

# each alternative takes the place of what stands without a comment

sample | sed -e 's/^\( *\)# \(chat_[a-z_]*  .*;\)$/\1\2/' \
             -e '/chat_redis  unix/d' -e '/chat_origin  any/d' \
    > "$dir/everything.conf"
check everything.conf
