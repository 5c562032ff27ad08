#include "chatctl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "chat_id.h"
#include "chat_name.h"


int
ctl_exit(options_rc_e rc)
{
    return rc == OPTIONS_DONE ? EXIT_OK : EXIT_USAGE;
}


void
ctl_say(const char *format, ...)
{
    va_list  args;

    fputs("chatctl: ", stderr);

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    fputc('\n', stderr);
}


int
ctl_open_db(db_t *db, uint64_t wait)
{
    uint64_t  until = life_now() + wait * 1000;

    db->quiet = true;
    db->name = "chatctl";

    if (db->timeout == 0) {
        db->timeout = 30000;
    }

    while (db_open(db) == -1) {

        if (db->backoff.at > until) {
            ctl_say("PostgreSQL: %s", db->error);
            return -1;
        }

        (void) life_wait(-1, 0, db->backoff.at, false);
    }

    return 0;
}


int
ctl_check_id(const char *what, const char *id)
{
    if (chat_name_valid(mem_cstr(id))) {
        return 0;
    }

    ctl_say("%s \"%s\" is not 1 to 64 characters from A-Z a-z 0-9 _ . : @ -",
            what, id);

    return -1;
}


int
ctl_read_partitions(db_t *db, unsigned *n)
{
    uint64_t   value;
    PGresult  *res;

    res = db_query(db, "SELECT value FROM chat.setting"
                       " WHERE name = 'partitions'", NULL);

    if (res == NULL) {
        ctl_say("PostgreSQL: %s", db->error);
        return -1;
    }

    value = PQntuples(res) == 1 ? db_value_uint(res, 0, 0) : 0;
    PQclear(res);

    if (value < 1 || value > CHAT_ID_MAX_PARTITIONS) {
        ctl_say("setting \"partitions\" makes no sense");
        return -1;
    }

    *n = (unsigned) value;

    return 0;
}


/*
 * The length of a control character that the text begins with: C0, DELETE, C1
 * (U+0080 to U+009F), and those of Unicode that set or override a direction
 * (U+202A to U+202E, U+2066 to U+2069: UAX #9, 2).
 */

static size_t
ctl_control(chat_str_t text)
{
    const uint8_t  *p = text.data;

    if (p[0] < 0x20 || p[0] == 0x7f) {
        return 1;
    }

    if (text.len >= 2 && p[0] == 0xc2 && p[1] < 0xa0) {
        return 2;
    }

    if (text.len >= 3 && p[0] == 0xe2
        && ((p[1] == 0x80 && p[2] >= 0xaa && p[2] <= 0xae)
            || (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)))
    {
        return 3;
    }

    return 0;
}


void
ctl_print_text(chat_str_t text)
{
    size_t  n;

    while (text.len != 0) {
        n = ctl_control(text);
        putchar(n != 0 ? ' ' : text.data[0]);

        n = n != 0 ? n : 1;
        text.data += n;
        text.len -= n;
    }
}


int
ctl_flush(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return 1;
    }

    ctl_say("cannot write: %s", strerror(errno));

    return 0;
}
