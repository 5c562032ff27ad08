#define _GNU_SOURCE

#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_version.h"
#include "number.h"
#include "mem.h"


#define ENV_MAX  64


typedef struct {
    const options_t  *o;
    int               argc;
    char            **argv;
    int               next;         /* of argv */
    size_t            noperands;
    bool              only_operands;
} reader_t;


static void options_say(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
static options_rc_e options_read_word(reader_t *r);
static options_rc_e options_read_option(reader_t *r, char *name);
static int options_defaults(const option_t *table, const char *word);
static void options_refuse(const option_t *option, const char *value,
    const char *from);
static int options_set(const option_t *option, const char *value,
    const char *from);


options_rc_e
options_read(const options_t *o, int argc, char **argv)
{
    reader_t      r = { o, argc, argv, 1, 0, false };
    options_rc_e  rc;

    if (options_defaults(o->own, o->word) == -1
        || options_defaults(o->common, NULL) == -1)
    {
        return OPTIONS_ERROR;
    }

    while (r.next < argc) {
        rc = options_read_word(&r);

        if (rc != OPTIONS_OK) {
            return rc;
        }
    }

    if (r.noperands < o->noperands - o->optional) {
        fprintf(stderr, "usage: %s\n", o->usage);
        return OPTIONS_ERROR;
    }

    return OPTIONS_OK;
}


/* the name in the environment: --redis-url is CHAT_REDIS_URL */

static void
options_env_name(const option_t *option, const char *word, char name[ENV_MAX])
{
    char  *p;

    (void) snprintf(name, ENV_MAX, "CHAT_%s%s", word != NULL ? word : "",
                    option->name);

    for (p = name; *p != '\0'; p++) {
        *p = *p == '-' ? '_' : (char) toupper((unsigned char) *p);
    }
}


static int
options_defaults(const option_t *table, const char *word)
{
    char             name[ENV_MAX];
    const char      *value;
    const option_t  *option;

    for (option = table; option != NULL && option->name != NULL; option++) {

        if (option->env) {
            options_env_name(option, word, name);
            value = getenv(name);

            if (value != NULL && value[0] != '\0') {

                if (options_set(option, value, name) == -1) {
                    return -1;
                }

                continue;
            }
        }

        if (option->fallback != NULL
            && options_set(option, option->fallback, option->name) == -1)
        {
            return -1;
        }
    }

    return 0;
}


static void
options_print(const option_t *table, const char *word)
{
    char             head[128], name[ENV_MAX];
    const option_t  *option;

    for (option = table; option != NULL && option->name != NULL; option++) {
        (void) snprintf(head, sizeof(head), "--%s%s%s", option->name,
                        option->argument != NULL ? " " : "",
                        option->argument != NULL ? option->argument : "");

        printf("  %-24s %s", head, option->help);

        if (option->env) {
            options_env_name(option, word, name);
            printf(" (%s)", name);
        }

        if (option->fallback != NULL) {
            printf(" [%s]", option->fallback);
        }

        printf("\n");
    }
}


static void
options_help(const options_t *o)
{
    printf("usage: %s\n\n%s\n\noptions (environment) [default]:\n", o->usage,
           o->help);

    options_print(o->own, o->word);
    options_print(o->common, NULL);

    printf("  %-24s %s\n  %-24s %s\n", "--help", "this text", "--version",
           "what version this is");

    if (o->more != NULL) {
        printf("\n%s\n", o->more);
    }
}


/* what is wrong, in the name of the program, whichever its verb is */

static void
options_say(const char *format, ...)
{
    va_list  args;

    fprintf(stderr, "%s: ", program_invocation_short_name);

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);

    fprintf(stderr, "\n");
}


static options_rc_e
options_read_word(reader_t *r)
{
    char  *word = r->argv[r->next++];

    if (r->only_operands || word[0] != '-' || word[1] == '\0') {

        if (r->noperands == r->o->noperands) {
            options_say("too much: \"%s\"", word);
            return OPTIONS_ERROR;
        }

        r->o->operands[r->noperands] = word;
        r->noperands++;

        return OPTIONS_OK;
    }

    if (strcmp(word, "--") == 0) {
        r->only_operands = true;
        return OPTIONS_OK;
    }

    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        options_help(r->o);
        return OPTIONS_DONE;
    }

    if (strcmp(word, "--version") == 0) {
        printf("%s %s\n", r->argv[0], CHAT_VERSION);
        return OPTIONS_DONE;
    }

    return options_read_option(r, word);
}


static const option_t *
options_find(const option_t *table, const char *name, size_t len)
{
    const option_t  *option;

    for (option = table; option != NULL && option->name != NULL; option++) {
        if (strncmp(option->name, name, len) == 0
            && option->name[len] == '\0')
        {
            return option;
        }
    }

    return NULL;
}


static options_rc_e
options_read_option(reader_t *r, char *word)
{
    size_t           len;
    const char      *value;
    const option_t  *option = NULL;

    len = strcspn(word, "=");

    if (strncmp(word, "--", 2) == 0) {
        option = options_find(r->o->own, word + 2, len - 2);
    }

    if (option == NULL && strncmp(word, "--", 2) == 0) {
        option = options_find(r->o->common, word + 2, len - 2);
    }

    if (option == NULL) {
        options_say("unknown option \"%s\", see --help", word);
        return OPTIONS_ERROR;
    }

    value = word[len] == '=' ? word + len + 1 : NULL;

    if (option->type == OPTION_FLAG ? value != NULL
                                    : value == NULL && r->next == r->argc)
    {
        options_say("option \"--%s\" takes %s value", option->name,
                    option->type == OPTION_FLAG ? "no" : "a");
        return OPTIONS_ERROR;
    }

    if (value == NULL && option->type != OPTION_FLAG) {
        value = r->argv[r->next++];
    }

    return options_set(option, value, word) == -1 ? OPTIONS_ERROR
                                                  : OPTIONS_OK;
}


/* a number of such units; its bounds are those of the product */

static int
options_number(const option_t *option, const char *value, size_t len,
    uint64_t unit)
{
    uint64_t    n, max;
    chat_str_t  text = { (const uint8_t *) value, len };

    max = option->max != 0 ? option->max : INT64_MAX;

    if (number_parse(text, max / unit, &n) == -1 || n * unit < option->min) {
        return -1;
    }

    *(uint64_t *) option->value = n * unit;

    return 0;
}


static int
options_seconds(const option_t *option, const char *value)
{
    size_t  i, len;

    static const struct {
        char      unit;
        uint32_t  seconds;
    } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };

    len = strlen(value);

    for (i = 0; len != 0 && i < sizeof(units) / sizeof(units[0]); i++) {

        if (value[len - 1] == units[i].unit) {
            return options_number(option, value, len - 1, units[i].seconds);
        }
    }

    return options_number(option, value, len, 1);
}


static void
options_refuse(const option_t *option, const char *value, const char *from)
{
    const char  *must = "";
    char         least[64] = "";

    if (option->type == OPTION_SECONDS) {
        must = ": it must be a time like 90s, 15m or 7d";
    }

    if (option->type == OPTION_NUMBER) {
        must = ": it must be a number";
    }

    if (option->min > 1) {
        (void) snprintf(least, sizeof(least), ", %" PRIu64 "%s at least",
                        option->min,
                        option->type == OPTION_SECONDS ? " s" : "");
    }

    options_say("\"%s\" cannot be \"%s\"%s%s", from, value, must, least);
}


static int
options_set(const option_t *option, const char *value, const char *from)
{
    int              rc = 0;
    options_list_t  *list;

    switch (option->type) {

    case OPTION_FLAG:
        *(bool *) option->value = true;
        break;

    case OPTION_TEXT:
        *(const char **) option->value = value;
        break;

    case OPTION_NUMBER:
        rc = options_number(option, value, strlen(value), 1);
        break;

    case OPTION_SECONDS:
        rc = options_seconds(option, value);
        break;

    case OPTION_LIST:
        list = option->value;

        if (list->n == OPTIONS_MAX_LIST) {
            rc = -1;
            break;
        }

        list->values[list->n] = value;
        list->n++;
        break;
    }

    if (rc == -1) {
        options_refuse(option, value, from);
    }

    return rc;
}
