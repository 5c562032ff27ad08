/*
 * One write(2) per line, so that lines of several processes do not mix.
 */

#include "log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "chat_json.h"
#include "life.h"


#define LOG_MAX_LINE  4096


static const char  *level_names[] = {
    [LOG_LEVEL_ALERT]  = "alert",
    [LOG_LEVEL_CRIT]   = "crit",
    [LOG_LEVEL_ERR]    = "err",
    [LOG_LEVEL_WARN]   = "warn",
    [LOG_LEVEL_NOTICE] = "notice",
    [LOG_LEVEL_INFO]   = "info"
};

static const char   *log_program = "";
static log_level_e   log_max = LOG_LEVEL_NOTICE;


void
log_init(const char *program)
{
    log_program = program;
}


int
log_set_level(const char *name)
{
    size_t  i;

    for (i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
        if (strcmp(name, level_names[i]) == 0) {
            log_max = (log_level_e) i;
            return 0;
        }
    }

    return -1;
}


static void
log_text(chat_writer_t *w, const char *text)
{
    chat_str_t  s = { (const uint8_t *) text, strlen(text) };

    chat_write_string(w, s);
}


static void
log_name(chat_writer_t *w, const char *name)
{
    chat_write_cstr(w, ",");
    log_text(w, name);
    chat_write_cstr(w, ":");
}


static void
log_head(chat_writer_t *w, log_level_e level, const char *message)
{
    chat_write_cstr(w, "{\"time\":");
    chat_write_time(w, life_time());
    log_name(w, "level");
    log_text(w, level_names[level]);
    log_name(w, "program");
    log_text(w, log_program);
    log_name(w, "message");
    log_text(w, message);
}


void
log_write(log_level_e level, const char *message, const log_field_t *fields,
    unsigned n)
{
    uint8_t        line[LOG_MAX_LINE];
    unsigned       i;
    chat_writer_t  w, safe;

    if (level > log_max) {
        return;
    }

    chat_writer_init(&w, line, sizeof(line) - 2);
    log_head(&w, level, message);

    for (i = 0; i < n; i++) {
        safe = w;
        log_name(&w, fields[i].name);

        if (fields[i].text != NULL) {
            log_text(&w, fields[i].text);
        } else {
            chat_write_uint(&w, fields[i].number);
        }

        if (w.full) {           /* leave out what does not fit */
            w = safe;
        }
    }

    *w.pos++ = '}';
    *w.pos++ = '\n';

    /* nobody is left to tell if even that fails */
    if (write(STDERR_FILENO, line, (size_t) (w.pos - line)) == -1) {
        return;
    }
}


log_field_t
log_errno(void)
{
    return log_str("error", strerror(errno));
}
