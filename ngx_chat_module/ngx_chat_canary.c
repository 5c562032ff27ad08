/*
 * The canary: one user that every node has, who does all the time what users
 * do, and sees first when it does not work.
 *
 * Every chat_canary it changes the description of a conversation and waits
 * until it hears of the change, and until the change is stored.  There is one
 * conversation per partition, which all nodes share, and each time it is the
 * next one's turn.  A change of settings goes the way of a message (append,
 * log, publish, chat-persist), but leaves nothing behind in PostgreSQL.
 *
 *      idle ──▶ joining ──▶ changing ──answered, heard──▶ idle
 *                ▲   │
 *                │   ▼ not found
 *               creating
 *
 * Once joined it stays so: a publish that gets lost on its way to a room that
 * nobody else speaks in is noticed, too.
 */

#include "ngx_chat.h"


#define NGX_CHAT_CANARY_PATIENCE  5000  /* ms, for one step */
#define NGX_CHAT_CANARY_TIMEOUT   4500  /* ms: a request is answered by then */
#define NGX_CHAT_CANARY_SILENCE   (24 * 60 * 60 * 1000)     /* ms */
#define NGX_CHAT_CANARY_START     5000  /* ms: the first links are up by then */
#define NGX_CHAT_CANARY_LOOK      100   /* ms, for that */
#define NGX_CHAT_CANARY_TEXT      512   /* bytes of a request */
#define NGX_CHAT_CANARY_ID        32    /* of "canary-<n>" */


typedef enum {
    NGX_CHAT_CANARY_IDLE,
    NGX_CHAT_CANARY_JOINING,
    NGX_CHAT_CANARY_CREATING,
    NGX_CHAT_CANARY_CHANGING
} ngx_chat_canary_state_e;


/* owner: the cycle's pool */

struct ngx_chat_canary_s {
    ngx_chat_node_t          *node;
    ngx_chat_loc_conf_t       conf;     /* of its sessions */
    ngx_chat_canary_link_t    link;
    ngx_event_t               timer;
    ngx_chat_canary_state_e   state;
    ngx_uint_t                partition;
    ngx_uint_t                number;   /* of the last request */
    ngx_msec_t                begun;
    uint64_t                  sent;     /* us, when the change was */
    ngx_msec_t                born;

    unsigned                  created:1;
    unsigned                  heard:1;
    unsigned                  stored:1;

    u_char                    joined[CHAT_ID_MAX_PARTITIONS];
};


static void ngx_chat_canary_set_conf(ngx_chat_canary_t *canary);
static void ngx_chat_canary_on_timer(ngx_event_t *ev);
static ngx_uint_t ngx_chat_canary_settled(ngx_chat_canary_t *canary);
static void ngx_chat_canary_begin(ngx_chat_canary_t *canary);
static void ngx_chat_canary_join(ngx_chat_canary_t *canary);
static void ngx_chat_canary_create(ngx_chat_canary_t *canary);
static void ngx_chat_canary_change(ngx_chat_canary_t *canary);
static void ngx_chat_canary_ask(ngx_chat_canary_t *canary,
    ngx_chat_canary_state_e state, const char *type, const char *members);
static size_t ngx_chat_canary_id(ngx_chat_canary_t *canary,
    u_char id[NGX_CHAT_CANARY_ID]);
static void ngx_chat_canary_mark(ngx_chat_canary_t *canary, ngx_uint_t number,
    u_char mark[NGX_CHAT_CANARY_TEXT]);
static void ngx_chat_canary_on_text(void *data, chat_str_t text);
static void ngx_chat_canary_on_reply(ngx_chat_canary_t *canary,
    const chat_json_t *ok, const chat_json_t *error);
static void ngx_chat_canary_on_change(ngx_chat_canary_t *canary);
static void ngx_chat_canary_on_error(ngx_chat_canary_t *canary,
    const chat_json_t *error);
static ngx_uint_t ngx_chat_canary_is_code(const chat_json_t *error,
    chat_code_e code);
static void ngx_chat_canary_on_lost(void *data);
static void ngx_chat_canary_fail(ngx_chat_canary_t *canary);
static void ngx_chat_canary_end(ngx_chat_canary_t *canary);


ngx_int_t
ngx_chat_canary_init(ngx_chat_node_t *node)
{
    ngx_chat_canary_t     *canary;
    ngx_chat_main_conf_t  *conf = node->conf;

    if (conf->canary == 0 || !conf->websocket) {
        return NGX_OK;
    }

    canary = ngx_pcalloc(node->cycle->pool, sizeof(ngx_chat_canary_t));
    if (canary == NULL) {
        return NGX_ERROR;
    }

    canary->node = node;
    canary->born = ngx_current_msec;
    canary->link.data = canary;
    canary->link.text = ngx_chat_canary_on_text;
    canary->link.lost = ngx_chat_canary_on_lost;

    ngx_chat_canary_set_conf(canary);

    canary->timer.handler = ngx_chat_canary_on_timer;
    canary->timer.data = canary;
    canary->timer.log = node->log;
    canary->timer.cancelable = 1;

    /* nodes that start together do not sing together */

    canary->partition = ngx_random() % conf->partitions;
    ngx_add_timer(&canary->timer, 1 + ngx_random() % conf->canary);

    node->canary = canary;

    return NGX_OK;
}


static void
ngx_chat_canary_set_conf(ngx_chat_canary_t *canary)
{
    ngx_chat_loc_conf_t  *conf = &canary->conf;

    conf->websocket = 1;
    conf->ack = NGX_CHAT_ACK_STORED;
    conf->request_timeout = NGX_CHAT_CANARY_TIMEOUT;
    conf->ping_interval = NGX_CHAT_CANARY_SILENCE;
    conf->ping_timeout = NGX_CHAT_CANARY_SILENCE;
    conf->max_message_size = 2 * NGX_CHAT_CANARY_TEXT;
    conf->send_queue = 1024 * 1024;
    conf->max_outstanding = 2 * CHAT_ID_MAX_PARTITIONS;
    conf->max_conversations = CHAT_ID_MAX_PARTITIONS;
}


void
ngx_chat_canary_done(ngx_chat_node_t *node)
{
    ngx_chat_canary_t  *canary = node->canary;

    if (canary == NULL) {
        return;
    }

    if (canary->timer.timer_set) {
        ngx_del_timer(&canary->timer);
    }

    ngx_chat_canary_link_close(&canary->link);
    node->canary = NULL;
}


static void
ngx_chat_canary_on_timer(ngx_event_t *ev)
{
    ngx_chat_canary_t  *canary = ev->data;

    if (ngx_exiting) {
        return;                         /* nobody would end a new session */
    }

    if (canary->state == NGX_CHAT_CANARY_IDLE) {

        if (!ngx_chat_canary_settled(canary)) {
            ngx_add_timer(ev, NGX_CHAT_CANARY_LOOK);
            return;
        }

        ngx_chat_canary_begin(canary);
        return;
    }

    if (canary->stored) {
        ngx_log_error(NGX_LOG_WARN, canary->node->log, 0,
                      "chat: a change in partition %ui was stored, but not "
                      "heard of in %d ms", canary->partition,
                      NGX_CHAT_CANARY_PATIENCE);

        /* the conversation may have been deleted, and made anew by others */

        canary->joined[canary->partition] = 0;

        ngx_chat_count(canary->node, NGX_CHAT_COUNT_CANARY_LOST);
        ngx_chat_canary_end(canary);
        return;
    }

    ngx_chat_canary_fail(canary);       /* no answer, whatever held it up */
}


/* a process that has just started has no links yet, which is no fault */

static ngx_uint_t
ngx_chat_canary_settled(ngx_chat_canary_t *canary)
{
    ngx_chat_node_t  *node = canary->node;

    return (node->command.up && node->subscriber.up)
           || ngx_current_msec - canary->born >= NGX_CHAT_CANARY_START;
}


/* The steps */


static void
ngx_chat_canary_begin(ngx_chat_canary_t *canary)
{
    ngx_chat_node_t  *node = canary->node;

    canary->begun = ngx_current_msec;
    canary->partition = (canary->partition + 1) % node->conf->partitions;
    canary->created = 0;
    canary->heard = 0;
    canary->stored = 0;

    if (canary->link.connection == NULL) {
        ngx_memzero(canary->joined, sizeof(canary->joined));

        if (ngx_chat_canary_link_open(&canary->link, node, &canary->conf)
            != NGX_OK)
        {
            ngx_chat_canary_fail(canary);
            return;
        }
    }

    if (canary->joined[canary->partition]) {
        ngx_chat_canary_change(canary);

    } else {
        ngx_chat_canary_join(canary);
    }
}


static void
ngx_chat_canary_join(ngx_chat_canary_t *canary)
{
    ngx_chat_canary_ask(canary, NGX_CHAT_CANARY_JOINING, "conversation.join",
                        "");
}


static void
ngx_chat_canary_create(ngx_chat_canary_t *canary)
{
    canary->created = 1;
    ngx_chat_canary_ask(canary, NGX_CHAT_CANARY_CREATING,
                        "conversation.create",
                        ",\"type\":\"channel\",\"name\":\"canary\"");
}


static void
ngx_chat_canary_change(ngx_chat_canary_t *canary)
{
    u_char  mark[NGX_CHAT_CANARY_TEXT];

    ngx_chat_canary_mark(canary, canary->number + 1, mark);

    canary->sent = ngx_chat_clock();
    ngx_chat_canary_ask(canary, NGX_CHAT_CANARY_CHANGING,
                        "conversation.update", (char *) mark);
}


static void
ngx_chat_canary_ask(ngx_chat_canary_t *canary, ngx_chat_canary_state_e state,
    const char *type, const char *members)
{
    size_t         len;
    u_char         text[NGX_CHAT_CANARY_TEXT];
    u_char         id[NGX_CHAT_CANARY_ID];
    chat_writer_t  w;

    len = ngx_chat_canary_id(canary, id);

    chat_writer_init(&w, text, sizeof(text));
    chat_write_cstr(&w, "{\"type\":\"");
    chat_write_cstr(&w, type);
    chat_write_cstr(&w, "\",\"id\":");
    chat_write_uint(&w, ++canary->number);
    chat_write_cstr(&w, ",\"data\":{\"conversationId\":\"");
    chat_write(&w, (chat_str_t) { id, len });
    chat_write_cstr(&w, "\"");
    chat_write_cstr(&w, members);
    chat_write_cstr(&w, "}}");

    canary->state = state;
    ngx_add_timer(&canary->timer, NGX_CHAT_CANARY_PATIENCE);

    if (ngx_chat_canary_link_send(&canary->link,
                                  (chat_str_t) { text, w.len })
        != NGX_OK)
    {
        ngx_chat_canary_link_close(&canary->link);
        ngx_chat_canary_fail(canary);
    }
}


/* the first of canary-0, canary-1, ... that is in the partition; its length */

static size_t
ngx_chat_canary_id(ngx_chat_canary_t *canary, u_char id[NGX_CHAT_CANARY_ID])
{
    size_t      len;
    ngx_uint_t  n;

    for (n = 0; /* void */ ; n++) {
        len = ngx_sprintf(id, "canary-%ui", n) - id;

        if (chat_name_partition(chat_str(CHAT_NAME_OWN_TENANT),
                                (chat_str_t) { id, len },
                                canary->node->conf->partitions)
            == canary->partition)
        {
            return len;
        }
    }
}


/* what tells our change from those of others, as it is in the event, too */

static void
ngx_chat_canary_mark(ngx_chat_canary_t *canary, ngx_uint_t number,
    u_char mark[NGX_CHAT_CANARY_TEXT])
{
    (void) ngx_sprintf(mark, ",\"description\":\"%V %ui\"%Z",
                       &canary->node->id, number);
}


/* What it hears */


static void
ngx_chat_canary_on_text(void *data, chat_str_t text)
{
    u_char              mark[NGX_CHAT_CANARY_TEXT];
    uint64_t            id;
    chat_json_t         value;
    const char         *reason;
    ngx_chat_canary_t  *canary = data;
    chat_json_member_t  m[] = {
        { "id", { { NULL, 0 }, CHAT_JSON_NULL } },
        { "ok", { { NULL, 0 }, CHAT_JSON_NULL } },
        { "error", { { NULL, 0 }, CHAT_JSON_NULL } }
    };

    ngx_chat_canary_mark(canary, canary->number, mark);

    if (ngx_strnstr((u_char *) text.data, (char *) mark + 1, text.len)
        != NULL)
    {
        ngx_chat_canary_on_change(canary);
        return;
    }

    if (canary->state == NGX_CHAT_CANARY_IDLE) {
        return;
    }

    if (chat_json_parse(text, CHAT_JSON_MAX_DEPTH, &value, &reason) != CHAT_OK
        || chat_json_collect(&value, m, 3) != CHAT_OK
        || chat_json_get_uint(&m[0].value, &id) != CHAT_OK
        || id != canary->number)
    {
        return;                         /* of another's, or late */
    }

    ngx_chat_canary_on_reply(canary, &m[1].value, &m[2].value);
}


static void
ngx_chat_canary_on_change(ngx_chat_canary_t *canary)
{
    if (canary->heard) {
        ngx_log_error(NGX_LOG_WARN, canary->node->log, 0,
                      "chat: a change in partition %ui was heard twice",
                      canary->partition);
        ngx_chat_count(canary->node, NGX_CHAT_COUNT_CANARY_DOUBLED);
        return;
    }

    if (canary->state != NGX_CHAT_CANARY_CHANGING) {
        return;                         /* it was given up */
    }

    canary->heard = 1;
    ngx_chat_time_add(canary->node, NGX_CHAT_TIME_CANARY_DELIVERY,
                      ngx_chat_clock() - canary->sent);

    if (canary->stored) {
        ngx_chat_canary_end(canary);
    }
}


static void
ngx_chat_canary_on_reply(ngx_chat_canary_t *canary, const chat_json_t *ok,
    const chat_json_t *error)
{
    if (ok->type != CHAT_JSON_TRUE) {
        ngx_chat_canary_on_error(canary, error);
        return;
    }

    switch (canary->state) {

    case NGX_CHAT_CANARY_JOINING:
        canary->joined[canary->partition] = 1;
        ngx_chat_canary_change(canary);
        return;

    case NGX_CHAT_CANARY_CREATING:
        ngx_chat_canary_join(canary);
        return;

    case NGX_CHAT_CANARY_CHANGING:
        canary->stored = 1;
        ngx_chat_time_add(canary->node, NGX_CHAT_TIME_CANARY_STORED,
                          ngx_chat_clock() - canary->sent);

        if (canary->heard) {
            ngx_chat_canary_end(canary);
        }

        return;                         /* else the timer tells */

    case NGX_CHAT_CANARY_IDLE:
        return;
    }
}


static void
ngx_chat_canary_on_error(ngx_chat_canary_t *canary, const chat_json_t *error)
{
    if (canary->state == NGX_CHAT_CANARY_JOINING && !canary->created
        && ngx_chat_canary_is_code(error, CHAT_CODE_NOT_FOUND))
    {
        ngx_chat_canary_create(canary);
        return;
    }

    if (canary->state == NGX_CHAT_CANARY_CREATING
        && ngx_chat_canary_is_code(error, CHAT_CODE_CONFLICT))
    {
        ngx_chat_canary_join(canary);   /* another node was faster */
        return;
    }

    if (ngx_chat_canary_is_code(error, CHAT_CODE_NOT_FOUND)) {
        canary->joined[canary->partition] = 0;      /* somebody deleted it */
    }

    ngx_chat_canary_fail(canary);
}


static ngx_uint_t
ngx_chat_canary_is_code(const chat_json_t *error, chat_code_e code)
{
    chat_json_member_t  m = { "code", { { NULL, 0 }, CHAT_JSON_NULL } };

    return error->type == CHAT_JSON_OBJECT
           && chat_json_collect(error, &m, 1) == CHAT_OK
           && chat_json_string_is_cstr(&m.value, chat_code_name(code));
}


/* its session was closed: it may not be let in any more, for example */

static void
ngx_chat_canary_on_lost(void *data)
{
    ngx_chat_canary_t  *canary = data;

    if (canary->state != NGX_CHAT_CANARY_IDLE) {
        ngx_chat_canary_fail(canary);
    }
}


/* a process that is to leave serves nobody to the end */

static void
ngx_chat_canary_fail(ngx_chat_canary_t *canary)
{
    if (!ngx_exiting) {
        ngx_chat_count(canary->node,
                       canary->heard ? NGX_CHAT_COUNT_CANARY_UNSTORED
                                     : NGX_CHAT_COUNT_CANARY_FAILED);
    }

    ngx_chat_canary_end(canary);
}


static void
ngx_chat_canary_end(ngx_chat_canary_t *canary)
{
    ngx_msec_t  passed, interval;

    canary->state = NGX_CHAT_CANARY_IDLE;

    passed = ngx_current_msec - canary->begun;
    interval = canary->node->conf->canary;

    ngx_add_timer(&canary->timer, interval > passed ? interval - passed : 1);
}
