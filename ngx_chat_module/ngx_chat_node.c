/*
 * The process as a whole: one nginx worker is one node.
 */

#include "ngx_chat.h"

#include <openssl/rand.h>


static void ngx_chat_node_free_event(ngx_event_t *ev);
static void ngx_chat_node_refill(ngx_chat_node_t *node);


ngx_int_t
ngx_chat_node_init(ngx_cycle_t *cycle, ngx_chat_main_conf_t *mcf)
{
    ngx_chat_node_t  *node;

    node = ngx_pcalloc(cycle->pool, sizeof(ngx_chat_node_t));
    if (node == NULL) {
        return NGX_ERROR;
    }

    node->conf = mcf;
    node->cycle = cycle;
    node->log = cycle->log;
    node->id.data = node->id_buf;
    node->id.len = CHAT_ID_LEN;
    ngx_chat_make_id(node, 0, ngx_chat_now(), node->id_buf);

    node->slot = ngx_chat_shm_attach(mcf);
    ngx_chat_count(node, NGX_CHAT_COUNT_NODES);
    ngx_chat_limit_attach(node);

    ngx_queue_init(&node->sessions);
    ngx_queue_init(&node->dead);
    ngx_chat_user_init(node);
    ngx_chat_lease_init(node);

    ngx_chat_flush_init(node);
    ngx_chat_inbox_init(node);
    ngx_chat_overload_init(node);

    node->free_event.handler = ngx_chat_node_free_event;
    node->free_event.data = node;
    node->free_event.log = cycle->log;

    ngx_chat_line_init(node);
    ngx_chat_need_init(node);
    ngx_chat_room_init(node);
    ngx_chat_ack_init(node);
    ngx_chat_compare_init(node);
    ngx_chat_typing_init(node);
    ngx_chat_report_init(node);
    ngx_chat_sessions_init(node);
    ngx_chat_deflate_init(node);
    ngx_chat_revoke_init(node);
    ngx_chat_watch_init(node);
    ngx_chat_subscriber_init(node);
    ngx_chat_bus_open(node);
    ngx_chat_jwks_init(node);

    if (ngx_chat_canary_init(node) != NGX_OK) {
        ngx_log_error(NGX_LOG_CRIT, node->log, 0,
                      "chat: no memory for the canary");
    }

    mcf->node = node;

    ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0, "chat: node %V started",
                  &node->id);

    return NGX_OK;
}


void
ngx_chat_node_done(ngx_chat_main_conf_t *mcf)
{
    ngx_queue_t         *q;
    ngx_chat_out_t      *out;
    ngx_chat_node_t     *node = mcf->node;
    ngx_chat_session_t  *s;

    if (node == NULL) {
        return;
    }

    ngx_chat_canary_done(node);

    while (!ngx_queue_empty(&node->sessions)) {
        q = ngx_queue_head(&node->sessions);
        s = ngx_queue_data(q, ngx_chat_session_t, queue);
        ngx_chat_session_stop(s);
    }

    ngx_chat_lease_done(node);
    ngx_chat_bus_close(node);           /* every pending answer has come */
    ngx_chat_user_done(node);
    ngx_chat_room_done(node);
    ngx_chat_subscriber_done(node);
    ngx_chat_watch_done(node);
    ngx_chat_need_done(node);
    ngx_chat_ack_done(node);
    ngx_chat_compare_done(node);
    ngx_chat_typing_done(node);
    ngx_chat_report_done(node);
    ngx_chat_sessions_done(node);
    ngx_chat_jwks_done(node);
    ngx_chat_revoke_done(node);
    ngx_chat_node_free_event(&node->free_event);
    ngx_chat_flush_done(node);
    ngx_chat_inbox_done(node);
    ngx_chat_overload_done(node);
    ngx_chat_deflate_done(node);

    if (node->free_event.posted) {
        ngx_delete_posted_event(&node->free_event);
    }

    while (node->free_out != NULL) {
        out = node->free_out;
        node->free_out = out->next;
        ngx_free(out);
    }

    ngx_chat_limit_detach(node);
    ngx_chat_shm_detach(node->slot);
    mcf->node = NULL;
}


/* the end of a turn: nobody holds the sessions that ended in it any more */

static void
ngx_chat_node_free_event(ngx_event_t *ev)
{
    ngx_queue_t         *q;
    ngx_chat_node_t     *node = ev->data;
    ngx_chat_session_t  *s;

    while (!ngx_queue_empty(&node->dead)) {
        q = ngx_queue_head(&node->dead);
        ngx_queue_remove(q);

        s = ngx_queue_data(q, ngx_chat_session_t, queue);
        ngx_chat_session_free(s);
    }

    ngx_chat_overload_look(node);       /* what they had waiting is gone */
}


uint64_t
ngx_chat_now(void)
{
    ngx_time_t  *tp = ngx_timeofday();

    return (uint64_t) tp->sec * 1000 + tp->msec;
}


uint64_t
ngx_chat_clock(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


void
ngx_chat_make_id(ngx_chat_node_t *node, ngx_uint_t partition, uint64_t ms,
    u_char id[CHAT_ID_LEN])
{
    if (node->nrandom == 0) {
        ngx_chat_node_refill(node);
    }

    node->nrandom--;
    chat_id_make(id, ms, partition, node->random[node->nrandom]);
}


/* a call of OpenSSL's generator costs much more than the bytes do */

static void
ngx_chat_node_refill(ngx_chat_node_t *node)
{
    size_t    i;
    uint8_t  *p = node->random[0];

    if (RAND_bytes(p, sizeof(node->random)) != 1) {

        /* ids must differ, they need not be secret */

        for (i = 0; i < sizeof(node->random); i++) {
            p[i] = ngx_random();
        }
    }

    node->nrandom = NGX_CHAT_RANDOM;
}
