/*
 * A whole node.  This is a module of nginx, loaded into Debian's nginx with
 * all of ngx_chat but its links to Redis (redis.c plays them), and runs
 * libFuzzer instead of serving.  An input is a sequence of what clients, Redis
 * and chat-persist do, a line each:
 *
 *      c0 {...}    session 0 sends this text (0 to 2, begun where needed)
 *      b0 ...      session 0 sends these bytes, frames or not
 *      r ...       Redis answers the oldest call: fuzz_resp.h, by tabs
 *      v ...       the next look at revocations is answered so
 *      s           all subscriptions that were asked for are confirmed
 *      p3 ...      channel 3 is told this (0 and 1 are the node's own)
 *      n ...       the channel of all nodes is
 *      o ...       this node's own is
 *      h ...       that of the first user is; a tab stands for a new line
 *      t5          half a second passes
 *      d0, d1      the link for commands, or for subscriptions, goes down
 *      u           both are up again
 *      x0          session 0 goes without a word
 *      z0          session 0 stops reading, or begins again
 *
 * Nothing may crash, leak, log an alert or leave a timer behind, and what
 * clients are sent must be well-formed frames, of JSON where all that Redis
 * has told is.
 */

#include "../../../ngx_chat_module/ngx_chat.h"

#include "../fuzz.h"
#include "../fuzz_resp.h"
#include "redis.h"


#define SESSIONS    3
#define OUTPUT_MAX  (1024 * 1024)
#define HINT_MAX    4096


int LLVMFuzzerRunDriver(int *argc, char ***argv,
    int (*run)(const uint8_t *data, size_t size));

static ngx_int_t fuzz_init_process(ngx_cycle_t *cycle);
static void on_log(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len);


static ngx_core_module_t  fuzz_module_ctx = {
    ngx_string("fuzz"), NULL, NULL
};


ngx_module_t  fuzz_module = {
    NGX_MODULE_V1,
    &fuzz_module_ctx,
    NULL,
    NGX_CORE_MODULE,
    NULL,
    NULL,
    fuzz_init_process,
    NULL, NULL, NULL, NULL,
    NGX_MODULE_V1_PADDING
};


ngx_module_t  *ngx_modules[] = { &ngx_chat_module, &fuzz_module, NULL };
char  *ngx_module_names[] = { "ngx_chat_module", "fuzz_module", NULL };
char  *ngx_module_order[] = { NULL };


typedef struct {
    ngx_chat_session_t  *session;       /* may be gone: see alive() */
    ngx_socket_t         fd;            /* the client's end, or -1 */
    bool                 deaf;
    fuzz_bytes_t         output;
} client_t;


static ngx_cycle_t            cycle;
static ngx_log_t              quiet = { .log_level = NGX_LOG_INFO,
                                        .writer = on_log };
static ngx_chat_main_conf_t  *mcf;
static ngx_chat_loc_conf_t   *lcf;
static client_t               clients[SESSIONS];


static void
on_log(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    (void) log;

    if (level <= NGX_LOG_ALERT) {
        fprintf(stderr, "%.*s\n", (int) len, buf);
        fuzz_fail(__FILE__, __LINE__, "no alert is logged");
    }
}


/* Clients. */


/* what was sent in whole frames is looked at and forgotten */

static void
judge_output(client_t *c)
{
    size_t    head, len, pos = 0;
    uint8_t  *p;

    for ( ;; ) {
        p = c->output.data + pos;

        if (c->output.len - pos < 2) {
            break;
        }

        fuzz_check((p[0] & 0xb0) == 0x80);          /* whole, no reserved */
        fuzz_check((p[0] & 15) == 1 || (p[0] & 15) >= 8);
        fuzz_check(!(p[1] & 0x80));                 /* not masked */

        head = p[1] == 126 ? 4 : p[1] == 127 ? 10 : 2;

        if (c->output.len - pos < head) {
            break;
        }

        len = p[1] == 126 ? (size_t) p[2] << 8 | p[3]
              : p[1] == 127 ? (size_t) p[6] << 24 | p[7] << 16 | p[8] << 8
                              | p[9]
              : p[1];

        if (c->output.len - pos < head + len) {
            break;
        }

        pos += head + len;
    }

    if (pos != 0) {
        memmove(c->output.data, c->output.data + pos, c->output.len - pos);
        c->output.len -= pos;
    }
}


static void
drain(client_t *c)
{
    ssize_t        n;
    static u_char  buf[65536];

    if (c->fd == -1 || c->deaf) {
        return;
    }

    for ( ;; ) {
        n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

        if (n <= 0) {
            break;
        }

        fuzz_bytes_add(&c->output, buf, (size_t) n);
        judge_output(c);
    }
}


/* as ngx_chat_canary_link.c does */

static ngx_connection_t *
connection(ngx_socket_t fd)
{
    ngx_log_t         *log;
    ngx_pool_t        *pool;
    ngx_connection_t  *c;

    pool = ngx_create_pool(512, &quiet);
    fuzz_check(pool != NULL);
    log = ngx_palloc(pool, sizeof(ngx_log_t));
    fuzz_check(log != NULL);
    c = ngx_get_connection(fd, &quiet);
    fuzz_check(c != NULL);

    *log = quiet;
    c->pool = pool;
    c->log = log;
    c->log_error = NGX_ERROR_INFO;
    c->recv = ngx_recv;
    c->send = ngx_send;
    c->read->log = log;
    c->write->log = log;
    c->write->ready = 1;

    return c;
}


static void
identify(ngx_chat_session_t *s, size_t n)
{
    chat_token_t  token;

    static const char  *users[SESSIONS] = { "ada", "bob", "ada" };

    ngx_memzero(&token, sizeof(token));

    token.exp = (uint64_t) ngx_time() + 3600;
    token.user_len = 3;
    ngx_memcpy(token.user, users[n], 3);
    token.tenant_len = 7;
    ngx_memcpy(token.tenant, "default", 7);
    token.nroles = n == 0;
    token.roles[0].len = 5;
    ngx_memcpy(token.roles[0].name, NGX_CHAT_ROLE_ADMIN, 5);

    fuzz_check(ngx_chat_session_identify(s, &token) == NGX_OK);
}


static void
begin(client_t *c)
{
    int                  fd[2];
    ngx_str_t            address = ngx_string("client");
    ngx_chat_session_t  *s;

    fuzz_check(socketpair(AF_UNIX, SOCK_STREAM|SOCK_NONBLOCK|SOCK_CLOEXEC, 0,
                          fd) == 0);

    s = ngx_chat_session_create(mcf->node, lcf, &address);
    fuzz_check(s != NULL);

    s->internal = 1;                    /* no limits of strangers */
    identify(s, (size_t) (c - clients));

    c->session = s;
    c->fd = fd[0];
    ngx_chat_session_start(s, connection(fd[1]), NULL, 0, 0, "");
}


/* its session ends by itself: then the pointer means nothing any more */

static bool
alive(client_t *c)
{
    ngx_queue_t  *q;

    for (q = ngx_queue_head(&mcf->node->sessions);
         q != ngx_queue_sentinel(&mcf->node->sessions);
         q = ngx_queue_next(q))
    {
        if (ngx_queue_data(q, ngx_chat_session_t, queue) == c->session) {
            return true;
        }
    }

    return false;
}


static void
forget(client_t *c)
{
    if (c->fd != -1) {
        (void) close(c->fd);
    }

    free(c->output.data);
    memset(c, 0, sizeof(*c));
    c->fd = -1;
}


static client_t *
client(uint8_t digit)
{
    client_t  *c = &clients[digit % SESSIONS];

    if (c->fd != -1 && !alive(c)) {
        forget(c);
    }

    if (c->fd == -1) {
        begin(c);
    }

    return c;
}


/* the event loop does not run: what it would tell is told here */

static void
send_bytes(client_t *c, const uint8_t *bytes, size_t len)
{
    ngx_connection_t  *s = c->session->connection;

    if (send(c->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) <= 0) {
        return;
    }

    s->read->ready = 1;
    s->read->available = -1;

    if (!s->read->posted) {
        ngx_post_event(s->read, &ngx_posted_events);
    }
}


static void
send_text(client_t *c, chat_str_t text)
{
    size_t        len;
    uint8_t       head[CHAT_FRAME_MAX_HEAD + 4];
    fuzz_bytes_t  frame = { 0 };

    len = chat_frame_write_head(head, CHAT_FRAME_TEXT, CHAT_FRAME_FIN,
                                text.len);
    head[1] |= 0x80;
    memset(head + len, 0, 4);

    fuzz_bytes_add(&frame, head, len + 4);
    fuzz_bytes_add(&frame, text.data, text.len);
    send_bytes(c, frame.data, frame.len);
    free(frame.data);
}


/* What happens. */


static void
turn(void)
{
    size_t  i;

    do {
        ngx_event_process_posted((ngx_cycle_t *) ngx_cycle,
                                 &ngx_posted_events);

        while (!ngx_queue_empty(&ngx_posted_next_events)) {
            ngx_event_move_posted_next((ngx_cycle_t *) ngx_cycle);
            ngx_event_process_posted((ngx_cycle_t *) ngx_cycle,
                                     &ngx_posted_events);
        }

    } while (fake_redis_turn(mcf->node));

    for (i = 0; i < SESSIONS; i++) {
        drain(&clients[i]);
    }
}


static void
answer(chat_str_t notation, void (*take)(chat_str_t resp))
{
    size_t        i;
    uint8_t      *copy;
    fuzz_bytes_t  resp = { 0 };
    fuzz_input_t  in;

    copy = fuzz_copy(notation.data, notation.len);

    for (i = 0; i < notation.len; i++) {
        if (copy[i] == '\t') {
            copy[i] = '\n';
        }
    }

    in.pos = copy;
    in.left = notation.len;

    (void) fuzz_resp_elements(&resp, &in, 0);
    take((chat_str_t) { resp.data, resp.len });

    free(resp.data);
    free(copy);
}


static void
hint(ngx_chat_node_t *node, chat_str_t payload)
{
    size_t          i;
    static uint8_t  text[HINT_MAX];

    payload.len = ngx_min(payload.len, sizeof(text));

    for (i = 0; i < payload.len; i++) {
        text[i] = payload.data[i] == '\t' ? '\n' : payload.data[i];
    }

    payload.data = text;
    fake_redis_publish_on(node, NGX_CHAT_USER_CHANNEL, payload);
}


static void
step(chat_str_t line)
{
    uint8_t           digit = 0;
    chat_str_t        rest = { line.data + 1, line.len - 1 };
    client_t         *c;
    ngx_chat_node_t  *node = mcf->node;

    if (rest.len != 0 && rest.data[0] >= '0' && rest.data[0] <= '9') {
        digit = rest.data[0] - '0';
        rest.data++;
        rest.len--;
    }

    if (rest.len != 0 && rest.data[0] == ' ') {
        rest.data++;
        rest.len--;
    }

    switch (line.data[0]) {
    case 'c':
        send_text(client(digit), rest);
        break;
    case 'b':
        send_bytes(client(digit), rest.data, rest.len);
        break;
    case 'r':
        answer(rest, fake_redis_answer);
        break;
    case 'v':
        answer(rest, fake_redis_revoke);
        break;
    case 's':
        fake_redis_confirm(node);
        break;
    case 'p':
        fake_redis_publish(node, digit, rest);
        break;
    case 'n':
        fake_redis_publish_on(node, NGX_CHAT_BUS_NODES, rest);
        break;
    case 'o':
        fake_redis_publish_on(node, NGX_CHAT_BUS_NODE, rest);
        break;
    case 'h':
        hint(node, rest);
        break;
    case 't':
        ngx_current_msec += 100 * (digit + 1) * (digit + 1);
        ngx_event_expire_timers();
        break;
    case 'd':
        fake_redis_down(digit & 1 ? &node->subscriber : &node->command);
        break;
    case 'u':
        fake_redis_up(node);
        break;
    case 'x':
        c = client(digit);
        ngx_chat_session_finish(c->session);
        break;
    case 'z':
        c = client(digit);
        c->deaf = !c->deaf;
        break;
    }

    turn();
}


/* One input. */


static void
open_node(void)
{
    size_t  i;

    cycle = *(ngx_cycle_t *) ngx_cycle;
    cycle.log = &quiet;
    cycle.pool = ngx_create_pool(4096, &quiet);
    fuzz_check(cycle.pool != NULL);

    for (i = 0; i < SESSIONS; i++) {
        clients[i].fd = -1;
    }

    fuzz_check(ngx_chat_node_init(&cycle, mcf) == NGX_OK);
    fake_redis_up(mcf->node);
    fake_redis_confirm(mcf->node);
    turn();
}


static void
close_node(void)
{
    size_t  i;

    ngx_chat_node_done(mcf);
    ngx_event_process_posted((ngx_cycle_t *) ngx_cycle, &ngx_posted_events);

    fuzz_check(ngx_event_timer_rbtree.root == ngx_event_timer_rbtree.sentinel);
    fuzz_check(ngx_queue_empty(&ngx_posted_next_events));

    for (i = 0; i < SESSIONS; i++) {
        forget(&clients[i]);
    }

    fake_redis_forget();
    ngx_destroy_pool(cycle.pool);
}


static int
run(const uint8_t *data, size_t size)
{
    chat_str_t    line;
    fuzz_input_t  in = { data, size };

    open_node();

    while (in.left != 0) {
        line = fuzz_until(&in, '\n');

        if (line.len != 0) {
            step(line);
        }
    }

    close_node();

    return 0;
}


/* FUZZ_ARGS: the options of libFuzzer, by line feeds */

static ngx_int_t
fuzz_init_process(ngx_cycle_t *real)
{
    int                          argc = 0;
    char                        *argv[64], **args = argv, *next;
    ngx_http_core_srv_conf_t   **servers;
    ngx_http_core_main_conf_t   *core;

    next = getenv("FUZZ_ARGS");
    fuzz_check(next != NULL);
    next = strdup(next);

    while (next != NULL && argc < 63) {
        argv[argc++] = strsep(&next, "\n");
    }

    argv[argc] = NULL;

    mcf = ngx_http_cycle_get_module_main_conf(real, ngx_chat_module);
    core = ngx_http_cycle_get_module_main_conf(real, ngx_http_core_module);
    servers = core->servers.elts;
    lcf = servers[0]->ctx->loc_conf[ngx_chat_module.ctx_index];

    ngx_chat_node_done(mcf);            /* each input has its own */
    ngx_event_process_posted(real, &ngx_posted_events);

    exit(LLVMFuzzerRunDriver(&argc, &args, run));
}
