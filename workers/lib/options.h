/*
 * Settings: the command line over the environment over the default, under the
 * same names: --redis-url, CHAT_REDIS_URL.  One table per program says what
 * there is; --help is made of it.  A program whose own options have names that
 * would say little beside those of others puts a word of its own before them:
 * --url, CHAT_JWKS_URL.
 */

#ifndef OPTIONS_H
#define OPTIONS_H


#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>


#define OPTIONS_MAX_LIST  256


typedef struct {
    const char  *values[OPTIONS_MAX_LIST];
    size_t       n;
} options_list_t;


typedef enum {
    OPTION_FLAG,                /* bool */
    OPTION_TEXT,                /* const char * */
    OPTION_NUMBER,              /* uint64_t */
    OPTION_SECONDS,             /* uint64_t; 90, 90s, 15m, 1h, 7d */
    OPTION_LIST                 /* options_list_t; may be given again */
} option_type_e;


typedef struct {
    const char     *name;       /* without the dashes; NULL ends a table */
    option_type_e   type;
    bool            env;        /* the environment may give it */
    const char     *argument;   /* how --help calls its value */
    const char     *fallback;   /* NULL: none, the value is zero */
    const char     *help;
    void           *value;
    uint64_t        min;        /* of a number, or of seconds */
    uint64_t        max;        /* 0: no bound */
} option_t;


typedef struct {
    const char      *usage;     /* "chat-persist [OPTION]..." */
    const char      *help;      /* what it does, in a few lines */
    const char      *more;      /* after the options: exit codes; or NULL */
    const option_t  *own;
    const option_t  *common;    /* a second table, or NULL */
    const char      *word;      /* "JWKS_": CHAT_JWKS_URL for own; or NULL */
    const char     **operands;  /* where operands go; noperands of them */
    size_t           noperands; /*   at most, and all but the last */
    size_t           optional;  /*   so many are required */
} options_t;


typedef enum {
    OPTIONS_OK,
    OPTIONS_DONE,               /* --help or --version was answered */
    OPTIONS_ERROR               /* said why on stderr */
} options_rc_e;


/* argv[0] is the name of the program or verb; what is before was consumed */
options_rc_e options_read(const options_t *o, int argc, char **argv)
    __attribute__((warn_unused_result));


/* what every worker that has them calls the same */

#define OPTION_REDIS_URL(p)                                                   \
    { "redis-url", OPTION_TEXT, true, "URL", "redis://127.0.0.1:6379",        \
      "redis://[:PASSWORD@]HOST:PORT[/DB] or unix:///PATH[?db=N]", p, 0, 0 }

#define OPTION_POSTGRES_URL(p)                                                \
    { "postgres-url", OPTION_TEXT, true, "URL", "postgresql:///chat",         \
      "how libpq finds the database: a URI or key=value pairs", p, 0, 0 }

#define OPTION_LOG_LEVEL(p)                                                   \
    { "log-level", OPTION_TEXT, true, "LEVEL", "notice",                      \
      "alert, crit, err, warn, notice or info", p, 0, 0 }

#define OPTION_END                                                            \
    { NULL, OPTION_FLAG, false, NULL, NULL, NULL, NULL, 0, 0 }


#endif /* OPTIONS_H */
