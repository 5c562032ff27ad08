/*
 * Users who are watched, and who is told of them.
 *
 * Of each user that somebody on this node wants to know of, the node holds what
 * is seen: read once, and kept by what Redis publishes, see
 * ngx_chat_watch_hear.c.  A change is noted at once and told when the turn
 * ends, so that of several the last one is told; watchers may be many, so
 * they are told in slices, and the cursor is where the walk has got to:
 *
 *      u->watchers: | told ... | cursor | to be told ... |
 */

#include "ngx_chat.h"


#define NGX_CHAT_WATCH_TURN  16384      /* watchers that are told in a turn */


static ngx_chat_watched_t *ngx_chat_watch_create(ngx_chat_node_t *node,
    ngx_str_t *qualified);
static void ngx_chat_watch_free(ngx_chat_watched_t *u);
static void ngx_chat_watch_change(ngx_chat_watched_t *u);
static void ngx_chat_watch_on_event(ngx_event_t *ev);
static ngx_uint_t ngx_chat_watch_tell(ngx_chat_watched_t *u, ngx_uint_t max);
static void ngx_chat_watch_told(ngx_chat_watched_t *u);


void
ngx_chat_watch_init(ngx_chat_node_t *node)
{
    ngx_chat_watch_t  *watch = &node->watch;

    ngx_rbtree_init(&watch->users, &watch->sentinel,
                    ngx_str_rbtree_insert_value);
    ngx_queue_init(&watch->changed);

    watch->event.handler = ngx_chat_watch_on_event;
    watch->event.data = node;
    watch->event.log = node->log;

    ngx_chat_watch_read_init(node);
}


/* sessions and links are gone: nobody watches, no answer is to come */

void
ngx_chat_watch_done(ngx_chat_node_t *node)
{
    ngx_chat_watch_t  *watch = &node->watch;

    ngx_chat_watch_read_done(node);

    if (watch->event.posted) {
        ngx_delete_posted_event(&watch->event);
    }

    while (watch->users.root != watch->users.sentinel) {
        ngx_chat_watch_free((ngx_chat_watched_t *) watch->users.root);
    }
}


ngx_int_t
ngx_chat_watch_add(ngx_chat_watcher_t *w, ngx_chat_node_t *node,
    ngx_str_t *qualified)
{
    ngx_chat_watched_t  *u;

    u = ngx_chat_watch_find(node, qualified);

    if (u == NULL) {
        u = ngx_chat_watch_create(node, qualified);
        if (u == NULL) {
            return NGX_ERROR;
        }
    }

    w->watched = u;
    w->version = u->version;
    w->status = u->presence.status;

    ngx_queue_insert_tail(&u->watchers, &w->queue);
    u->nwatchers++;
    ngx_chat_count(node, NGX_CHAT_COUNT_WATCHERS);

    return NGX_OK;
}


void
ngx_chat_watch_remove(ngx_chat_watcher_t *w)
{
    ngx_chat_watched_t  *u = w->watched;

    if (u == NULL) {
        return;
    }

    w->watched = NULL;
    ngx_queue_remove(&w->queue);
    u->nwatchers--;
    ngx_chat_count_add(u->owner, NGX_CHAT_COUNT_WATCHERS, -1);

    ngx_chat_watch_release(u);
}


ngx_chat_watched_t *
ngx_chat_watch_find(ngx_chat_node_t *node, ngx_str_t *qualified)
{
    return (ngx_chat_watched_t *)
               ngx_str_rbtree_lookup(&node->watch.users, qualified,
                                     ngx_crc32_short(qualified->data,
                                                     qualified->len));
}


static ngx_chat_watched_t *
ngx_chat_watch_create(ngx_chat_node_t *node, ngx_str_t *qualified)
{
    ngx_chat_watched_t  *u;

    u = ngx_calloc(sizeof(ngx_chat_watched_t) + qualified->len, node->log);
    if (u == NULL) {
        return NULL;
    }

    ngx_memcpy(u->name, qualified->data, qualified->len);

    u->owner = node;
    u->node.str.data = u->name;
    u->node.str.len = qualified->len;
    u->node.node.key = ngx_crc32_short(u->name, qualified->len);
    u->presence.status = NGX_CHAT_PRESENCE_UNKNOWN;
    u->partition = chat_name_partition_qualified(ngx_chat_str(qualified),
                                                 node->conf->partitions);

    ngx_queue_init(&u->watchers);

    ngx_rbtree_insert(&node->watch.users, &u->node.node);
    ngx_queue_insert_tail(&node->watch.parts[u->partition].users, &u->peers);
    ngx_chat_count(node, NGX_CHAT_COUNT_WATCHED);

    ngx_chat_watch_read(u);

    return u;
}


/* not during a walk of its watchers: the cursor is among them */

void
ngx_chat_watch_release(ngx_chat_watched_t *u)
{
    if (u->reading || !ngx_queue_empty(&u->watchers)) {
        return;
    }

    ngx_chat_watch_free(u);
}


static void
ngx_chat_watch_free(ngx_chat_watched_t *u)
{
    if (u->changed) {
        ngx_chat_watch_told(u);
    }

    if (u->asking || u->unloaded) {
        ngx_queue_remove(&u->ask);
    }

    if (u->presence.text.data != NULL) {
        ngx_free(u->presence.text.data);
    }

    ngx_queue_remove(&u->peers);
    ngx_rbtree_delete(&u->owner->watch.users, &u->node.node);
    ngx_chat_count_add(u->owner, NGX_CHAT_COUNT_WATCHED, -1);
    ngx_free(u);
}


ngx_uint_t
ngx_chat_watch_is_closed(ngx_chat_watched_t *u)
{
    return u->presence.status == NGX_CHAT_PRESENCE_UNKNOWN
           && (u->owner->watch.parts[u->partition].closed
               || !u->owner->command.up || !u->owner->subscriber.up);
}


/* what follows the slash: neither part can hold one */

ngx_str_t
ngx_chat_watch_user(ngx_chat_watched_t *u)
{
    u_char  *p, *last;

    last = u->name + u->node.str.len;
    p = ngx_strlchr(u->name, last, '/');

    p = p != NULL ? p + 1 : u->name;

    return (ngx_str_t) { last - p, p };
}


/* What is seen */


/* the text is copied; if there is no memory for it, it is not told */

void
ngx_chat_watch_set(ngx_chat_watched_t *u, const ngx_chat_presence_t *p,
    uint64_t n)
{
    u_char               *data;
    ngx_chat_presence_t  *seen = &u->presence;

    u->n = n;

    if (seen->status == p->status && seen->last_seen == p->last_seen
        && seen->text.len == p->text.len
        && (p->text.len == 0
            || ngx_memcmp(seen->text.data, p->text.data, p->text.len) == 0))
    {
        return;
    }

    data = NULL;

    if (p->text.len > 0) {
        data = ngx_alloc(p->text.len, u->owner->log);
    }

    if (seen->text.data != NULL) {
        ngx_free(seen->text.data);
    }

    *seen = *p;
    seen->text.data = data;

    if (data == NULL) {
        seen->text.len = 0;

    } else {
        ngx_memcpy(data, p->text.data, p->text.len);
    }

    u->version++;
    ngx_chat_watch_change(u);
}


static void
ngx_chat_watch_change(ngx_chat_watched_t *u)
{
    ngx_chat_watch_t  *watch = &u->owner->watch;

    ngx_chat_buffer_unref(u->event);
    u->event = NULL;

    if (u->changed) {
        ngx_queue_remove(&u->cursor);   /* from the start */

    } else {
        u->changed = 1;
        ngx_queue_insert_tail(&watch->changed, &u->change);
    }

    ngx_queue_insert_head(&u->watchers, &u->cursor);

    if (!watch->event.posted) {
        ngx_post_event(&watch->event, &ngx_posted_events);
    }
}


static void
ngx_chat_watch_on_event(ngx_event_t *ev)
{
    ngx_uint_t           n;
    ngx_chat_node_t     *node = ev->data;
    ngx_chat_watch_t    *watch = &node->watch;
    ngx_chat_watched_t  *u;

    n = 0;

    while (!ngx_queue_empty(&watch->changed)) {

        if (n >= NGX_CHAT_WATCH_TURN) {
            ngx_post_event(ev, &ngx_posted_next_events);
            return;
        }

        u = ngx_queue_data(ngx_queue_head(&watch->changed),
                           ngx_chat_watched_t, change);
        n += ngx_chat_watch_tell(u, NGX_CHAT_WATCH_TURN - n);
    }
}


/* returns how many were told, and one more; u may be freed */

static ngx_uint_t
ngx_chat_watch_tell(ngx_chat_watched_t *u, ngx_uint_t max)
{
    u_char               old;
    ngx_uint_t           n;
    ngx_queue_t         *q;
    ngx_chat_watcher_t  *w;

    for (n = 0; n < max; n++) {
        q = ngx_queue_next(&u->cursor);

        if (q == ngx_queue_sentinel(&u->watchers)) {
            ngx_chat_watch_told(u);
            ngx_chat_watch_release(u);
            return n + 1;
        }

        ngx_queue_remove(&u->cursor);
        ngx_queue_insert_after(q, &u->cursor);

        w = ngx_queue_data(q, ngx_chat_watcher_t, queue);

        if (w->version == u->version) {
            continue;                   /* it began to watch after the change */
        }

        old = w->status;
        w->status = u->presence.status;
        w->version = u->version;

        w->handler(w, old);
    }

    return n;
}


static void
ngx_chat_watch_told(ngx_chat_watched_t *u)
{
    u->changed = 0;
    ngx_queue_remove(&u->cursor);
    ngx_queue_remove(&u->change);

    ngx_chat_buffer_unref(u->event);
    u->event = NULL;
}


ngx_chat_buffer_t *
ngx_chat_watch_event(ngx_chat_watched_t *u)
{
    ngx_str_t           user;
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    if (u->event != NULL) {
        ngx_chat_buffer_ref(u->event);
        return u->event;
    }

    b = ngx_chat_buffer_create(NGX_CHAT_WATCH_STATE + u->presence.text.len);
    if (b == NULL) {
        return NULL;
    }

    user = ngx_chat_watch_user(u);

    chat_writer_init(&w, b->payload, b->size);
    ngx_chat_watch_write_event(&w, &user, &u->presence);
    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);

    if (u->changed) {                   /* others will want it */
        ngx_chat_buffer_ref(b);
        u->event = b;
    }

    return b;
}


void
ngx_chat_watch_write_event(chat_writer_t *w, ngx_str_t *user,
    const ngx_chat_presence_t *p)
{
    chat_write_cstr(w, "{\"type\":\"presence.changed\",\"data\":");
    ngx_chat_watch_write(w, user, p);
    chat_event_end(w);
}


void
ngx_chat_watch_write(chat_writer_t *w, ngx_str_t *user,
    const ngx_chat_presence_t *p)
{
    chat_presence_e  status;

    if (chat_presence_read(&status, p->status) != CHAT_OK) {
        status = CHAT_PRESENCE_OFFLINE;
    }

    chat_write_cstr(w, "{\"userId\":");
    chat_write_string(w, ngx_chat_str(user));
    chat_write_cstr(w, ",\"status\":\"");
    chat_write_cstr(w, chat_presence_name(status));
    chat_write_cstr(w, "\",\"lastSeen\":");

    if (p->last_seen > 0) {
        chat_write_time(w, p->last_seen);

    } else {
        chat_write_cstr(w, "null");
    }

    if (p->text.len > 0) {
        chat_write_cstr(w, ",\"text\":\"");
        chat_write(w, ngx_chat_str(&p->text));
        chat_write_cstr(w, "\"");
    }

    chat_write_cstr(w, "}");
}
