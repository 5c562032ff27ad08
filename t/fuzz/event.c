/*
 * What the server says.  Whatever users, texts and numbers are put into a
 * reply or an event, it must be JSON that tells them again as they were, of
 * the length that was measured; and the halves of an event, of which Redis
 * joins the second to the first, must be the whole one.
 *
 *      input   which, eight bytes of numbers, texts separated by zero bytes
 */

#include "fuzz.h"
#include "fuzz_json.h"

#include "chat_event.h"
#include "chat_event_write.h"
#include "chat_utf8.h"


#define TEXTS     6
#define REACTORS  40
#define NUMBERS   ((UINT64_C(1) << 53) - 1)
#define TIMES     253402300799999       /* the last ms of 9999 */


typedef struct {
    chat_str_t            text[TEXTS];
    chat_str_t            json;         /* some JSON value */
    uint64_t              n;
    uint64_t              ms;
    chat_event_reactor_t  reactors[REACTORS];
    size_t                nreactors;
} given_t;


/* a whole event; its two halves; what it must tell */

typedef struct {
    fuzz_build_pt  whole;
    fuzz_build_pt  halves;
    const char    *name;                /* a member of data */
    size_t         text;                /* which text it is */
} kind_t;


static chat_event_message_t
message(const given_t *g)
{
    return (chat_event_message_t) {
        .id = g->text[0], .conversation = g->text[1], .sender = g->text[2],
        .client_id = g->text[3], .content = g->json, .reply_to = g->text[4],
        .attachments = g->text[5].len % 2 ? g->json : (chat_str_t) { NULL, 0 },
        .time = g->ms, .edited = g->n % 3 ? 0 : g->ms
    };
}


static void
message_whole(chat_writer_t *w, const void *what)
{
    const given_t         *g = what;
    chat_event_message_t   m = message(g);

    chat_event_message(w, &m, g->n, g->n);
}


static void
message_halves(chat_writer_t *w, const void *what)
{
    const given_t         *g = what;
    chat_event_message_t   m = message(g);

    chat_write_cstr(w, m.edited != 0
                       ? "{\"type\":\"message.updated\",\"data\":"
                       : "{\"type\":\"message.created\",\"data\":");
    chat_event_message_pre(w, &m);
    chat_write(w, m.content);
    chat_event_message_post(w, &m);

    if (m.edited != 0) {
        chat_event_edited(w, m.edited);
    }

    chat_event_position(w, g->n, g->n);
    chat_write_cstr(w, "}}");
}


static void
history_whole(chat_writer_t *w, const void *what)
{
    const given_t         *g = what;
    chat_event_message_t   m = message(g);

    chat_write_cstr(w, "{\"data\":");
    chat_event_message_history(w, &m, g->n, g->n, g->reactors, g->nreactors);
    chat_write_cstr(w, "}");
}


static void
deleted_whole(chat_writer_t *w, const void *what)
{
    const given_t         *g = what;
    chat_event_deleted_t   d = { g->text[0], g->text[1], g->text[2], g->ms };

    chat_event_deleted(w, &d, g->n, g->n);
}


static void
deleted_halves(chat_writer_t *w, const void *what)
{
    const given_t         *g = what;
    chat_event_deleted_t   d = { g->text[0], g->text[1], g->text[2], g->ms };

    chat_event_deleted_head(w, &d);
    chat_event_position(w, g->n, g->n);
    chat_write_cstr(w, "}}");
}


static void
reaction_whole(chat_writer_t *w, const void *what)
{
    const given_t          *g = what;
    chat_event_reaction_t   r = { g->text[0], g->text[1], g->text[2],
                                  g->text[3], g->n % 2 };

    chat_event_reaction(w, &r, g->n);
}


static void
reaction_halves(chat_writer_t *w, const void *what)
{
    const given_t          *g = what;
    chat_event_reaction_t   r = { g->text[0], g->text[1], g->text[2],
                                  g->text[3], g->n % 2 };

    chat_event_reaction_head(w, &r);
    chat_event_revision(w, g->n);
    chat_write_cstr(w, "}}");
}


static void
member_whole(chat_writer_t *w, const void *what)
{
    const given_t  *g = what;

    chat_event_member(w, (chat_event_member_e) (g->n % 3), g->text[0],
                      g->text[1], g->text[2], g->n);
}


static chat_event_conversation_t
conversation(const given_t *g)
{
    return (chat_event_conversation_t) {
        g->text[0], (chat_conversation_type_e) (g->n % 3), g->text[1],
        g->text[2], g->ms
    };
}


static void
conversation_whole(chat_writer_t *w, const void *what)
{
    const given_t              *g = what;
    chat_event_conversation_t   c = conversation(g);

    chat_event_conversation(w, &c, g->n);
}


static void
conversation_halves(chat_writer_t *w, const void *what)
{
    const given_t              *g = what;
    chat_event_conversation_t   c = conversation(g);

    chat_event_conversation_head(w, &c);
    chat_event_position(w, 0, g->n);
    chat_write_cstr(w, "}}");
}


static chat_event_updated_t
updated(const given_t *g)
{
    return (chat_event_updated_t) {
        .conversation = g->text[0], .name = g->text[1],
        .description = g->text[2], .slow_mode = (uint32_t) g->n,
        .read_only = g->n & 1, .has_description = g->n & 2,
        .has_slow_mode = g->n & 4, .has_read_only = g->n & 8
    };
}


static void
updated_whole(chat_writer_t *w, const void *what)
{
    const given_t         *g = what;
    chat_event_updated_t   u = updated(g);

    chat_event_updated(w, &u, g->n);
}


static void
updated_halves(chat_writer_t *w, const void *what)
{
    const given_t         *g = what;
    chat_event_updated_t   u = updated(g);

    chat_event_updated_head(w, &u);
    chat_event_revision(w, g->n);
    chat_write_cstr(w, "}}");
}


static void
receipt_whole(chat_writer_t *w, const void *what)
{
    const given_t  *g = what;

    chat_event_receipt(w, g->n % 2, g->text[0], g->text[1], g->n);
}


static void
receipt_halves(chat_writer_t *w, const void *what)
{
    const given_t  *g = what;

    chat_event_receipt_head(w, g->n % 2, g->text[0], g->text[1]);
    chat_event_number(w, "\"sequenceNumber\":", g->n);
    chat_write_cstr(w, "}}");
}


static void
typing_whole(chat_writer_t *w, const void *what)
{
    const given_t  *g = what;

    chat_event_typing_t  t = { g->text[0], g->text[1], g->text[2], g->ms };

    chat_event_typing(w, g->n % 2, &t);
}


static void
authenticated_whole(chat_writer_t *w, const void *what)
{
    const given_t  *g = what;

    chat_event_authenticated_t  a = {
        g->text[0], g->text[1], g->text[2], g->text[3], g->ms, g->ms,
        (uint32_t) g->n
    };

    chat_write_cstr(w, "{\"data\":");
    chat_event_authenticated_data(w, &a);
    chat_write_cstr(w, "}");
}


static const kind_t  kinds[] = {
    { message_whole,       message_halves,      "senderId",       2 },
    { history_whole,       NULL,                "conversationId", 1 },
    { deleted_whole,       deleted_halves,      "id",             0 },
    { reaction_whole,      reaction_halves,     "emoji",          3 },
    { member_whole,        NULL,                "userId",         1 },
    { conversation_whole,  conversation_halves, "createdBy",      2 },
    { updated_whole,       updated_halves,      "conversationId", 0 },
    { receipt_whole,       receipt_halves,      "userId",         1 },
    { typing_whole,        NULL,                "displayName",    2 },
    { authenticated_whole, NULL,                "sessionId",      2 },
};


static void
told(chat_str_t event, const char *name, chat_str_t text)
{
    size_t       len;
    uint8_t     *copy;
    chat_json_t  whole;

    chat_json_member_t  data = { .name = "data" };
    chat_json_member_t  member = { .name = name };

    whole = fuzz_parsed(event);

    fuzz_check(chat_json_collect(&whole, &data, 1) == CHAT_OK);
    fuzz_check(chat_json_collect(&data.value, &member, 1) == CHAT_OK);

    copy = fuzz_alloc(text.len);
    fuzz_check(chat_json_get_string(&member.value, copy, text.len, &len)
               == CHAT_OK);
    fuzz_check(fuzz_same((chat_str_t) { copy, len }, text));
    free(copy);
}


/* a text that is in the input and is none is one letter */

static chat_str_t
take_text(fuzz_input_t *in)
{
    chat_str_t  text;

    text = fuzz_until(in, '\0');

    return chat_utf8_valid(text) ? text : chat_str("x");
}


static void
take(given_t *g, fuzz_input_t *in)
{
    size_t        i;
    chat_json_t   value;
    const char   *reason;

    memset(g, 0, sizeof(*g));

    g->n = fuzz_uint(in, 8) & NUMBERS;
    g->ms = g->n % (TIMES + 1);

    for (i = 0; i < TEXTS; i++) {
        g->text[i] = take_text(in);
    }

    g->json = take_text(in);

    if (chat_json_parse(g->json, CHAT_REQUEST_MAX_DEPTH, &value, &reason)
        == CHAT_OK)
    {
        g->json = value.raw;

    } else {
        g->json = chat_str("null");
    }

    while (in->left != 0 && g->nreactors < REACTORS) {
        g->reactors[g->nreactors].emoji = take_text(in);
        g->reactors[g->nreactors].user = take_text(in);
        g->nreactors++;
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    given_t       g;
    kind_t        kind;
    chat_str_t    whole, halves;
    fuzz_input_t  in = { data, size };

    kind = kinds[fuzz_byte(&in) % (sizeof(kinds) / sizeof(kinds[0]))];
    take(&g, &in);

    whole = fuzz_built(kind.whole, &g);
    told(whole, kind.name, g.text[kind.text]);

    if (kind.halves != NULL) {
        halves = fuzz_built(kind.halves, &g);
        fuzz_check(fuzz_same(whole, halves));
        free((void *) halves.data);
    }

    free((void *) whole.data);

    return 0;
}
