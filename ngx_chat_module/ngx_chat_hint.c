/*
 * Hints: what a user is told of conversations that a session has not joined.
 *
 * Redis publishes them on the user's channel (redis/user.lua).  A session that
 * has joined the conversation, or is about to, gets from the room what it is
 * to know, and no hint.  A hint comes before the room's own event, so who is
 * put out by that event has still joined when the hint comes.
 *
 * Nothing that matters depends on hints: a node that has too much to do, and a
 * session that is slow, does without, and is not told so.
 */

#include "ngx_chat.h"


#define NGX_CHAT_HINT_HEAD  64          /* of unread.changed, and its end */
#define NGX_CHAT_HINT_LINE  128         /* of each in it, but for the id */


/* how many messages of a conversation are unread */

typedef struct {
    ngx_str_t          id;              /* in the payload, as are those: */
    ngx_str_t          sequence;
    ngx_str_t          unread;
    ngx_chat_room_t   *room;            /* NULL: nobody here has joined it */
} ngx_chat_hint_line_t;


/* what is counted of an event, by its type; the last one is any other */

static const struct {
    ngx_str_t          type;
    ngx_chat_count_e   count;
} ngx_chat_hint_kinds[] = {
    { ngx_string("conversation.created\""), NGX_CHAT_COUNT_HINT_CREATED },
    { ngx_string("conversation.deleted\""), NGX_CHAT_COUNT_HINT_DELETED },
    { ngx_string("member."), NGX_CHAT_COUNT_HINT_MEMBER },
    { ngx_string("notification\""), NGX_CHAT_COUNT_HINT_NOTIFICATION },
    { ngx_null_string, NGX_CHAT_COUNT_HINT_OTHER }
};


static ngx_int_t ngx_chat_hint_event(ngx_chat_user_t *user, ngx_str_t *text);
static ngx_chat_count_e ngx_chat_hint_count(ngx_str_t *event);
static ngx_int_t ngx_chat_hint_unread(ngx_chat_user_t *user, ngx_str_t *text);
static ngx_int_t ngx_chat_hint_lines(ngx_chat_node_t *node, ngx_str_t *text,
    ngx_chat_hint_line_t *lines, ngx_uint_t n);
static ngx_int_t ngx_chat_hint_line(ngx_chat_node_t *node, ngx_str_t *text,
    ngx_chat_hint_line_t *line);
static ngx_int_t ngx_chat_hint_word(ngx_str_t *text, u_char end,
    ngx_str_t *word);
static void ngx_chat_hint_tell_unread(ngx_chat_user_t *user,
    ngx_chat_hint_line_t *lines, ngx_uint_t n, size_t size);
static ngx_uint_t ngx_chat_hint_new(ngx_chat_session_t *s,
    ngx_chat_hint_line_t *lines, ngx_uint_t n);
static ngx_chat_buffer_t *ngx_chat_hint_write(ngx_chat_session_t *s,
    ngx_chat_hint_line_t *lines, ngx_uint_t n, size_t size);
static ngx_uint_t ngx_chat_hint_has_joined(ngx_chat_session_t *s,
    ngx_chat_room_t *room);
static ngx_uint_t ngx_chat_hint_is_shed(ngx_chat_user_t *user);
static void ngx_chat_hint_tell(ngx_chat_session_t *s, ngx_chat_buffer_t *b,
    ngx_chat_count_e count);


/*
 * "event <base> <event>", the base being "-" if all are to know;
 * "unread\n<base> <sequence> <unread>\n..."
 */

ngx_int_t
ngx_chat_hint_on_message(ngx_chat_user_t *user, ngx_str_t *payload)
{
    ngx_str_t  text;

    if (payload->len > 6 && ngx_strncmp(payload->data, "event ", 6) == 0) {
        text.data = payload->data + 6;
        text.len = payload->len - 6;
        return ngx_chat_hint_event(user, &text);
    }

    if (payload->len > 7 && ngx_strncmp(payload->data, "unread\n", 7) == 0) {
        text.data = payload->data + 7;
        text.len = payload->len - 7;
        return ngx_chat_hint_unread(user, &text);
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_chat_hint_event(ngx_chat_user_t *user, ngx_str_t *text)
{
    ngx_str_t            base, event;
    ngx_queue_t         *q;
    ngx_chat_room_t     *room;
    ngx_chat_count_e     count;
    ngx_chat_buffer_t   *b;
    ngx_chat_session_t  *s;

    event = *text;

    if (ngx_chat_hint_word(&event, ' ', &base) != NGX_OK || event.len == 0) {
        return NGX_DECLINED;
    }

    if (ngx_chat_hint_is_shed(user)) {
        return NGX_OK;
    }

    b = ngx_chat_buffer_copy(CHAT_FRAME_TEXT, event.data, event.len);
    if (b == NULL) {
        return NGX_OK;
    }

    room = ngx_chat_room_find(user->owner, &base);
    count = ngx_chat_hint_count(&event);

    for (q = ngx_queue_head(&user->sessions);
         q != ngx_queue_sentinel(&user->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_chat_session_t, user_queue);

        if (!ngx_chat_hint_has_joined(s, room)) {
            ngx_chat_hint_tell(s, b, count);
        }
    }

    ngx_chat_buffer_unref(b);

    return NGX_OK;
}


static ngx_chat_count_e
ngx_chat_hint_count(ngx_str_t *event)
{
    size_t      left;
    u_char     *type;
    ngx_uint_t  i;

    type = event->data + sizeof("{\"type\":\"") - 1;
    left = event->len - ngx_min(event->len, sizeof("{\"type\":\"") - 1);

    for (i = 0; ngx_chat_hint_kinds[i].type.len > 0; i++) {
        if (left > ngx_chat_hint_kinds[i].type.len
            && ngx_strncmp(type, ngx_chat_hint_kinds[i].type.data,
                           ngx_chat_hint_kinds[i].type.len)
               == 0)
        {
            break;
        }
    }

    return ngx_chat_hint_kinds[i].count;
}


/* Unread */


static ngx_int_t
ngx_chat_hint_unread(ngx_chat_user_t *user, ngx_str_t *text)
{
    size_t                 i;
    ngx_int_t              rc;
    ngx_uint_t             n;
    ngx_chat_node_t       *node = user->owner;
    ngx_chat_hint_line_t  *lines;

    if (ngx_chat_hint_is_shed(user)) {
        return NGX_OK;
    }

    n = 0;

    for (i = 0; i < text->len; i++) {
        n += text->data[i] == '\n';
    }

    lines = ngx_alloc((n + 1) * sizeof(ngx_chat_hint_line_t), node->log);
    if (lines == NULL) {
        return NGX_OK;
    }

    rc = ngx_chat_hint_lines(node, text, lines, n);

    if (rc == NGX_OK) {
        ngx_chat_hint_tell_unread(user, lines, n, text->len);
    }

    ngx_free(lines);

    return rc;
}


static ngx_int_t
ngx_chat_hint_lines(ngx_chat_node_t *node, ngx_str_t *text,
    ngx_chat_hint_line_t *lines, ngx_uint_t n)
{
    ngx_str_t   left = *text;
    ngx_uint_t  i;

    for (i = 0; i < n; i++) {
        if (ngx_chat_hint_line(node, &left, &lines[i]) != NGX_OK) {
            return NGX_DECLINED;
        }
    }

    return left.len == 0 ? NGX_OK : NGX_DECLINED;
}


/* "<base> <sequence> <unread>\n" */

static ngx_int_t
ngx_chat_hint_line(ngx_chat_node_t *node, ngx_str_t *text,
    ngx_chat_hint_line_t *line)
{
    u_char     *p;
    ngx_str_t   base;

    if (ngx_chat_hint_word(text, ' ', &base) != NGX_OK
        || ngx_chat_hint_word(text, ' ', &line->sequence) != NGX_OK
        || ngx_chat_hint_word(text, '\n', &line->unread) != NGX_OK
        || ngx_atoof(line->sequence.data, line->sequence.len) == NGX_ERROR
        || ngx_atoof(line->unread.data, line->unread.len) == NGX_ERROR)
    {
        return NGX_DECLINED;
    }

    p = ngx_strlchr(base.data, base.data + base.len, '/');  /* tenant/id */

    if (p == NULL) {
        return NGX_DECLINED;
    }

    line->id.data = p + 1;
    line->id.len = base.data + base.len - line->id.data;
    line->room = ngx_chat_room_find(node, &base);

    return NGX_OK;
}


/* up to the next end, which is taken, too */

static ngx_int_t
ngx_chat_hint_word(ngx_str_t *text, u_char end, ngx_str_t *word)
{
    u_char  *p;

    p = ngx_strlchr(text->data, text->data + text->len, end);

    if (p == NULL || p == text->data) {
        return NGX_DECLINED;
    }

    word->data = text->data;
    word->len = p - text->data;

    text->data = p + 1;
    text->len -= word->len + 1;

    return NGX_OK;
}


/* sessions to which all of it is new share one frame */

static void
ngx_chat_hint_tell_unread(ngx_chat_user_t *user, ngx_chat_hint_line_t *lines,
    ngx_uint_t n, size_t size)
{
    ngx_uint_t           new;
    ngx_queue_t         *q;
    ngx_chat_buffer_t   *all, *b;
    ngx_chat_session_t  *s;

    all = NULL;
    size += NGX_CHAT_HINT_HEAD + n * NGX_CHAT_HINT_LINE;

    for (q = ngx_queue_head(&user->sessions);
         q != ngx_queue_sentinel(&user->sessions);
         q = ngx_queue_next(q))
    {
        s = ngx_queue_data(q, ngx_chat_session_t, user_queue);
        new = ngx_chat_hint_new(s, lines, n);

        if (new == 0) {
            continue;
        }

        if (new < n) {
            b = ngx_chat_hint_write(s, lines, n, size);

        } else {
            if (all == NULL) {
                all = ngx_chat_hint_write(s, lines, n, size);
            }

            b = all;
        }

        if (b == NULL) {
            break;
        }

        ngx_chat_hint_tell(s, b, NGX_CHAT_COUNT_HINT_UNREAD);

        if (b != all) {
            ngx_chat_buffer_unref(b);
        }
    }

    ngx_chat_buffer_unref(all);
}


/* how many of them the session is told */

static ngx_uint_t
ngx_chat_hint_new(ngx_chat_session_t *s, ngx_chat_hint_line_t *lines,
    ngx_uint_t n)
{
    ngx_uint_t  i, new;

    new = n;

    for (i = 0; i < n && s->njoins > 0; i++) {
        new -= ngx_chat_hint_has_joined(s, lines[i].room);
    }

    return new;
}


static ngx_chat_buffer_t *
ngx_chat_hint_write(ngx_chat_session_t *s, ngx_chat_hint_line_t *lines,
    ngx_uint_t n, size_t size)
{
    ngx_uint_t          i;
    const char         *comma = "";
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_create(size);
    if (b == NULL) {
        return NULL;
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_write_cstr(&w, "{\"type\":\"unread.changed\",\"data\":"
                        "{\"conversations\":[");

    for (i = 0; i < n; i++) {

        if (ngx_chat_hint_has_joined(s, lines[i].room)) {
            continue;
        }

        chat_write_cstr(&w, comma);
        chat_write_cstr(&w, "{\"conversationId\":");
        chat_write_string(&w, ngx_chat_str(&lines[i].id));
        chat_write_cstr(&w, ",\"sequenceNumber\":");
        chat_write(&w, ngx_chat_str(&lines[i].sequence));
        chat_write_cstr(&w, ",\"unread\":");
        chat_write(&w, ngx_chat_str(&lines[i].unread));
        chat_write_cstr(&w, "}");

        comma = ",";
    }

    chat_write_cstr(&w, "]}}");

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);

    return b;
}


/* Sessions */


/* through whichever list is the shorter one */

static ngx_uint_t
ngx_chat_hint_has_joined(ngx_chat_session_t *s, ngx_chat_room_t *room)
{
    ngx_queue_t      *q;
    ngx_chat_join_t  *join;

    if (room == NULL || s->njoins == 0) {
        return 0;
    }

    if (s->njoins <= room->njoins) {
        return ngx_chat_join_find(s, &room->node.str) != NULL;
    }

    for (q = ngx_queue_head(&room->joins);
         q != ngx_queue_sentinel(&room->joins);
         q = ngx_queue_next(q))
    {
        join = ngx_queue_data(q, ngx_chat_join_t, room_queue);

        if (join->session == s) {
            return 1;
        }
    }

    return 0;
}


/* hints go with presence when there is too much to do */

static ngx_uint_t
ngx_chat_hint_is_shed(ngx_chat_user_t *user)
{
    if (user->owner->load.level < NGX_CHAT_OVERLOAD_PRESENCE) {
        return 0;
    }

    ngx_chat_count_add(user->owner, NGX_CHAT_COUNT_SHED_HINT,
                       user->nsessions);

    return 1;
}


static void
ngx_chat_hint_tell(ngx_chat_session_t *s, ngx_chat_buffer_t *b,
    ngx_chat_count_e count)
{
    if (ngx_chat_shed_is_slow(s)) {
        ngx_chat_count(s->node, NGX_CHAT_COUNT_SHED_HINT);
        return;
    }

    s->node->inbox.told++;
    ngx_chat_write_queue(s, b);
    ngx_chat_count(s->node, count);
}
