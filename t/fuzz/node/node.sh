#!/bin/sh
#
# node [option of libFuzzer | directory | file]...: runs the fuzzer of a whole
# node, which is a module of nginx (t/fuzz/node/node.c).

set -eu

so=$(realpath "$0").so
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# libFuzzer calls itself by its first argument
args=$(realpath "$0")
libasan=$(sed -n '1s/.*asan: //p' "$so.env")

for arg in "$@"; do
    if [ -e "$arg" ]; then
        arg=$(realpath "$arg")
    fi

    args=$args$(printf '\n%s' "$arg")
done

echo 0123456789abcdef0123456789abcdef > "$dir/key"

cat > "$dir/nginx.conf" << END
daemon off;
master_process off;
pid $dir/pid;
error_log $dir/error.log emerg;
load_module $so;
env FUZZ_ARGS;
env ASAN_OPTIONS;
env UBSAN_OPTIONS;
env ASAN_SYMBOLIZER_PATH;
env PATH;

events {
    worker_connections 128;
}

http {
    access_log off;
    client_body_temp_path $dir/body;
    proxy_temp_path $dir/proxy;
    fastcgi_temp_path $dir/fastcgi;
    uwsgi_temp_path $dir/uwsgi;
    scgi_temp_path $dir/scgi;

    chat_redis unix:$dir/none;
    chat_partitions 2;
    chat_canary off;

    server {
        listen unix:$dir/socket;
        chat_token_key HS256 $dir/key;
        chat_max_outstanding 8;
        chat_max_conversations 8;
        chat_max_message_size 16k;
        chat_send_queue 64k;

        location / {
            chat_websocket on;
        }
    }
}
END

FUZZ_ARGS=$args LD_PRELOAD=$libasan \
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_odr_violation=0:leak_check_at_exit=0 \
    /usr/sbin/nginx -p "$dir" -c "$dir/nginx.conf" -e "$dir/error.log" || rc=$?

cat "$dir/error.log" >&2
exit "${rc:-0}"
