/*
 * A live connection: its beginning, its timer, its end.
 */

#include "ngx_chat.h"


#define NGX_CHAT_SESSION_LINGER  2000   /* ms between our last word and EOF */
#define NGX_CHAT_SESSION_RETRY   5000   /* ms: reconnects are spread over it, */
#define NGX_CHAT_SESSION_SPREAD  1000   /* or this, as the closes are spread */
#define NGX_CHAT_SESSION_SLACK   10     /* ms: timers may fire this early */
#define NGX_CHAT_SESSION_GRID    100    /* ms: many are pinged together */


static void ngx_chat_session_adopt(ngx_chat_session_t *s, ngx_connection_t *c);
static void ngx_chat_session_unlink(ngx_chat_session_t *s);
static ngx_int_t ngx_chat_session_check(ngx_chat_session_t *s,
    ngx_msec_t *next);
static ngx_int_t ngx_chat_session_check_token(ngx_chat_session_t *s,
    ngx_msec_t *next);
static ngx_int_t ngx_chat_session_check_heartbeat(ngx_chat_session_t *s,
    ngx_msec_t *next);
static ngx_msec_t ngx_chat_session_grid(ngx_msec_t wait);
static void ngx_chat_session_ping(ngx_chat_session_t *s);
static void ngx_chat_session_expiring(ngx_chat_session_t *s);
static void ngx_chat_session_last_word(ngx_chat_session_t *s);
static size_t ngx_chat_session_close_frame(ngx_chat_session_t *s,
    ngx_uint_t code, const char *reason, u_char *frame);
static u_char *ngx_chat_session_log(ngx_log_t *log, u_char *buf, size_t len);


ngx_chat_session_t *
ngx_chat_session_create(ngx_chat_node_t *node, ngx_chat_loc_conf_t *conf,
    ngx_str_t *addr_text)
{
    size_t               max;
    ngx_chat_session_t  *s;

    s = ngx_calloc(sizeof(ngx_chat_session_t) + addr_text->len, node->log);
    if (s == NULL) {
        return NULL;
    }

    s->node = node;
    s->conf = conf;
    s->out_last = &s->out;
    s->close_code = NGX_CHAT_CLOSE_ABNORMAL;
    s->reason = "";
    s->revoke_version = node->revoke.version;   /* its token was just judged */
    s->addr_text.data = (u_char *) (s + 1);
    s->addr_text.len = addr_text->len;

    ngx_memcpy(s->addr_text.data, addr_text->data, addr_text->len);

    ngx_queue_init(&s->joins);
    ngx_queue_init(&s->requests);

    max = conf->echo ? conf->max_message_size
                     : ngx_min(conf->max_message_size,
                               NGX_CHAT_MAX_UNAUTH_MESSAGE);
    chat_frame_init(&s->frame, max);
    chat_utf8_init(&s->utf8);

    ngx_chat_make_id(node, 0, ngx_chat_now(), s->id);

    return s;
}


void
ngx_chat_session_free(ngx_chat_session_t *s)
{
    if (s == NULL) {
        return;
    }

    ngx_chat_limit_leave(s->node, &s->claims);
    ngx_chat_write_clear(s);

    ngx_chat_collect_free(s);
    chat_inflate_free(s->inflate);

    if (s->rest != NULL) {
        ngx_free(s->rest);
    }

    if (s->control != NULL) {
        ngx_free(s->control);
    }

    if (s->identity != NULL) {
        ngx_free(s->identity);
    }

    ngx_free(s);
}


ngx_int_t
ngx_chat_session_identify(ngx_chat_session_t *s, const chat_token_t *token)
{
    u_char               *p;
    ngx_chat_identity_t  *id;

    id = ngx_alloc(sizeof(ngx_chat_identity_t) + token->user_len
                   + token->tenant_len + token->name_len + token->sid_len
                   + token->jti_len, s->node->log);
    if (id == NULL) {
        return NGX_ERROR;
    }

    p = (u_char *) (id + 1);

    id->user.data = p;
    id->user.len = token->user_len;
    p = ngx_cpymem(p, token->user, token->user_len);

    id->tenant.data = p;
    id->tenant.len = token->tenant_len;
    p = ngx_cpymem(p, token->tenant, token->tenant_len);

    id->name.data = p;
    id->name.len = token->name_len;
    p = ngx_cpymem(p, token->name, token->name_len);

    id->sid.data = p;
    id->sid.len = token->sid_len;
    p = ngx_cpymem(p, token->sid, token->sid_len);

    id->jti.data = p;
    id->jti.len = token->jti_len;
    ngx_memcpy(p, token->jti, token->jti_len);

    id->iat = token->iat;
    id->has_iat = token->has_iat;
    id->admin = chat_token_has_role(token, NGX_CHAT_ROLE_ADMIN);

    if (s->identity != NULL) {
        ngx_free(s->identity);
    }

    ngx_chat_limit_known(s->node, &s->claims);

    s->identity = id;
    s->expires = token->exp;

    if (s->expires <= ngx_time()) {     /* let in by the leeway */
        s->expires += s->conf->leeway;
    }

    s->expiring = 0;
    s->frame.max_message = s->conf->max_message_size;

    return NGX_OK;
}


void
ngx_chat_session_start(ngx_chat_session_t *s, ngx_connection_t *c,
    u_char *early, size_t nearly, ngx_uint_t close_code, const char *reason)
{
    s->opened = ngx_current_msec;
    s->heard = ngx_current_msec;

    ngx_chat_session_adopt(s, c);

    ngx_queue_insert_tail(&s->node->sessions, &s->queue);

    if (!s->internal) {
        ngx_chat_count(s->node, NGX_CHAT_COUNT_SESSIONS);
    }

    c->sent = 0;                        /* counts what we send from now on */

    ngx_log_error(NGX_LOG_INFO, c->log, 0, "chat: session opened");
    ngx_chat_session_log_start(s);

    if (close_code != 0) {
        ngx_chat_session_close(s, close_code, reason);
        return;
    }

    if (!ngx_chat_revoke_pass(s)) {     /* since its token was checked */
        return;
    }

    if (s->identity != NULL) {

        if (ngx_chat_user_enter(s) != NGX_OK) {
            ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL,
                                   "out of memory");
            return;
        }

        ngx_chat_session_authenticated(s, NULL);
        ngx_chat_choice_tell(s);
    }

    ngx_chat_session_schedule(s);

    if (nearly > 0 && s->state == NGX_CHAT_SESSION_OPEN) {
        ngx_chat_read_early(s, early, nearly);
    }

    if (s->state == NGX_CHAT_SESSION_OPEN) {
        ngx_post_event(c->read, &ngx_posted_events);
    }
}


/*
 * From now on the connection has nothing but its session.  Without TLS, nothing
 * that is in its pool is needed any more, and the pool is half of what an idle
 * connection takes; with TLS, what nginx keeps of it is there.
 */

static void
ngx_chat_session_adopt(ngx_chat_session_t *s, ngx_connection_t *c)
{
    s->connection = c;

    s->log = *c->log;
    s->log.handler = ngx_chat_session_log;
    s->log.data = s;
    s->log.action = NULL;

    c->log = &s->log;
    c->read->log = &s->log;
    c->write->log = &s->log;

    c->data = s;
    c->idle = 1;
    c->read->handler = ngx_chat_read_handler;
    c->write->handler = ngx_chat_write_handler;

    if (c->ssl) {
        c->pool->log = &s->log;
        ngx_chat_tls_begin(s);
        return;
    }

    ngx_destroy_pool(c->pool);
    c->pool = NULL;
    c->sockaddr = NULL;
    c->local_sockaddr = NULL;
    c->proxy_protocol = NULL;
    ngx_str_null(&c->addr_text);
}


/* the authenticated event, or with an id the reply to authenticate */

void
ngx_chat_session_authenticated(ngx_chat_session_t *s, chat_str_t *raw_id)
{
    chat_writer_t               w;
    ngx_chat_buffer_t          *b;
    chat_event_authenticated_t  a;

    a.user = ngx_chat_str(&s->identity->user);
    a.tenant = ngx_chat_str(&s->identity->tenant);
    a.session = (chat_str_t) { s->id, CHAT_ID_LEN };
    a.node = ngx_chat_str(&s->node->id);
    a.now = ngx_chat_now();
    a.expires = (uint64_t) s->expires * 1000;
    a.heartbeat = s->conf->ping_interval / 1000;

    b = ngx_chat_buffer_create(1024 + (raw_id ? raw_id->len : 0));
    if (b == NULL) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_INTERNAL, "out of memory");
        return;
    }

    chat_writer_init(&w, b->payload, b->size);

    if (raw_id != NULL) {
        chat_event_reply(&w, *raw_id);

    } else {
        chat_write_cstr(&w, "{\"type\":\"authenticated\",\"data\":");
    }

    chat_event_authenticated_data(&w, &a);
    chat_event_end(&w);

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);
    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);
}


/*
 * One timer serves all that can come due.  Traffic does not touch it: when it
 * fires, what is due is done and it is set to the next.
 */

void
ngx_chat_session_schedule(ngx_chat_session_t *s)
{
    ngx_msec_t         next;
    ngx_connection_t  *c = s->connection;

    if (s->state != NGX_CHAT_SESSION_OPEN) {
        ngx_chat_session_finish(s);     /* it has lingered long enough */
        return;
    }

    next = (ngx_msec_t) -1;

    if (ngx_chat_session_check(s, &next) != NGX_OK) {
        return;
    }

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    ngx_add_timer(c->read, next + NGX_CHAT_SESSION_SLACK);
}


void
ngx_chat_session_wake(ngx_chat_session_t *s, ngx_msec_t wait)
{
    ngx_msec_t    key;
    ngx_event_t  *rev = s->connection->read;

    if (rev->timer_set) {
        key = ngx_current_msec + wait;

        if ((ngx_msec_int_t) (rev->timer.key - key) <= 0) {
            return;                     /* something else is due before */
        }

        ngx_del_timer(rev);
    }

    ngx_add_timer(rev, wait);
}


static ngx_int_t
ngx_chat_session_check(ngx_chat_session_t *s, ngx_msec_t *next)
{
    ngx_msec_t  waited;

    if (s->identity == NULL && !s->conf->echo) {
        waited = ngx_current_msec - s->opened;

        if (waited >= s->conf->auth_timeout) {
            ngx_chat_session_close(s, NGX_CHAT_CLOSE_UNAUTHORIZED,
                                   "not authenticated in time");
            return NGX_DECLINED;
        }

        *next = s->conf->auth_timeout - waited;
    }

    if (s->identity != NULL
        && ngx_chat_session_check_token(s, next) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    if (ngx_chat_drain_check(s, next) != NGX_OK) {
        return NGX_DECLINED;
    }

    ngx_chat_user_check(s, next);

    if (s->draining) {
        return NGX_OK;                  /* it is not heard any more */
    }

    return ngx_chat_session_check_heartbeat(s, next);
}


static ngx_int_t
ngx_chat_session_check_token(ngx_chat_session_t *s, ngx_msec_t *next)
{
    int64_t  left;                      /* ms */

    left = (int64_t) s->expires * 1000 - (int64_t) ngx_chat_now();

    if (left <= 0) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_UNAUTHORIZED,
                               "token expired");
        return NGX_DECLINED;
    }

    if (left <= NGX_CHAT_EXPIRING_NOTICE && !s->expiring) {
        ngx_chat_session_expiring(s);
    }

    if (!s->expiring) {
        left -= NGX_CHAT_EXPIRING_NOTICE;
    }

    /* a token may live for years: look again after a day at the latest */
    *next = ngx_min(*next, (ngx_msec_t) ngx_min(left, 86400 * 1000));

    return NGX_OK;
}


static ngx_int_t
ngx_chat_session_check_heartbeat(ngx_chat_session_t *s, ngx_msec_t *next)
{
    ngx_msec_t            silence, wait;
    ngx_chat_loc_conf_t  *conf = s->conf;

    silence = ngx_current_msec - s->heard;

    if (silence >= conf->ping_interval + conf->ping_timeout) {
        ngx_chat_session_close(s, NGX_CHAT_CLOSE_NO_HEARTBEAT,
                               "nothing heard");
        return NGX_DECLINED;
    }

    if (silence >= conf->ping_interval) {

        if (!s->pinged) {
            s->pinged = 1;
            ngx_chat_session_ping(s);
        }

        /* an answer does not touch the timer */

        wait = ngx_min(conf->ping_interval,
                       conf->ping_interval + conf->ping_timeout - silence);

    } else {
        wait = conf->ping_interval - silence;
    }

    *next = ngx_min(*next, ngx_chat_session_grid(wait));

    return NGX_OK;
}


/*
 * The wait until the first point of time from then on that all sessions have
 * in common: one wake-up of the process and one flush serve many of them.
 */

static ngx_msec_t
ngx_chat_session_grid(ngx_msec_t wait)
{
    ngx_msec_t  due;

    due = ngx_current_msec + wait + NGX_CHAT_SESSION_SLACK
          + NGX_CHAT_SESSION_GRID - 1;
    due -= due % NGX_CHAT_SESSION_GRID;

    return due - NGX_CHAT_SESSION_SLACK - ngx_current_msec;
}


static void
ngx_chat_session_ping(ngx_chat_session_t *s)
{
    ngx_chat_buffer_t  *b;

    b = ngx_chat_buffer_copy(CHAT_FRAME_PING, NULL, 0);
    if (b == NULL) {
        return;                         /* silence will close it */
    }

    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);
}


static void
ngx_chat_session_expiring(ngx_chat_session_t *s)
{
    chat_writer_t       w;
    ngx_chat_buffer_t  *b;

    s->expiring = 1;

    b = ngx_chat_buffer_create(128);
    if (b == NULL) {
        return;                         /* the close at exp will tell */
    }

    chat_writer_init(&w, b->payload, b->size);
    chat_write_cstr(&w, "{\"type\":\"token.expiring\","
                        "\"data\":{\"expiresAt\":");
    chat_write_time(&w, (uint64_t) s->expires * 1000);
    chat_write_cstr(&w, "}}");

    ngx_chat_buffer_finish(b, CHAT_FRAME_TEXT, w.len);
    ngx_chat_write_queue(s, b);
    ngx_chat_buffer_unref(b);
}


/*
 * Says good-bye: the session leaves all rooms at once, what is queued goes out
 * before the close frame, and the connection is shut down after it.
 */

void
ngx_chat_session_close(ngx_chat_session_t *s, ngx_uint_t code,
    const char *reason)
{
    size_t               n;
    u_char               frame[CHAT_FRAME_MAX_HEAD + CHAT_FRAME_MAX_CONTROL];
    ngx_connection_t    *c = s->connection;
    ngx_chat_buffer_t   *b;

    if (s->state != NGX_CHAT_SESSION_OPEN) {
        return;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "chat: closing session with %ui%s%s", code,
                  *reason ? ", " : "", reason);

    ngx_chat_session_unlink(s);

    if (s->doomed) {
        ngx_chat_write_discard(s);
        s->doomed = 0;
    }

    n = ngx_chat_session_close_frame(s, code, reason, frame);
    b = ngx_chat_buffer_copy(CHAT_FRAME_CLOSE, frame, n);

    if (b != NULL) {
        ngx_chat_write_queue(s, b);
        ngx_chat_buffer_unref(b);
    }

    s->close_code = code;
    s->reason = code == NGX_CHAT_CLOSE_RESTART ? "restart" : reason;
    s->state = NGX_CHAT_SESSION_CLOSING;

    /* the flush at the end of the turn goes on from here */

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    ngx_add_timer(c->read, NGX_CHAT_SESSION_LINGER);

    if (b == NULL) {
        ngx_chat_session_finish(s);
    }
}


void
ngx_chat_session_doom(ngx_chat_session_t *s, ngx_uint_t code)
{
    if (s->doomed == 0) {
        s->doomed = code;
        ngx_chat_flush_post(s, 0);
    }
}


/* payload of the close frame; 1005 is said by saying nothing */

static size_t
ngx_chat_session_close_frame(ngx_chat_session_t *s, ngx_uint_t code,
    const char *reason, u_char *frame)
{
    if (code == NGX_CHAT_CLOSE_NO_STATUS) {
        return 0;
    }

    return chat_frame_write_close(frame, code,
                                  (chat_str_t) { (u_char *) reason,
                                                 ngx_strlen(reason) });
}


/* everything that could still reach the session forgets it */

static void
ngx_chat_session_unlink(ngx_chat_session_t *s)
{
    ngx_queue_t      *q;
    ngx_chat_join_t  *join;

    ngx_chat_request_abandon(s);        /* first: it may wait in a room */
    ngx_chat_subscriber_leave(s);
    ngx_chat_user_leave(s);

    while (!ngx_queue_empty(&s->joins)) {
        q = ngx_queue_head(&s->joins);
        join = ngx_queue_data(q, ngx_chat_join_t, session_queue);
        ngx_chat_room_leave(join);
    }
}


/*
 * Nothing is left to send.  The peer is told by a FIN and given a moment to
 * read: closing at once with its bytes unread would make the kernel send RST,
 * which can overtake the close frame.
 */

void
ngx_chat_session_linger(ngx_chat_session_t *s)
{
    ngx_connection_t  *c = s->connection;

    s->state = NGX_CHAT_SESSION_LINGERING;

    if (c->ssl) {
        (void) SSL_shutdown(c->ssl->connection);    /* close_notify */
        ERR_clear_error();
    }

    if (ngx_shutdown_socket(c->fd, NGX_WRITE_SHUTDOWN) == -1) {
        ngx_chat_session_finish(s);
        return;
    }

    ngx_post_event(c->read, &ngx_posted_events);
}


/*
 * The end: closes the connection now and frees the session when the turn is
 * over, since callers up the stack may still hold it.
 */

void
ngx_chat_session_finish(ngx_chat_session_t *s)
{
    ngx_pool_t        *pool;
    ngx_connection_t  *c = s->connection;

    if (s->state == NGX_CHAT_SESSION_DEAD) {
        return;
    }

    if (s->state == NGX_CHAT_SESSION_OPEN) {
        ngx_chat_session_unlink(s);
    }

    s->state = NGX_CHAT_SESSION_DEAD;

    ngx_log_error(NGX_LOG_INFO, c->log, 0,
                  "chat: session ended with %ui", (ngx_uint_t) s->close_code);

    ngx_chat_flush_remove(s);

    ngx_queue_remove(&s->queue);
    ngx_chat_tally_ended(s);
    ngx_chat_session_log_end(s);

    if (!s->internal) {
        ngx_chat_count_add(s->node, NGX_CHAT_COUNT_SESSIONS, -1);
        (void) ngx_atomic_fetch_add(ngx_stat_active, -1);
    }

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;
        (void) ngx_ssl_shutdown(c);     /* does not wait with these two set */
    }

    pool = c->pool;
    c->destroyed = 1;
    ngx_close_connection(c);

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    s->connection = NULL;

    ngx_queue_insert_tail(&s->node->dead, &s->queue);

    if (!s->node->free_event.posted) {
        ngx_post_event(&s->node->free_event, &ngx_posted_events);
    }
}


/* it has to connect again, but not when everybody does */

void
ngx_chat_session_restart(ngx_chat_session_t *s)
{
    u_char      reason[sizeof("retry=") + NGX_INT_T_LEN];
    ngx_uint_t  spread;

    spread = s->node->drain.active && s->node->conf->drain_time > 0
             ? NGX_CHAT_SESSION_SPREAD : NGX_CHAT_SESSION_RETRY;

    (void) ngx_sprintf(reason, "retry=%ui%Z",
                       (ngx_uint_t) ngx_random() % spread);

    ngx_chat_session_close(s, NGX_CHAT_CLOSE_RESTART, (char *) reason);
}


/* the process exits: no event loop any more */

void
ngx_chat_session_stop(ngx_chat_session_t *s)
{
    ngx_chat_session_close(s, NGX_CHAT_CLOSE_STOPPED, "stopped");
    ngx_chat_session_last_word(s);
}


/* worker_shutdown_timeout is over */

void
ngx_chat_session_cut(ngx_chat_session_t *s)
{
    ngx_chat_session_restart(s);
    ngx_chat_session_last_word(s);
}


static void
ngx_chat_session_last_word(ngx_chat_session_t *s)
{
    if (s->state == NGX_CHAT_SESSION_CLOSING) {
        (void) ngx_chat_write_flush(s);
        (void) ngx_shutdown_socket(s->connection->fd, NGX_WRITE_SHUTDOWN);
    }

    ngx_chat_session_finish(s);
}


/* what every log line about the connection ends with */

static u_char *
ngx_chat_session_log(ngx_log_t *log, u_char *buf, size_t len)
{
    u_char              *p;
    ngx_chat_session_t  *s = log->data;

    p = ngx_snprintf(buf, len, ", session: %*s, client: %V",
                     (size_t) CHAT_ID_LEN, s->id, &s->addr_text);
    len -= p - buf;

    if (s->identity != NULL) {
        p = ngx_snprintf(p, len, ", user: \"%V/%V\"", &s->identity->tenant,
                         &s->identity->user);
    }

    return p;
}
