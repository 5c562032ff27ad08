#include "chat_write.h"

#include <string.h>

#include "chat_char.h"


#define CHAT_WRITE_MAX_TIME  UINT64_C(253402300799999)  /* the end of 9999 */
#define CHAT_WRITE_DAY       UINT64_C(86400000)         /* ms */


static size_t chat_write_escape(chat_writer_t *w, const uint8_t *pos,
    const uint8_t *last);
static void chat_write_digits(chat_writer_t *w, uint64_t n, unsigned width);


void
chat_writer_init(chat_writer_t *w, uint8_t *dst, size_t size)
{
    w->pos = dst;
    w->last = dst;
    w->len = 0;
    w->full = false;

    if (dst != NULL) {
        w->last += size;
    }
}


void
chat_write(chat_writer_t *w, chat_str_t raw)
{
    w->len += raw.len;

    if (w->pos == NULL || w->full || raw.len == 0) {
        return;
    }

    if (raw.len > (size_t) (w->last - w->pos)) {
        w->full = true;
        return;
    }

    memcpy(w->pos, raw.data, raw.len);
    w->pos += raw.len;
}


void
chat_write_cstr(chat_writer_t *w, const char *raw)
{
    chat_str_t  s;

    s.data = (const uint8_t *) raw;
    s.len = strlen(raw);

    chat_write(w, s);
}


void
chat_write_string(chat_writer_t *w, chat_str_t text)
{
    size_t      i, n;
    chat_str_t  run;

    chat_write_cstr(w, "\"");

    run.data = text.data;
    i = 0;

    while (i < text.len) {

        /* most characters need no escape: they go out in runs */

        if (text.data[i] >= 0x20 && text.data[i] != '"'
            && text.data[i] != '\\' && text.data[i] != 0xe2)
        {
            i++;
            continue;
        }

        run.len = text.data + i - run.data;
        chat_write(w, run);

        n = chat_write_escape(w, text.data + i, text.data + text.len);

        i += n;
        run.data = text.data + i;
    }

    if (text.len != 0) {
        run.len = text.data + text.len - run.data;
        chat_write(w, run);
    }

    chat_write_cstr(w, "\"");
}


/*
 * Writes the character at pos in a form that JSON, and JavaScript of before
 * 2019, takes in a string literal; returns how many bytes of text it was.
 */

static size_t
chat_write_escape(chat_writer_t *w, const uint8_t *pos, const uint8_t *last)
{
    static const char  escapes[] = "btn?fr";        /* U+0008 to U+000D */

    char  escape[] = "\\u0000";

    if (*pos == 0xe2) {

        if (last - pos >= 3 && pos[1] == 0x80
            && (pos[2] == 0xa8 || pos[2] == 0xa9))
        {
            chat_write_cstr(w, pos[2] == 0xa8 ? "\\u2028" : "\\u2029");
            return 3;
        }

        chat_write(w, (chat_str_t) { pos, 1 });
        return 1;
    }

    if (*pos >= 0x20) {                 /* " or \ */
        escape[1] = *pos;
        escape[2] = '\0';

    } else if (*pos >= '\b' && *pos <= '\r' && *pos != '\v') {
        escape[1] = escapes[*pos - '\b'];
        escape[2] = '\0';

    } else {
        escape[4] = chat_char_hex_digit(*pos >> 4);
        escape[5] = chat_char_hex_digit(*pos);
    }

    chat_write_cstr(w, escape);

    return 1;
}


void
chat_write_uint(chat_writer_t *w, uint64_t n)
{
    chat_write_digits(w, n, 1);
}


/* at least width digits, zeros in front */

static void
chat_write_digits(chat_writer_t *w, uint64_t n, unsigned width)
{
    size_t   i;
    uint8_t  buf[20];                   /* UINT64_MAX has 20 digits */

    i = sizeof(buf);

    do {
        buf[--i] = '0' + n % 10;
        n /= 10;
    } while (n != 0 || sizeof(buf) - i < width);

    chat_write(w, (chat_str_t) { buf + i, sizeof(buf) - i });
}


/*
 * The date of a day number, in the proleptic Gregorian calendar, counted in
 * eras of 400 years that begin on the first of March, so that the leap day is
 * the last day of its year.
 */

void
chat_write_time(chat_writer_t *w, uint64_t ms)
{
    uint64_t  days, era, day, year, month;

    if (ms > CHAT_WRITE_MAX_TIME) {
        ms = CHAT_WRITE_MAX_TIME;
    }

    days = ms / CHAT_WRITE_DAY + 719468;             /* since 0000-03-01 */
    era = days / 146097;
    day = days % 146097;
    year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= 365 * year + year / 4 - year / 100;
    month = (5 * day + 2) / 153;                    /* 0 is March */
    day -= (153 * month + 2) / 5;

    year += era * 400 + (month >= 10);
    month = month < 10 ? month + 3 : month - 9;
    ms %= CHAT_WRITE_DAY;

    chat_write_cstr(w, "\"");
    chat_write_digits(w, year, 4);
    chat_write_cstr(w, "-");
    chat_write_digits(w, month, 2);
    chat_write_cstr(w, "-");
    chat_write_digits(w, day + 1, 2);
    chat_write_cstr(w, "T");
    chat_write_digits(w, ms / 3600000, 2);
    chat_write_cstr(w, ":");
    chat_write_digits(w, ms / 60000 % 60, 2);
    chat_write_cstr(w, ":");
    chat_write_digits(w, ms / 1000 % 60, 2);
    chat_write_cstr(w, ".");
    chat_write_digits(w, ms % 1000, 3);
    chat_write_cstr(w, "Z\"");
}
