/*
 * What an operator asks of the sessions of a node: which there are, and to
 * close some ("chatctl sessions", "chatctl kick").  Asked on "chat:nodes" with
 *
 *   sessions <token> <limit> [<tenant>/[<user>]]
 *   kick <token> user <tenant>/<user> <reason>
 *   kick <token> session <id> <reason>
 *
 * the reason being perhaps empty; each node answers on "chat:sessions:<token>",
 * in one part or several:
 *
 *   node <id> pid <pid> host <name> part <i> <more|end|cut|busy> kicked <n>
 *   <session> <tenant>/<user> <since> <idle> <joins> <tls|plain> <address>
 *   ...
 *
 * since in ms of 1970, idle in ms.  more: another part follows; cut: there are
 * sessions beyond the limit; busy: it answers somebody else, ask again.
 *
 * A user is looked up, all are walked in the order of their tree, some in a
 * turn of the loop: those who come and go meanwhile do no harm.  So it is with
 * the sessions of a user.  Each that was looked at has the number of the
 * question and goes to the end, where new ones come too:
 *
 *      user->sessions: | not looked at ... | looked at, or new ... |
 */

#include "ngx_chat.h"


#define NGX_CHAT_SESSIONS_CHANNEL  "chat:sessions:"
#define NGX_CHAT_SESSIONS_LOOKS    1000     /* users and sessions, in a turn */
#define NGX_CHAT_SESSIONS_PART     500      /* told or closed in a turn */
#define NGX_CHAT_SESSIONS_LIMIT    1000000
#define NGX_CHAT_SESSIONS_ADDRESS  128
#define NGX_CHAT_SESSIONS_HEAD     (512 + NGX_MAXHOSTNAMELEN)
#define NGX_CHAT_SESSIONS_LINE     (CHAT_ID_LEN + CHAT_NAME_MAX_QUALIFIED     \
                                    + 3 * NGX_INT64_LEN                       \
                                    + NGX_CHAT_SESSIONS_ADDRESS + 16)


/* what is done in a turn; the lines lie behind room for the head */

typedef struct {
    u_char      *text;
    u_char      *pos;
    ngx_uint_t   n;                     /* lines */
    ngx_uint_t   kicked;
} ngx_chat_sessions_part_t;


static ngx_int_t ngx_chat_sessions_begin(ngx_chat_node_t *node,
    ngx_str_t *text);
static void ngx_chat_sessions_user(ngx_chat_node_t *node, ngx_str_t *name);
static void ngx_chat_sessions_on_timer(ngx_event_t *ev);
static const char *ngx_chat_sessions_turn(ngx_chat_node_t *node,
    ngx_chat_sessions_part_t *part);
static ngx_chat_user_t *ngx_chat_sessions_next(ngx_chat_node_t *node);
static ngx_chat_session_t *ngx_chat_sessions_of(ngx_chat_sessions_t *ss,
    ngx_chat_user_t *user);
static void ngx_chat_sessions_look(ngx_chat_sessions_t *ss,
    ngx_chat_session_t *s, ngx_chat_sessions_part_t *part);
static void ngx_chat_sessions_close(ngx_chat_sessions_t *ss,
    ngx_chat_session_t *s);
static void ngx_chat_sessions_tell(ngx_chat_session_t *s,
    ngx_chat_sessions_part_t *part);
static ngx_int_t ngx_chat_sessions_part(ngx_chat_node_t *node,
    ngx_chat_sessions_part_t *part);
static ngx_int_t ngx_chat_sessions_send(ngx_chat_node_t *node,
    ngx_str_t *token, ngx_chat_sessions_part_t *part, const char *state);
static void ngx_chat_sessions_on_sent(void *data, redisReply *reply);
static ngx_str_t ngx_chat_sessions_word(ngx_str_t *text);
static ngx_uint_t ngx_chat_sessions_is(ngx_str_t *word, const char *text);


void
ngx_chat_sessions_init(ngx_chat_node_t *node)
{
    ngx_event_t  *ev = &node->asked.timer;

    ev->handler = ngx_chat_sessions_on_timer;
    ev->data = node;
    ev->log = node->log;
    ev->cancelable = 1;
}


void
ngx_chat_sessions_done(ngx_chat_node_t *node)
{
    if (node->asked.timer.timer_set) {
        ngx_del_timer(&node->asked.timer);
    }
}


void
ngx_chat_sessions_list(ngx_chat_node_t *node, ngx_str_t *text)
{
    ngx_int_t             limit;
    ngx_str_t             word;
    ngx_chat_sessions_t  *ss = &node->asked;

    if (ngx_chat_sessions_begin(node, text) != NGX_OK) {
        return;
    }

    word = ngx_chat_sessions_word(text);
    limit = ngx_atoi(word.data, word.len);
    word = ngx_chat_sessions_word(text);

    if (limit < 1 || limit > NGX_CHAT_SESSIONS_LIMIT) {
        ngx_log_error(NGX_LOG_INFO, node->log, 0,
                      "chat: sessions were asked for without a limit");
        return;
    }

    ss->limit = limit;
    ss->kick = 0;
    ss->by_id = 0;

    if (word.len > 0 && word.data[word.len - 1] != '/') {
        ngx_chat_sessions_user(node, &word);
        return;
    }

    ss->one = 0;
    ss->tenant.len = ngx_min(word.len, sizeof(ss->tenant_buf));
    ngx_memcpy(ss->tenant_buf, word.data, ss->tenant.len);

    ngx_chat_sessions_on_timer(&ss->timer);
}


void
ngx_chat_sessions_kick(ngx_chat_node_t *node, ngx_str_t *text)
{
    u_char               *p;
    ngx_str_t             kind, which;
    ngx_chat_sessions_t  *ss = &node->asked;

    if (ngx_chat_sessions_begin(node, text) != NGX_OK) {
        return;
    }

    kind = ngx_chat_sessions_word(text);
    which = ngx_chat_sessions_word(text);

    p = ngx_snprintf(ss->reason, NGX_CHAT_SESSIONS_REASON,
                     text->len > 0 ? "kicked: %V" : "kicked", text);
    *p = '\0';

    ss->limit = NGX_CHAT_SESSIONS_LIMIT;
    ss->kick = 1;
    ss->by_id = ngx_chat_sessions_is(&kind, "session");

    if (!ss->by_id) {
        ngx_chat_sessions_user(node, &which);
        return;
    }

    if (which.len != CHAT_ID_LEN) {
        ngx_log_error(NGX_LOG_INFO, node->log, 0,
                      "chat: what is to be closed is no session");
        return;
    }

    ss->one = 0;
    ngx_memcpy(ss->id, which.data, CHAT_ID_LEN);

    ngx_chat_sessions_on_timer(&ss->timer);
}


/* the token, which opens the text; not OK: there is nothing to be done */

static ngx_int_t
ngx_chat_sessions_begin(ngx_chat_node_t *node, ngx_str_t *text)
{
    ngx_str_t                  token;
    ngx_chat_sessions_t       *ss = &node->asked;
    ngx_chat_sessions_part_t   part;

    token = ngx_chat_sessions_word(text);

    if (!ngx_chat_report_is_token(&token)) {
        ngx_log_error(NGX_LOG_INFO, node->log, 0,
                      "chat: sessions were asked for with a bad token");
        return NGX_ERROR;
    }

    if (ss->timer.timer_set) {

        if (ngx_chat_sessions_part(node, &part) == NGX_OK) {
            (void) ngx_chat_sessions_send(node, &token, &part, "busy");
        }

        return NGX_DECLINED;
    }

    ss->token.data = ss->token_buf;
    ss->token.len = token.len;
    ngx_memcpy(ss->token_buf, token.data, token.len);
    ss->told = 0;
    ss->part = 0;
    ss->number++;
    ss->tenant.data = ss->tenant_buf;
    ss->tenant.len = 0;
    ss->last.data = ss->last_buf;
    ss->last.len = 0;
    ss->last_key = 0;

    return NGX_OK;
}


static void
ngx_chat_sessions_user(ngx_chat_node_t *node, ngx_str_t *name)
{
    ngx_chat_sessions_t  *ss = &node->asked;

    ss->one = 1;

    if (name->len <= sizeof(ss->last_buf)) {
        ss->last.len = name->len;
        ngx_memcpy(ss->last_buf, name->data, name->len);
    }

    ngx_chat_sessions_on_timer(&ss->timer);
}


/* Walks */


/* a part that cannot be sent ends it: whoever asked may ask again */

static void
ngx_chat_sessions_on_timer(ngx_event_t *ev)
{
    const char                *state;
    ngx_chat_node_t           *node = ev->data;
    ngx_chat_sessions_t       *ss = &node->asked;
    ngx_chat_sessions_part_t   part;

    if (ngx_chat_sessions_part(node, &part) != NGX_OK) {
        return;
    }

    state = ngx_chat_sessions_turn(node, &part);

    if (ngx_chat_sessions_send(node, &ss->token, &part, state) == NGX_OK
        && state[0] == 'm')
    {
        ngx_add_timer(ev, 1);
    }
}


/* With its last session a user may go. */

static const char *
ngx_chat_sessions_turn(ngx_chat_node_t *node, ngx_chat_sessions_part_t *part)
{
    ngx_uint_t            i;
    ngx_chat_user_t      *user;
    ngx_chat_session_t   *s;
    ngx_chat_sessions_t  *ss = &node->asked;

    user = ss->last.len > 0 ? ngx_chat_user_find(node, &ss->last) : NULL;

    for (i = 0; i < NGX_CHAT_SESSIONS_LOOKS; i++) {
        s = user != NULL ? ngx_chat_sessions_of(ss, user) : NULL;

        if (s == NULL) {
            user = ngx_chat_sessions_next(node);

            if (user == NULL) {
                return "end";
            }

            continue;
        }

        if (ss->told == ss->limit) {
            return "cut";
        }

        if (part->n + part->kicked == NGX_CHAT_SESSIONS_PART) {
            break;
        }

        ngx_chat_sessions_look(ss, s, part);

        if (part->kicked > 0) {

            if (ss->by_id) {
                return "end";
            }

            user = ngx_chat_user_find(node, &ss->last);
        }
    }

    return "more";
}


static ngx_chat_user_t *
ngx_chat_sessions_next(ngx_chat_node_t *node)
{
    ngx_str_t            *name;
    ngx_chat_user_t      *user;
    ngx_chat_sessions_t  *ss = &node->asked;

    if (ss->one) {
        return NULL;
    }

    user = (ngx_chat_user_t *) ngx_chat_report_next(&node->users.tree,
                                                    ss->last_key, &ss->last);
    if (user == NULL) {
        return NULL;
    }

    name = &user->node.str;
    ss->last_key = user->node.node.key;
    ss->last.len = name->len;
    ngx_memcpy(ss->last_buf, name->data, name->len);

    return user;
}


/* the next one of a user; NULL: there are no more, or the user is none of
   those that were asked for */

static ngx_chat_session_t *
ngx_chat_sessions_of(ngx_chat_sessions_t *ss, ngx_chat_user_t *user)
{
    ngx_str_t           *name = &user->node.str;
    ngx_queue_t         *q;
    ngx_chat_session_t  *s;

    if (ngx_queue_empty(&user->sessions)
        || name->len <= ss->tenant.len
        || ngx_memcmp(name->data, ss->tenant.data, ss->tenant.len) != 0)
    {
        return NULL;
    }

    q = ngx_queue_head(&user->sessions);
    s = ngx_queue_data(q, ngx_chat_session_t, user_queue);

    return s->asked != ss->number ? s : NULL;
}


static void
ngx_chat_sessions_look(ngx_chat_sessions_t *ss, ngx_chat_session_t *s,
    ngx_chat_sessions_part_t *part)
{
    s->asked = ss->number;
    ngx_queue_remove(&s->user_queue);
    ngx_queue_insert_tail(&s->user->sessions, &s->user_queue);

    if (ss->by_id && ngx_memcmp(s->id, ss->id, CHAT_ID_LEN) != 0) {
        return;
    }

    if (ss->kick) {
        ngx_chat_sessions_close(ss, s);
        part->kicked++;

    } else {
        ngx_chat_sessions_tell(s, part);
        ss->told++;
    }
}


static void
ngx_chat_sessions_close(ngx_chat_sessions_t *ss, ngx_chat_session_t *s)
{
    ngx_chat_count(s->node, NGX_CHAT_COUNT_KICKED);
    ngx_chat_session_close(s, NGX_CHAT_CLOSE_REVOKED, (char *) ss->reason);

    s->reason = "kicked";               /* it keeps that, and not the text */
}


static void
ngx_chat_sessions_tell(ngx_chat_session_t *s, ngx_chat_sessions_part_t *part)
{
    ngx_str_t  address = s->addr_text;

    address.len = ngx_min(address.len, NGX_CHAT_SESSIONS_ADDRESS);

    part->pos = ngx_sprintf(part->pos, "%*s %V %uL %M %uD %s %V\n",
                            (size_t) CHAT_ID_LEN, s->id, &s->user->node.str,
                            ngx_chat_now() - (ngx_current_msec - s->opened),
                            ngx_current_msec - s->acted, s->njoins,
                            s->connection->ssl ? "tls" : "plain", &address);
    part->n++;
}


/* Answers */


static ngx_int_t
ngx_chat_sessions_part(ngx_chat_node_t *node, ngx_chat_sessions_part_t *part)
{
    ngx_memzero(part, sizeof(ngx_chat_sessions_part_t));

    part->text = ngx_alloc(NGX_CHAT_SESSIONS_HEAD
                           + NGX_CHAT_SESSIONS_PART * NGX_CHAT_SESSIONS_LINE,
                           node->log);
    if (part->text == NULL) {
        return NGX_ERROR;
    }

    part->pos = part->text + NGX_CHAT_SESSIONS_HEAD;

    return NGX_OK;
}


/* frees the part */

static ngx_int_t
ngx_chat_sessions_send(ngx_chat_node_t *node, ngx_str_t *token,
    ngx_chat_sessions_part_t *part, const char *state)
{
    u_char            channel[sizeof(NGX_CHAT_SESSIONS_CHANNEL)
                              + NGX_CHAT_REPORT_TOKEN];
    u_char            head[NGX_CHAT_SESSIONS_HEAD], *p;
    size_t            len;
    ngx_int_t         rc;
    ngx_chat_call_t   call;

    len = ngx_sprintf(head, "node %V pid %P host %V part %ui %s kicked %ui\n",
                      &node->id, ngx_pid, &node->cycle->hostname,
                      node->asked.part++, state, part->kicked)
          - head;
    p = part->text + NGX_CHAT_SESSIONS_HEAD - len;
    ngx_memcpy(p, head, len);

    call.n = 0;
    ngx_chat_call_add_cstr(&call, "PUBLISH");
    ngx_chat_call_add(&call, channel,
                      ngx_sprintf(channel, NGX_CHAT_SESSIONS_CHANNEL "%V",
                                  token) - channel);
    ngx_chat_call_add(&call, p, part->pos - p);

    rc = ngx_chat_call_send(&call, node, ngx_chat_sessions_on_sent, node);
    ngx_free(part->text);

    return rc;
}


static void
ngx_chat_sessions_on_sent(void *data, redisReply *reply)
{
    ngx_chat_node_t  *node = data;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_WARN, node->log, 0,
                      "chat: redis refused a list of sessions: \"%s\"",
                      reply->str);
    }
}


/* the next word of a text, which goes on behind it; empty: there is none */

static ngx_str_t
ngx_chat_sessions_word(ngx_str_t *text)
{
    u_char     *end;
    ngx_str_t   word = *text;

    end = ngx_strlchr(text->data, text->data + text->len, ' ');

    if (end != NULL) {
        word.len = end - text->data;
        end++;

    } else {
        end = text->data + text->len;
    }

    text->len -= end - text->data;
    text->data = end;

    return word;
}


static ngx_uint_t
ngx_chat_sessions_is(ngx_str_t *word, const char *text)
{
    return word->len == ngx_strlen(text)
           && ngx_strncmp(word->data, text, word->len) == 0;
}
