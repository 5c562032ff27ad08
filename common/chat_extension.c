/*
 *      extensions = extension *( "," extension )      empty ones may be there
 *      extension  = token *( ";" param )
 *      param      = token [ "=" ( token | quoted-string ) ]
 *
 * A quoted string must hold a token too, and white space may be around each of
 * these signs.
 */

#include "chat_extension.h"

#include <assert.h>
#include <string.h>

#include "chat_char.h"
#include "chat_write.h"


#define CHAT_EXTENSION_NAME      "permessage-deflate"
#define CHAT_EXTENSION_MIN_BITS  8
#define CHAT_EXTENSION_MAX_BITS  15


typedef struct {
    const uint8_t     *pos;
    const uint8_t     *last;
} chat_extension_text_t;


/* a parameter; its value as far as it could mean something to us */

typedef struct {
    chat_str_t         name;
    bool               has_value;
    size_t             len;         /* of the whole value */
    uint8_t            value[2];
} chat_extension_param_t;


/* one offer, of whatever extension */

typedef struct {
    chat_extension_t   e;
    unsigned           seen;        /* bits of parameters */
    bool               declined;
} chat_extension_offer_t;


typedef bool (*chat_extension_param_pt)(const chat_extension_param_t *p,
    chat_extension_t *e);


static bool chat_extension_offer(chat_extension_text_t *t,
    chat_extension_offer_t *o);
static bool chat_extension_param(chat_extension_text_t *t,
    chat_extension_param_t *p);
static bool chat_extension_value(chat_extension_text_t *t,
    chat_extension_param_t *p);
static bool chat_extension_quoted(chat_extension_text_t *t,
    chat_extension_param_t *p);
static bool chat_extension_take(chat_extension_param_t *p, uint8_t c);
static void chat_extension_apply(chat_extension_offer_t *o,
    const chat_extension_param_t *p);
static bool chat_extension_no_value(const chat_extension_param_t *p,
    chat_extension_t *e);
static bool chat_extension_server_bits(const chat_extension_param_t *p,
    chat_extension_t *e);
static bool chat_extension_client_bits(const chat_extension_param_t *p,
    chat_extension_t *e);
static uint8_t chat_extension_bits(const chat_extension_param_t *p);
static bool chat_extension_token(chat_extension_text_t *t, chat_str_t *token);
static bool chat_extension_is_token(uint8_t c);
static bool chat_extension_sign(chat_extension_text_t *t, uint8_t sign);
static void chat_extension_space(chat_extension_text_t *t);
static bool chat_extension_is(chat_str_t text, const char *word);


/* RFC 7692, 7.1: what a client may offer, and whether we can do it */

static const struct {
    const char               *name;
    chat_extension_param_pt   read;
} chat_extension_params[] = {
    { "server_no_context_takeover", chat_extension_no_value },
    { "client_no_context_takeover", chat_extension_no_value },
    { "server_max_window_bits", chat_extension_server_bits },
    { "client_max_window_bits", chat_extension_client_bits },
};


chat_rc_e
chat_extension_read(chat_str_t value, chat_extension_t *e)
{
    bool                    any;
    chat_rc_e               rc;
    chat_extension_text_t   t;
    chat_extension_offer_t  o;

    t.pos = value.data;
    t.last = value.data + value.len;
    rc = CHAT_DECLINED;
    any = false;

    do {
        chat_extension_space(&t);

        if (t.pos == t.last || *t.pos == ',') {
            continue;                   /* RFC 9110, 5.6.1.2 */
        }

        if (!chat_extension_offer(&t, &o)) {
            return CHAT_ERROR;
        }

        any = true;

        if (rc == CHAT_DECLINED && !o.declined) {
            *e = o.e;
            rc = CHAT_OK;
        }

    } while (chat_extension_sign(&t, ','));

    return any && t.pos == t.last ? rc : CHAT_ERROR;
}


size_t
chat_extension_answer(const chat_extension_t *e,
    uint8_t answer[CHAT_EXTENSION_MAX_ANSWER])
{
    chat_writer_t  w;

    chat_writer_init(&w, answer, CHAT_EXTENSION_MAX_ANSWER);
    chat_write_cstr(&w, CHAT_EXTENSION_NAME "; server_no_context_takeover; "
                        "client_no_context_takeover");

    if (e->asked_bits) {
        chat_write_cstr(&w, "; server_max_window_bits=");
        chat_write_uint(&w, e->window_bits);
    }

    assert(!w.full);

    return w.len;
}


/* false: it does not follow the grammar */

static bool
chat_extension_offer(chat_extension_text_t *t, chat_extension_offer_t *o)
{
    chat_str_t              name;
    chat_extension_param_t  p;

    if (!chat_extension_token(t, &name)) {
        return false;
    }

    o->e.window_bits = CHAT_EXTENSION_MAX_BITS;
    o->e.asked_bits = false;
    o->seen = 0;
    o->declined = !chat_extension_is(name, CHAT_EXTENSION_NAME);

    while (chat_extension_sign(t, ';')) {

        if (!chat_extension_param(t, &p)) {
            return false;
        }

        chat_extension_apply(o, &p);
    }

    return true;
}


static bool
chat_extension_param(chat_extension_text_t *t, chat_extension_param_t *p)
{
    chat_extension_space(t);

    if (!chat_extension_token(t, &p->name)) {
        return false;
    }

    p->has_value = chat_extension_sign(t, '=');
    p->len = 0;

    if (!p->has_value) {
        return true;
    }

    chat_extension_space(t);

    return chat_extension_value(t, p);
}


static bool
chat_extension_value(chat_extension_text_t *t, chat_extension_param_t *p)
{
    size_t      i;
    chat_str_t  token;

    if (t->pos < t->last && *t->pos == '"') {
        t->pos++;
        return chat_extension_quoted(t, p);
    }

    if (!chat_extension_token(t, &token)) {
        return false;
    }

    for (i = 0; i < token.len; i++) {
        (void) chat_extension_take(p, token.data[i]);   /* it is a token's */
    }

    return true;
}


/* behind the first quote; what a backslash quotes is what follows it */

static bool
chat_extension_quoted(chat_extension_text_t *t, chat_extension_param_t *p)
{
    uint8_t  c;

    while (t->pos < t->last) {
        c = *t->pos++;

        if (c == '"') {
            return p->len > 0;
        }

        if (c == '\\') {

            if (t->pos == t->last) {
                return false;
            }

            c = *t->pos++;
        }

        if (!chat_extension_take(p, c)) {
            return false;
        }
    }

    return false;
}


static bool
chat_extension_take(chat_extension_param_t *p, uint8_t c)
{
    if (!chat_extension_is_token(c)) {
        return false;
    }

    if (p->len < sizeof(p->value)) {
        p->value[p->len] = c;
    }

    p->len++;

    return true;
}


/* RFC 7692, 7.1: what is unknown, wrong or there twice is declined */

static void
chat_extension_apply(chat_extension_offer_t *o,
    const chat_extension_param_t *p)
{
    size_t  i;

    for (i = 0; i < sizeof(chat_extension_params)
                    / sizeof(chat_extension_params[0]); i++)
    {
        if (!chat_extension_is(p->name, chat_extension_params[i].name)) {
            continue;
        }

        if ((o->seen & 1u << i) || !chat_extension_params[i].read(p, &o->e)) {
            o->declined = true;
        }

        o->seen |= 1u << i;
        return;
    }

    o->declined = true;
}


/* we do without context takeover, and ask it of clients, in any case */

static bool
chat_extension_no_value(const chat_extension_param_t *p, chat_extension_t *e)
{
    (void) e;

    return !p->has_value;
}


static bool
chat_extension_server_bits(const chat_extension_param_t *p,
    chat_extension_t *e)
{
    e->window_bits = chat_extension_bits(p);
    e->asked_bits = true;

    return e->window_bits != 0;
}


/* a hint alone: we can read what any window has made */

static bool
chat_extension_client_bits(const chat_extension_param_t *p,
    chat_extension_t *e)
{
    (void) e;

    return !p->has_value || chat_extension_bits(p) != 0;
}


/* 8 to 15 without leading zeros; 0: it is something else */

static uint8_t
chat_extension_bits(const chat_extension_param_t *p)
{
    uint8_t  bits;

    if (p->len == 1 && chat_char_is_digit(p->value[0])) {
        bits = p->value[0] - '0';

    } else if (p->len == 2 && p->value[0] == '1'
               && chat_char_is_digit(p->value[1]))
    {
        bits = 10 + p->value[1] - '0';

    } else {
        return 0;
    }

    return bits >= CHAT_EXTENSION_MIN_BITS && bits <= CHAT_EXTENSION_MAX_BITS
           ? bits : 0;
}


static bool
chat_extension_token(chat_extension_text_t *t, chat_str_t *token)
{
    token->data = t->pos;

    while (t->pos < t->last && chat_extension_is_token(*t->pos)) {
        t->pos++;
    }

    token->len = t->pos - token->data;

    return token->len > 0;
}


/* RFC 9110, 5.6.2 */

static bool
chat_extension_is_token(uint8_t c)
{
    if (chat_char_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
        return true;
    }

    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL;
}


/* takes the sign, and the space before it, if it is what comes next */

static bool
chat_extension_sign(chat_extension_text_t *t, uint8_t sign)
{
    chat_extension_space(t);

    if (t->pos == t->last || *t->pos != sign) {
        return false;
    }

    t->pos++;

    return true;
}


static void
chat_extension_space(chat_extension_text_t *t)
{
    while (t->pos < t->last && (*t->pos == ' ' || *t->pos == '\t')) {
        t->pos++;
    }
}


static bool
chat_extension_is(chat_str_t text, const char *word)
{
    return text.len == strlen(word)
           && memcmp(text.data, word, text.len) == 0;
}
