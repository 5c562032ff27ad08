/*
 * The report of a node, for "chatctl doctor": what it holds, in parts of some
 * rooms each, one part per turn of the loop.  Asked for on "chat:nodes" with
 * "report <token>", it is published to "chat:doctor:<token>".
 *
 *   node <id> pid <pid> part <i> of <n> sessions <n> rooms <n> gaps <n>
 *       revoked <last change> <sure|unsure> host <name> master <pid>
 *       <serves|leaves> lost <n> doubled <n> repaired <n>  (in one line)
 *   <base> <revision> <generation> <live joins> <ok|stale|opening>
 *   ...
 *
 * What was lost and doubled is of the canaries, and what was repaired of the
 * rooms, of all processes of this nginx, those that have ended among them.
 *
 * Rooms are told in the order of their tree, so that those that come and go
 * meanwhile do no harm; how many parts there are is told beforehand.
 */

#include "ngx_chat.h"


#define NGX_CHAT_REPORT_ROOMS     500       /* of one part */
#define NGX_CHAT_REPORT_PAUSE     1000      /* ms between reports */
#define NGX_CHAT_REPORT_CHANNEL   "chat:doctor:"
#define NGX_CHAT_REPORT_HEAD      (512 + NGX_MAXHOSTNAMELEN)    /* bytes */
#define NGX_CHAT_REPORT_LINE      (CHAT_NAME_MAX_BASE + 3 * NGX_INT64_LEN + 16)


static void ngx_chat_report_on_timer(ngx_event_t *ev);
static ngx_int_t ngx_chat_report_part(ngx_chat_node_t *node, u_char *text);
static u_char *ngx_chat_report_head(ngx_chat_node_t *node, u_char *p);
static u_char *ngx_chat_report_room(u_char *p, ngx_chat_room_t *room);
static void ngx_chat_report_on_sent(void *data, redisReply *reply);


void
ngx_chat_report_init(ngx_chat_node_t *node)
{
    ngx_event_t  *ev = &node->report.timer;

    ev->handler = ngx_chat_report_on_timer;
    ev->data = node;
    ev->log = node->log;
    ev->cancelable = 1;
}


void
ngx_chat_report_done(ngx_chat_node_t *node)
{
    if (node->report.timer.timer_set) {
        ngx_del_timer(&node->report.timer);
    }
}


void
ngx_chat_report_begin(ngx_chat_node_t *node, ngx_str_t *token)
{
    ngx_chat_report_t  *report = &node->report;

    if (!ngx_chat_report_is_token(token)) {
        ngx_log_error(NGX_LOG_INFO, node->log, 0,
                      "chat: a report was asked for with a bad token");
        return;
    }

    if (report->timer.timer_set
        || (report->begun != 0
            && ngx_current_msec - report->begun < NGX_CHAT_REPORT_PAUSE))
    {
        return;
    }

    ngx_memcpy(report->token, token->data, token->len);
    report->token_len = token->len;
    report->begun = ngx_current_msec;
    report->part = 0;
    report->parts = (ngx_chat_count_own(node, NGX_CHAT_COUNT_ROOMS)
                     + NGX_CHAT_REPORT_ROOMS - 1)
                    / NGX_CHAT_REPORT_ROOMS;
    report->parts = ngx_max(report->parts, 1);
    report->last.len = 0;
    report->last.data = report->last_buf;
    report->last_key = 0;

    ngx_add_timer(&report->timer, 0);
}


ngx_uint_t
ngx_chat_report_is_token(ngx_str_t *token)
{
    size_t  i;
    u_char  c;

    for (i = 0; i < token->len; i++) {
        c = token->data[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z')
            && !(c >= 'A' && c <= 'Z') && c != '-')
        {
            return 0;
        }
    }

    return token->len > 0 && token->len <= NGX_CHAT_REPORT_TOKEN;
}


static void
ngx_chat_report_on_timer(ngx_event_t *ev)
{
    u_char           *text;
    ngx_int_t         rc;
    ngx_chat_node_t  *node = ev->data;

    text = ngx_alloc(NGX_CHAT_REPORT_HEAD
                     + NGX_CHAT_REPORT_ROOMS * NGX_CHAT_REPORT_LINE,
                     node->log);
    if (text == NULL) {
        return;
    }

    rc = ngx_chat_report_part(node, text);
    ngx_free(text);

    /* a part that cannot be sent ends it: whoever asked may ask again */

    if (rc == NGX_OK && node->report.part < node->report.parts) {
        ngx_add_timer(ev, 1);
    }
}


static ngx_int_t
ngx_chat_report_part(ngx_chat_node_t *node, u_char *text)
{
    u_char              *p, channel[sizeof(NGX_CHAT_REPORT_CHANNEL)
                                    + NGX_CHAT_REPORT_TOKEN];
    ngx_uint_t           i;
    ngx_chat_call_t      call;
    ngx_chat_room_t     *room;
    ngx_chat_report_t   *report = &node->report;

    report->part++;

    p = ngx_chat_report_head(node, text);

    for (i = 0; i < NGX_CHAT_REPORT_ROOMS; i++) {
        room = (ngx_chat_room_t *) ngx_chat_report_next(&node->rooms,
                                                        report->last_key,
                                                        &report->last);

        if (room == NULL) {
            break;
        }

        p = ngx_chat_report_room(p, room);

        report->last_key = room->node.node.key;
        report->last.len = room->node.str.len;
        ngx_memcpy(report->last.data, room->node.str.data, report->last.len);
    }

    call.n = 0;
    ngx_chat_call_add_cstr(&call, "PUBLISH");
    ngx_chat_call_add(&call, channel,
                      ngx_sprintf(channel, NGX_CHAT_REPORT_CHANNEL "%*s",
                                  report->token_len, report->token)
                      - channel);
    ngx_chat_call_add(&call, text, p - text);

    return ngx_chat_call_send(&call, node, ngx_chat_report_on_sent, node);
}


static u_char *
ngx_chat_report_head(ngx_chat_node_t *node, u_char *p)
{
    ngx_chat_totals_t  totals;

    ngx_chat_shm_read(node->conf, &totals);

    p = ngx_sprintf(p, "node %V pid %P part %ui of %ui sessions %uL "
                    "rooms %uL gaps %uL revoked %uL %s", &node->id,
                    ngx_pid, node->report.part, node->report.parts,
                    ngx_chat_count_own(node, NGX_CHAT_COUNT_SESSIONS),
                    ngx_chat_count_own(node, NGX_CHAT_COUNT_ROOMS),
                    ngx_chat_count_own(node, NGX_CHAT_COUNT_GAPS),
                    node->revoke.mark,
                    ngx_chat_revoke_is_sure(node) ? "sure" : "unsure");

    return ngx_sprintf(p, " host %V master %P %s lost %uL doubled %uL "
                       "repaired %uL\n", &node->cycle->hostname, ngx_parent,
                       ngx_exiting ? "leaves" : "serves",
                       totals.counts[NGX_CHAT_COUNT_CANARY_LOST],
                       totals.counts[NGX_CHAT_COUNT_CANARY_DOUBLED],
                       totals.counts[NGX_CHAT_COUNT_GAPS]);
}


static u_char *
ngx_chat_report_room(u_char *p, ngx_chat_room_t *room)
{
    ngx_uint_t        live;
    const char       *state;
    ngx_queue_t      *q;
    ngx_chat_join_t  *join;

    live = 0;

    for (q = ngx_queue_head(&room->joins);
         q != ngx_queue_sentinel(&room->joins);
         q = ngx_queue_next(q))
    {
        join = ngx_queue_data(q, ngx_chat_join_t, room_queue);
        live += join->state == NGX_CHAT_JOIN_LIVE;
    }

    state = !room->positioned ? "opening" : room->stale ? "stale" : "ok";

    return ngx_sprintf(p, "%V %uL %uL %ui %s\n", &room->node.str,
                       room->revision, room->generation, live, state);
}


/* the order of the tree is by key, length and bytes of the name */

ngx_str_node_t *
ngx_chat_report_next(ngx_rbtree_t *tree, uint32_t key, ngx_str_t *last)
{
    ngx_int_t           rc;
    ngx_str_node_t     *sn;
    ngx_rbtree_node_t  *rn, *next;

    next = NULL;
    rn = tree->root;

    while (rn != tree->sentinel) {
        sn = (ngx_str_node_t *) rn;

        if (last->len == 0) {
            rc = 1;

        } else if (rn->key != key) {
            rc = rn->key > key ? 1 : -1;

        } else if (sn->str.len != last->len) {
            rc = sn->str.len > last->len ? 1 : -1;

        } else {
            rc = ngx_memcmp(sn->str.data, last->data, last->len);
        }

        if (rc > 0) {
            next = rn;
            rn = rn->left;

        } else {
            rn = rn->right;
        }
    }

    return (ngx_str_node_t *) next;
}


static void
ngx_chat_report_on_sent(void *data, redisReply *reply)
{
    ngx_chat_node_t  *node = data;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_WARN, node->log, 0,
                      "chat: redis refused a report: \"%s\"", reply->str);
    }
}
