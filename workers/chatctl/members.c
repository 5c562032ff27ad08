/*
 * chatctl member list: as Redis has them at this moment.
 */

#include "ask.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"


#define PAGE  1000


typedef struct {
    char      user[CHAT_NAME_MAX_ID + 1];
    char      role[16];
    uint64_t  read;
    uint64_t  delivered;
} member_t;


typedef struct {
    ask_t        ask;
    const char  *conversation;
    const char  *as;            /* NULL: the operator */
    bool         json;

    char         cursor[80];    /* "0" at the start and at the end */
    member_t    *list;
    size_t       n;
    size_t       size;
} members_t;


static int members_check(members_t *m);
static int members_run(members_t *m);
static void members_add(ask_t *a);
static int members_done(ask_t *a, const redisReply *reply);
static int members_print(members_t *m);


int
member_list_main(int argc, char **argv)
{
    int           rc;
    members_t     m;
    options_rc_e  orc;

    const option_t  own[] = {
        { "as", OPTION_TEXT, false, "USER", NULL,
          "what this user may see", &m.as, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant", &m.ask.tenant, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &m.json, 0, 0 },
        CTL_OPTION_WAIT(&m.ask.wait),
        OPTION_REDIS_URL(&m.ask.redis.url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl member list CONVERSATION [OPTION]...",
        .help = "Prints who is in a conversation, and who is blocked, as it "
                "is at this moment.",
        .more = CHATCTL_EXITS,
        .own = own,
        .operands = &m.conversation,
        .noperands = 1
    };

    memset(&m, 0, sizeof(m));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    rc = members_check(&m) == -1 ? EXIT_USAGE : members_run(&m);

    ask_done(&m.ask);
    free(m.list);

    return rc;
}


static int
members_check(members_t *m)
{
    ask_t  *a = &m->ask;

    if (ctl_check_id("tenant", a->tenant) == -1
        || ctl_check_id("conversation", m->conversation) == -1
        || (m->as != NULL && ctl_check_id("user", m->as) == -1))
    {
        return -1;
    }

    a->conversation = m->conversation;
    a->user = m->as != NULL ? m->as : "";
    a->function = "chat_v1_members";
    a->add = members_add;
    a->done = members_done;
    a->data = m;

    return 0;
}


/* page by page */

static int
members_run(members_t *m)
{
    int  rc;

    (void) snprintf(m->cursor, sizeof(m->cursor), "0");

    do {
        rc = ask_run(&m->ask);

        if (rc != EXIT_OK) {
            return rc;
        }

    } while (strcmp(m->cursor, "0") != 0);

    return members_print(m);
}


static void
members_add(ask_t *a)
{
    members_t  *m = a->data;

    redis_args_text(&a->args, a->user);
    redis_args_text(&a->args, m->cursor);
    redis_args_uint(&a->args, PAGE);
}


static int
members_copy(char *dst, size_t size, chat_str_t text)
{
    if (text.len >= size) {
        return -1;
    }

    memcpy(dst, text.data, text.len);
    dst[text.len] = '\0';

    return 0;
}


/* a word, and the space behind it */

static chat_str_t
members_word(chat_str_t *text)
{
    size_t      len = 0;
    chat_str_t  word;

    while (len < text->len && text->data[len] != ' ') {
        len++;
    }

    word = (chat_str_t) { text->data, len };

    if (len < text->len) {
        len++;
    }

    text->data += len;
    text->len -= len;

    return word;
}


/* "<role> <read> <delivered>", and what is behind it */

static int
members_take(members_t *m, chat_str_t user, chat_str_t value)
{
    member_t  *member;

    if (m->n == m->size) {
        m->size = m->size * 2 + PAGE;
        m->list = mem_realloc(m->list, m->size, sizeof(*m->list));
    }

    member = &m->list[m->n];

    if (members_copy(member->user, sizeof(member->user), user) == -1
        || members_copy(member->role, sizeof(member->role),
                        members_word(&value)) == -1
        || number_parse(members_word(&value), INT64_MAX, &member->read) == -1
        || number_parse(members_word(&value), INT64_MAX, &member->delivered)
           == -1)
    {
        return -1;
    }

    m->n++;

    return 0;
}


/* "ok", next cursor, number of members, then user and value in turn */

static int
members_done(ask_t *a, const redisReply *reply)
{
    size_t      i;
    members_t  *m = a->data;

    if (members_copy(m->cursor, sizeof(m->cursor), redis_text(reply, 1))
        == -1)
    {
        ctl_say("Redis: unexpected answer");
        return EXIT_FAILED;
    }

    for (i = 3; i + 1 < reply->elements; i += 2) {
        if (members_take(m, redis_text(reply, i), redis_text(reply, i + 1))
            == -1)
        {
            ctl_say("Redis: unexpected answer");
            return EXIT_FAILED;
        }
    }

    return EXIT_OK;
}


static int
members_compare(const void *a, const void *b)
{
    return strcmp(((const member_t *) a)->user, ((const member_t *) b)->user);
}


/* Redis may give one twice while the set of them changes */

static void
members_sort(members_t *m)
{
    size_t  i, n = 0;

    if (m->n == 0) {
        return;
    }

    qsort(m->list, m->n, sizeof(*m->list), members_compare);

    for (i = 1; i < m->n; i++) {
        if (members_compare(&m->list[n], &m->list[i]) != 0) {
            n++;
            m->list[n] = m->list[i];
        }
    }

    m->n = n + 1;
}


static int
members_print(members_t *m)
{
    size_t           i;
    const member_t  *member;

    members_sort(m);

    if (m->json) {
        printf("{\"items\":[");
    }

    for (i = 0; i < m->n; i++) {
        member = &m->list[i];

        if (m->json) {
            printf("%s{\"userId\":\"%s\",\"role\":\"%s\","
                   "\"lastReadSequence\":%" PRIu64
                   ",\"lastDeliveredSequence\":%" PRIu64 "}",
                   i == 0 ? "" : ",", member->user, member->role,
                   member->read, member->delivered);
        } else {
            printf("%-10s %-24s read %" PRIu64 ", delivered %" PRIu64 "\n",
                   member->role, member->user, member->read,
                   member->delivered);
        }
    }

    if (m->json) {
        printf("]}\n");
    }

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}
