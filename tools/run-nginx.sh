#!/bin/sh
#
# run-nginx.sh RUN_DIR [sweep]: starts the nginx of a private instance.
#
# If its master process was killed, the workers live on and go on serving with
# the listening sockets that they hold.  So before a new master starts (or
# instead, with "sweep") they are ended.

set -eu

run_dir=$1
pid_file=$run_dir/nginx/nginx.pid


# the processes of a group that are called nginx; /proc/PID/stat reads
# "PID (name) state parent group ..."

left_behind() {
    for dir in /proc/[0-9]*; do
        # shellcheck disable=SC2034,SC2162
        if read -r stat 2>/dev/null < "$dir/stat"; then
            case $stat in
            *" (nginx) "?" "*" $1 "*)
                # shellcheck disable=SC2086      # its words
                set -- "$1" ${stat#*") "}
                if [ "$4" = "$1" ]; then
                    echo "${dir#/proc/}"
                fi
                ;;
            esac
        fi
    done
}


end_left_behind() {
    left=$(left_behind "$1")
    signal=TERM
    tries=0

    while [ -n "$left" ]; do
        # shellcheck disable=SC2086      # a list of numbers
        kill -s $signal $left 2>/dev/null || true
        sleep 0.1
        tries=$((tries + 1))

        if [ $tries -gt 30 ]; then
            signal=KILL
        fi

        left=$(left_behind "$1")
    done
}


if [ -s "$pid_file" ]; then
    end_left_behind "$(cat "$pid_file")"
fi

if [ "${2:-}" = sweep ]; then
    exit 0
fi

exec nginx -p "$run_dir/nginx/" -c "$run_dir/etc/nginx.conf" \
    -e "$run_dir/log/nginx.log"
