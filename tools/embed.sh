#!/bin/sh
#
# embed.sh: prints a C header that holds files as strings, so that a program
# needs no files beside it.
#
#     embed.sh lua build/chat.lua         static const char chat_lua[]
#     embed.sh sql sql/0001_topic.sql ... static const chat_sql_t chat_sql[]
#
# A sql file's name is its version (four digits), an underscore and its topic.

set -eu


# the bytes of a file as the initialiser of an array, NUL terminated

bytes() {
    od -An -v -tx1 "$1" | sed 's/ \(..\)/0x\1,/g'
    echo "0x00"
}


embed_lua() {
    echo "/* made of $1 */"
    echo
    echo "static const char $(basename "$1" .lua)_lua[] = {"
    bytes "$1"
    echo "};"
}


embed_sql() {
    echo "/* made of sql/ */"
    echo
    echo "typedef struct {"
    echo "    int          version;"
    echo "    const char  *name;"
    echo "    const char  *text;"
    echo "} chat_sql_t;"

    for file in "$@"; do
        version=$(basename "$file" | cut -c1-4)
        echo
        echo "static const char chat_sql_${version}[] = {"
        bytes "$file"
        echo "};"
    done

    echo
    echo "static const chat_sql_t chat_sql[] = {"

    for file in "$@"; do
        name=$(basename "$file" .sql)
        version=$(echo "$name" | cut -c1-4)
        number=$(echo "$version" | sed 's/^0*//')
        echo "    { $number, \"$name\", chat_sql_$version },"
    done

    echo "};"
    echo
    echo "#define CHAT_SQL_COUNT  (sizeof(chat_sql) / sizeof(chat_sql[0]))"
}


kind=$1
shift

case $kind in
lua) embed_lua "$@" ;;
sql) embed_sql "$@" ;;
*)   echo "embed.sh: unknown kind \"$kind\"" >&2; exit 1 ;;
esac
