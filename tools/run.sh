#!/bin/sh
#
# run.sh run|start|stop|clean: a private instance of everything in RUN_DIR:
# PostgreSQL, Redis, chat-persist, chat-presence, chat-signin and nginx under
# supervisord.
#
#     run     in the foreground; Ctrl-C ends it
#     start   in the background; returns when it is ready
#     stop    ends it
#     clean   ends it and removes RUN_DIR
#
# Settings come from the environment: RUN_DIR (run), PORT (8080),
# NGINX_WORKERS (2), and NGINX_HTTP, directives for nginx' http block in one
# line, as measurements need them.  Only PORT, on loopback, is seen from outside
# of RUN_DIR: all else talks over sockets in RUN_DIR/sock.
#
# Started by root, everything runs as another user: PostgreSQL insists on it.
# RUN_DIR gets copies of the programs, the module and the page, so that this
# user needs no access to the source tree and a rebuild disturbs nobody.

# shellcheck disable=SC3045      # "ulimit -n" is there in dash and in bash

set -eu

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
READY_SECONDS=60
STOP_SECONDS=60
MAX_SOCKET_DIR=90       # "/.s.PGSQL.5432.lock" must fit into sun_path

RUN_DIR=${RUN_DIR:-run}
PORT=${PORT:-8080}
NGINX_WORKERS=${NGINX_WORKERS:-2}
NGINX_HTTP=${NGINX_HTTP:-}

source_dir=$(cd "$(dirname "$0")/.." && pwd)
user=
supervisor=

umask 077


die() {
    echo "run: $*" >&2
    exit 1
}


usage() {
    sed -n '3,/^$/s/^# \{0,1\}//p' "$0"
    exit 2
}


# -- settings -----------------------------------------------------------------

is_number() {
    case $1 in
    '' | *[!0-9]* | ??????*) return 1 ;;
    esac

    [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]
}


check_settings() {
    is_number "$PORT" 1 65535 || die "PORT must be 1 to 65535, not \"$PORT\""

    is_number "$NGINX_WORKERS" 1 64 \
        || die "NGINX_WORKERS must be 1 to 64, not \"$NGINX_WORKERS\""

    case $NGINX_HTTP in
    *[\|\&\\]*)
        die "NGINX_HTTP may hold no | & and \\" ;;
    esac

    # nothing runs as root
    if [ "$PORT" -lt "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start)" ]
    then
        die "PORT $PORT is reserved for root, choose a higher one"
    fi
}


# the absolute name of RUN_DIR, whether it exists or not

locate() {
    dir=$(readlink -m "$RUN_DIR")

    case $dir in
    *[!A-Za-z0-9._/+@-]*)
        die "RUN_DIR may hold letters, digits and . _ / + @ - only: \"$dir\"" ;;
    / | /home | /tmp | /var/tmp)
        die "RUN_DIR must be a directory of its own, not \"$dir\"" ;;
    esac
}


# a directory that is not ours is neither filled nor removed

check_owned() {
    if [ -d "$dir" ] && [ ! -e "$dir/.ngx_chat" ] \
       && [ -n "$(ls -A "$dir")" ]
    then
        die "$dir is not empty and was not made by \"make run\""
    fi
}


choose_user() {
    if [ "$(id -u)" -ne 0 ]; then
        return
    fi

    user=nobody

    if id postgres > /dev/null 2>&1; then
        user=postgres
    fi
}


# becomes a command as the user of the instance, with nothing of our
# environment: PGHOST or CHAT_REDIS_URL might lead it elsewhere

become() {
    if [ -n "$user" ]; then
        set -- setpriv --reuid="$user" --regid="$(id -g "$user")" \
                       --clear-groups -- "$@"
    fi

    exec env -i PATH="$PATH" LANG=C.UTF-8 HOME="$dir" "$@"
}


as_user() {
    (become "$@")
}


# -- the lock, which supervisord holds as long as anything runs ---------------

take_lock() {
    exec 9> "$dir/lock"

    if ! flock -n 9; then
        die "already running in $dir (\"make stop RUN_DIR=$RUN_DIR\" ends it)"
    fi
}


# is PORT taken on 127.0.0.1?  Asked before anything starts, since with
# reuseport two nginxes would share it without a word.

check_port() {
    hex=$(printf '%04X' "$PORT")
    any4='0100007F|00000000'
    any6='0{32}|0{16}FFFF00000100007F'

    if cat /proc/net/tcp /proc/net/tcp6 2>/dev/null \
       | grep -Eq "^ *[0-9]+: ($any4|$any6):$hex [0-9A-F]+:0000 0A "
    then
        die "PORT $PORT is in use, choose another: make run PORT=8081"
    fi
}


# -- what RUN_DIR holds -------------------------------------------------------

# A directory that the user cannot reach (as in /root) is kept elsewhere, and
# RUN_DIR is a link to it.

make_dir() {
    if [ ! -e "$dir/.ngx_chat" ]; then
        mkdir -p "$dir"

        if ! as_user test -x "$(dirname "$dir")"; then
            store=$(mktemp -d /var/tmp/ngx_chat.XXXXXX)
            rmdir "$dir"
            ln -sfn "$store" "$dir"
            echo "$dir is kept in $store, where user $user can reach it"
            dir=$store
        fi

        echo "made by ngx_chat; \"make clean\" removes it" > "$dir/.ngx_chat"
    fi

    for name in bin etc lib log nginx redis; do
        mkdir -p "$dir/$name"
    done

    if [ -n "$user" ]; then
        chown "$user:" "$dir"
    fi
}


# the path of a socket is limited to some hundred characters

make_socket_dir() {
    sock=$dir/sock

    if [ ${#sock} -gt $MAX_SOCKET_DIR ]; then
        if [ ! -d "$sock/." ]; then
            ln -sfn "$(mktemp -d /tmp/ngx_chat.XXXXXX)" "$sock"
        fi

        sock=$(readlink "$sock")
    fi

    mkdir -p "$sock"
}


install_files() {
    built=$source_dir/build

    for file in "$built/bin/chat-persist" "$built/bin/chat-presence" \
                "$built/bin/chat-signin" \
                "$built/bin/chatctl" "$built/module/ngx_chat_module.so"
    do
        if [ ! -f "$file" ]; then
            die "$file is missing, run \"make\" first"
        fi
    done

    rm -rf "${dir:?}/bin" "${dir:?}/lib" "${dir:?}/web"
    mkdir -p "$dir/bin" "$dir/lib"
    cp "$built/bin/chat-persist" "$built/bin/chat-presence" \
       "$built/bin/chat-signin" "$built/bin/chatctl" "$dir/bin/"
    cp "$source_dir/tools/run-nginx.sh" "$dir/bin/run-nginx"
    cp "$built/module/ngx_chat_module.so" "$dir/lib/"
    cp -R "$source_dir/web" "$dir/web"
}


random_text() {
    head -c 48 /dev/urandom | od -An -v -tx1 | tr -d ' \n'
}


make_key() {
    if [ ! -s "$dir/token.key" ]; then
        random_text > "$dir/token.key"
    fi
}


# fills in what stands between at signs

fill() {
    sed -e "s|@RUN_DIR@|$dir|g" -e "s|@SOCK@|$sock|g" \
        -e "s|@PORT@|$PORT|g" -e "s|@NGINX_WORKERS@|$NGINX_WORKERS|g" \
        -e "s|@NGINX_HTTP@|$NGINX_HTTP|g" \
        -e "s|@CONNECTIONS@|$connections|g" -e "s|@PG_BIN@|$pg_bin|g" \
        -e "s|@PASSWORD@|$password|g" -e "s|@REDIS_URL@|$redis_url|g" \
        -e "s|@POSTGRES_URL@|$postgres_url|g" \
        "$source_dir/conf/run/$1" > "$2"
}


make_configs() {
    redis_url=unix://$sock/redis.sock
    postgres_url="host=$sock user=chat dbname=chat"
    password=$(random_text)

    # as many as the open files allow, but each costs about 430 bytes
    connections=$(ulimit -n)

    if [ "$connections" = unlimited ] || [ "$connections" -gt 16384 ]; then
        connections=16384
    fi

    sed "s|^dir .*|dir $dir/redis|" "$source_dir/conf/redis.conf" \
        > "$dir/etc/redis.conf"
    fill nginx.conf "$dir/etc/nginx.conf"
    fill supervisord.conf "$dir/etc/supervisord.conf"
    fill chat.env "$dir/chat.env"
}


# the newest PostgreSQL, or the one that made the cluster

find_postgres() {
    version=$(cat "$dir/pg/PG_VERSION" 2>/dev/null) || version='*'

    pg_bin=$(find /usr/lib/postgresql -path "*/$version/bin/postgres" \
                 | sort -V | tail -n 1)
    pg_bin=${pg_bin%/postgres}

    if [ -z "$pg_bin" ]; then
        die "PostgreSQL $version is missing in /usr/lib/postgresql"
    fi
}


# Made under another name, so that one half made is made anew.  The sockets'
# directory guards the database: whoever can reach it, may.

make_cluster() {
    if [ -d "$dir/pg" ]; then
        return
    fi

    rm -rf "$dir/pg.new"

    if ! as_user "$pg_bin/initdb" -D "$dir/pg.new" -U chat --auth=trust \
             --encoding=UTF8 --locale=C.UTF-8 > "$dir/log/initdb.log" 2>&1 \
       || ! echo "CREATE DATABASE chat" \
            | as_user "$pg_bin/postgres" --single -D "$dir/pg.new" postgres \
                >> "$dir/log/initdb.log" 2>&1
    then
        cat "$dir/log/initdb.log" >&2
        die "could not create a PostgreSQL cluster"
    fi

    mv "$dir/pg.new" "$dir/pg"
}


prepare() {
    check_settings
    check_owned
    choose_user
    make_dir
    take_lock
    check_port

    # all that may be: the connections of nginx, the clients of Redis
    ulimit -n "$(ulimit -Hn)"

    make_socket_dir
    find_postgres
    install_files
    make_key
    make_configs

    if [ -n "$user" ]; then
        chown -R "$user:" "$dir" "$sock"
    fi

    as_user "$dir/bin/run-nginx" "$dir" sweep
    make_cluster
}


# -- starting -----------------------------------------------------------------

# tries a command until it succeeds; gives up when time or supervisord is over

await() {
    what=$1
    shift
    deadline=$(($(date +%s) + READY_SECONDS))

    until "$@" > "$dir/log/start.log" 2>&1; do

        if ! kill -0 "$supervisor" 2>/dev/null; then
            give_up "supervisord ended"
        fi

        if [ "$(date +%s)" -ge $deadline ]; then
            give_up "$what: not within $READY_SECONDS s"
        fi

        sleep 0.1
    done
}


give_up() {
    echo "run: $1" >&2
    cat "$dir/log/start.log" >&2
    echo "run: see $dir/log" >&2
    end_supervisor
    exit 1
}


# $1: words before the command

launch() {
    # a session of its own, so that Ctrl-C comes to us and then, in order, to
    # the parts
    become setsid "$@" supervisord -c "$dir/etc/supervisord.conf" \
        > "$dir/log/supervisord.out.log" 2>&1 < /dev/null &

    supervisor=$!
}


chatctl() {
    as_user env CHAT_REDIS_URL="$redis_url" \
        CHAT_POSTGRES_URL="$postgres_url" "$dir/bin/chatctl" "$@"
}


redis_answers() {
    redis-cli -s "$sock/redis.sock" ping | grep -q PONG
}


make_lobby() {
    chatctl conversation show lobby \
        || chatctl conversation create --id lobby --type channel --name Lobby
}


bring_up() {
    await PostgreSQL as_user pg_isready -q -h "$sock" -U chat -d chat
    await Redis redis_answers
    await migrations chatctl migrate
    await supervisord as_user supervisorctl -c "$dir/etc/supervisord.conf" \
        start 'chat:*'
    await lobby make_lobby
    await nginx curl -fsS "http://127.0.0.1:$PORT/readyz"
    rm -f "$dir/log/start.log"
}


tell() {
    echo "ngx_chat is running."
    echo
    echo "    Open    http://127.0.0.1:$PORT/"
    echo "    Logs    $RUN_DIR/log"
    echo "    End     $1"
}


# -- ending -------------------------------------------------------------------

end_supervisor() {
    kill -s TERM "$supervisor" 2>/dev/null || true

    while kill -0 "$supervisor" 2>/dev/null; do
        wait "$supervisor" 2>/dev/null || true
    done
}


on_signal() {
    trap '' HUP INT TERM
    set +e      # the terminal may be gone
    echo
    echo "Stopping"
    end_supervisor
    as_user "$dir/bin/run-nginx" "$dir" sweep
    exit 0
}


# the supervisord of RUN_DIR, if there is one; a number may have been given to
# another process since

find_supervisor() {
    supervisor=$(cat "$dir/supervisord.pid" 2>/dev/null) || return 1

    tr '\0' ' ' 2>/dev/null < "/proc/$supervisor/cmdline" \
        | grep -qF "$dir/etc/supervisord.conf"
}


do_run() {
    prepare
    trap on_signal HUP INT TERM
    launch setpriv --pdeathsig TERM
    bring_up
    tell Ctrl-C

    # a signal, too, ends a wait
    while kill -0 "$supervisor" 2>/dev/null; do
        wait "$supervisor" || true
    done

    wait "$supervisor" || die "supervisord ended, see $dir/log"
    echo "ngx_chat was stopped"
}


do_start() {
    prepare
    trap on_signal HUP INT TERM
    launch
    bring_up

    if [ "$RUN_DIR" = run ]; then
        tell "make stop"
    else
        tell "make stop RUN_DIR=$RUN_DIR"
    fi
}


do_stop() {
    if find_supervisor; then
        kill -s TERM "$supervisor"
    fi

    if [ ! -e "$dir/lock" ]; then
        return
    fi

    exec 9> "$dir/lock"
    flock -w $STOP_SECONDS 9 || die "$dir: not ended within $STOP_SECONDS s"

    if [ -x "$dir/bin/run-nginx" ]; then
        "$dir/bin/run-nginx" "$dir" sweep
    fi

    flock -u 9
}


do_clean() {
    check_owned
    do_stop
    link=$dir/sock

    if [ -L "$link" ]; then
        rm -rf "$(readlink "$link")"
    fi

    rm -rf "$dir"

    if [ -L "$RUN_DIR" ]; then
        rm "$RUN_DIR"
    fi
}


locate

case ${1:-} in
run)   do_run ;;
start) do_start ;;
stop)  do_stop ;;
clean) do_clean ;;
*)     usage ;;
esac
