/*
 * Lines of JSON on stderr: time, level, program, message, and what the caller
 * adds.  The message is a constant; what varies goes into fields.  Never the
 * content of a message, a token or a password.
 *
 *      log_notice("partition is open", log_uint("partition", p));
 */

#ifndef LOG_H
#define LOG_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


typedef enum {
    LOG_LEVEL_ALERT,            /* our bug; any alert fails the tests */
    LOG_LEVEL_CRIT,             /* out of resources */
    LOG_LEVEL_ERR,              /* a backend failed */
    LOG_LEVEL_WARN,             /* degraded */
    LOG_LEVEL_NOTICE,           /* life cycle */
    LOG_LEVEL_INFO              /* a client's fault, details */
} log_level_e;


typedef struct {
    const char  *name;
    const char  *text;          /* NULL: the number */
    uint64_t     number;
} log_field_t;


void log_init(const char *program);

/* -1: no such level */
int log_set_level(const char *name) __attribute__((warn_unused_result));

void log_write(log_level_e level, const char *message,
    const log_field_t *fields, unsigned n);


static inline log_field_t
log_str(const char *name, const char *text)
{
    return (log_field_t) { name, text != NULL ? text : "", 0 };
}


static inline log_field_t
log_uint(const char *name, uint64_t number)
{
    return (log_field_t) { name, NULL, number };
}


log_field_t log_errno(void);    /* "error": text of errno */


#define log_fields(...)                                                       \
    (const log_field_t []) { __VA_ARGS__ },                                   \
    sizeof((const log_field_t []) { __VA_ARGS__ }) / sizeof(log_field_t)

#define log_at(level, message, ...)                                           \
    log_write(level, message, log_fields(__VA_ARGS__))

#define log_alert(...)   log_at(LOG_LEVEL_ALERT, __VA_ARGS__)
#define log_crit(...)    log_at(LOG_LEVEL_CRIT, __VA_ARGS__)
#define log_err(...)     log_at(LOG_LEVEL_ERR, __VA_ARGS__)
#define log_warn(...)    log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_notice(...)  log_at(LOG_LEVEL_NOTICE, __VA_ARGS__)
#define log_info(...)    log_at(LOG_LEVEL_INFO, __VA_ARGS__)


#endif /* LOG_H */
