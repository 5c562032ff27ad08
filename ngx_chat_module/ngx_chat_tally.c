/*
 * What is counted of handshakes, requests and sessions, and what a node looks
 * at once a second for those who watch it.  The canary is not counted.
 */

#include "ngx_chat.h"

#include <sys/resource.h>


#define NGX_CHAT_TALLY_NO_GROUP  NGX_CHAT_TIMES
#define NGX_CHAT_TALLY_STATM     64     /* bytes of /proc/self/statm that say
                                           what we want */


static ngx_chat_count_e ngx_chat_tally_result(ngx_chat_count_e first,
    chat_code_e code);
static ngx_chat_count_e ngx_chat_tally_close(ngx_chat_session_t *s);
static ngx_chat_count_e ngx_chat_tally_left(ngx_uint_t code);
static uint64_t ngx_chat_tally_us(struct timeval *tv);
static size_t ngx_chat_tally_resident(void);


/* whose replies are measured together */

static const ngx_chat_time_e  ngx_chat_tally_groups[CHAT_REQUEST_UNKNOWN] = {
    [CHAT_REQUEST_AUTHENTICATE] = NGX_CHAT_TALLY_NO_GROUP,
    [CHAT_REQUEST_PING] = NGX_CHAT_TALLY_NO_GROUP,
    [CHAT_REQUEST_CONVERSATION_JOIN] = NGX_CHAT_TIME_REPLY_JOIN,
    [CHAT_REQUEST_CONVERSATION_LEAVE] = NGX_CHAT_TALLY_NO_GROUP,
    [CHAT_REQUEST_CONVERSATION_LIST] = NGX_CHAT_TIME_REPLY_READ,
    [CHAT_REQUEST_CONVERSATION_CREATE] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_CONVERSATION_UPDATE] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_CONVERSATION_DELETE] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_MEMBER_ADD] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_MEMBER_UPDATE] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_MEMBER_REMOVE] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_MEMBER_LIST] = NGX_CHAT_TIME_REPLY_READ,
    [CHAT_REQUEST_MESSAGE_SEND] = NGX_CHAT_TIME_REPLY_SEND,
    [CHAT_REQUEST_MESSAGE_EDIT] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_MESSAGE_DELETE] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_REACTION_ADD] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_REACTION_REMOVE] = NGX_CHAT_TIME_REPLY_CHANGE,
    [CHAT_REQUEST_HISTORY_GET] = NGX_CHAT_TIME_REPLY_READ,
    [CHAT_REQUEST_READ_MARK] = NGX_CHAT_TIME_REPLY_MARK,
    [CHAT_REQUEST_DELIVERED_MARK] = NGX_CHAT_TIME_REPLY_MARK,
    [CHAT_REQUEST_TYPING_START] = NGX_CHAT_TIME_REPLY_MARK,
    [CHAT_REQUEST_TYPING_STOP] = NGX_CHAT_TIME_REPLY_MARK,
    [CHAT_REQUEST_PRESENCE_SET] = NGX_CHAT_TIME_REPLY_MARK,
    [CHAT_REQUEST_PRESENCE_SUBSCRIBE] = NGX_CHAT_TIME_REPLY_READ,
    [CHAT_REQUEST_PRESENCE_UNSUBSCRIBE] = NGX_CHAT_TALLY_NO_GROUP,
    [CHAT_REQUEST_PRESENCE_GET] = NGX_CHAT_TIME_REPLY_READ,
};


/* what it is closed with by us */

static const struct {
    uint16_t          code;
    ngx_chat_count_e  count;
} ngx_chat_tally_closes[] = {
    { NGX_CHAT_CLOSE_STOPPED, NGX_CHAT_COUNT_CLOSED_STOPPED },
    { NGX_CHAT_CLOSE_PROTOCOL, NGX_CHAT_COUNT_CLOSED_PROTOCOL },
    { NGX_CHAT_CLOSE_UNSUPPORTED, NGX_CHAT_COUNT_CLOSED_UNSUPPORTED },
    { NGX_CHAT_CLOSE_INVALID, NGX_CHAT_COUNT_CLOSED_INVALID },
    { NGX_CHAT_CLOSE_TOO_BIG, NGX_CHAT_COUNT_CLOSED_TOO_BIG },
    { NGX_CHAT_CLOSE_INTERNAL, NGX_CHAT_COUNT_CLOSED_INTERNAL },
    { NGX_CHAT_CLOSE_RESTART, NGX_CHAT_COUNT_CLOSED_RESTART },
    { NGX_CHAT_CLOSE_OVERLOADED, NGX_CHAT_COUNT_CLOSED_OVERLOADED },
    { NGX_CHAT_CLOSE_UNAUTHORIZED, NGX_CHAT_COUNT_CLOSED_UNAUTHORIZED },
    { NGX_CHAT_CLOSE_REVOKED, NGX_CHAT_COUNT_CLOSED_REVOKED },
    { NGX_CHAT_CLOSE_NO_HEARTBEAT, NGX_CHAT_COUNT_CLOSED_NO_HEARTBEAT },
    { NGX_CHAT_CLOSE_SLOW, NGX_CHAT_COUNT_CLOSED_SLOW },
    { NGX_CHAT_CLOSE_FLOODING, NGX_CHAT_COUNT_CLOSED_FLOODING },
};


/* since the request began; nginx' clock of that is of the wall, in ms */

void
ngx_chat_tally_accepted(ngx_chat_node_t *node, ngx_http_request_t *r)
{
    int64_t         us;
    struct timeval  tv;

    ngx_chat_count(node, NGX_CHAT_COUNT_HANDSHAKES_ACCEPTED);

    ngx_gettimeofday(&tv);

    us = ((int64_t) tv.tv_sec - r->start_sec) * 1000000
         + tv.tv_usec - (int64_t) r->start_msec * 1000;

    ngx_chat_time_add(node, NGX_CHAT_TIME_HANDSHAKE, ngx_max(us, 0));
}


void
ngx_chat_tally_refused(ngx_chat_node_t *node, chat_code_e code)
{
    ngx_chat_count(node, NGX_CHAT_COUNT_HANDSHAKES_REFUSED + code);
}


void
ngx_chat_tally_done(ngx_chat_session_t *s, chat_request_type_e type)
{
    if (!s->internal) {
        ngx_chat_count(s->node, NGX_CHAT_COUNT_REQUESTS
                                + NGX_CHAT_RESULTS * type);
    }
}


void
ngx_chat_tally_error(ngx_chat_session_t *s, chat_request_type_e type,
    chat_code_e code)
{
    if (!s->internal) {
        ngx_chat_count(s->node,
                       ngx_chat_tally_result(NGX_CHAT_COUNT_REQUESTS
                                             + NGX_CHAT_RESULTS * type, code));
        ngx_chat_count(s->node, NGX_CHAT_COUNT_ERRORS + code);
    }
}


/* whose fault it is */

static ngx_chat_count_e
ngx_chat_tally_result(ngx_chat_count_e first, chat_code_e code)
{
    switch (code) {

    case CHAT_CODE_BAD_REQUEST:
    case CHAT_CODE_UNAUTHORIZED:
    case CHAT_CODE_FORBIDDEN:
    case CHAT_CODE_NOT_FOUND:
    case CHAT_CODE_CONFLICT:
    case CHAT_CODE_TOO_LARGE:
    case CHAT_CODE_RATE_LIMITED:
    case CHAT_CODE_UNSUPPORTED:
        return first + NGX_CHAT_RESULT_REFUSED;

    case CHAT_CODE_UNAVAILABLE:
    case CHAT_CODE_TIMEOUT:
    case CHAT_CODE_INTERNAL:
        break;
    }

    return first + NGX_CHAT_RESULT_FAILED;
}


void
ngx_chat_tally_reply(ngx_chat_request_t *rq)
{
    ngx_chat_time_e      group;
    ngx_chat_session_t  *s = rq->session;

    if (rq->begun == 0 || s->internal) {
        return;
    }

    group = ngx_chat_tally_groups[rq->parsed.type];

    if (group != NGX_CHAT_TALLY_NO_GROUP) {
        ngx_chat_time_add(s->node, group, ngx_chat_clock() - rq->begun);
    }
}


void
ngx_chat_tally_ended(ngx_chat_session_t *s)
{
    if (!s->internal) {
        ngx_chat_count(s->node, ngx_chat_tally_close(s));
    }
}


static ngx_chat_count_e
ngx_chat_tally_close(ngx_chat_session_t *s)
{
    ngx_uint_t  i, n;

    if (s->close_code == NGX_CHAT_CLOSE_ABNORMAL) {
        return NGX_CHAT_COUNT_LOST;
    }

    if (s->left) {
        return ngx_chat_tally_left(s->close_code);
    }

    n = sizeof(ngx_chat_tally_closes) / sizeof(ngx_chat_tally_closes[0]);

    for (i = 0; i < n; i++) {
        if (ngx_chat_tally_closes[i].code == s->close_code) {
            return ngx_chat_tally_closes[i].count;
        }
    }

    return NGX_CHAT_COUNT_CLOSED_OTHER;
}


static ngx_chat_count_e
ngx_chat_tally_left(ngx_uint_t code)
{
    switch (code) {

    case NGX_CHAT_CLOSE_NORMAL:
        return NGX_CHAT_COUNT_LEFT_NORMAL;

    case NGX_CHAT_CLOSE_STOPPED:        /* "going away", from a browser */
        return NGX_CHAT_COUNT_LEFT_GOING_AWAY;

    case NGX_CHAT_CLOSE_NO_STATUS:
        return NGX_CHAT_COUNT_LEFT_NO_STATUS;

    default:
        return NGX_CHAT_COUNT_LEFT_OTHER;
    }
}


/* what costs more to count as it happens than to look at now and then */

void
ngx_chat_tally_look(ngx_chat_node_t *node)
{
    struct rusage      ru;
    ngx_chat_worker_t  worker;

    ngx_chat_count_set(node, NGX_CHAT_COUNT_REDIS_PENDING,
                       node->command.pending_bytes);

    ngx_memzero(&worker, sizeof(ngx_chat_worker_t));

    if (getrusage(RUSAGE_SELF, &ru) == 0) {
        worker.user = ngx_chat_tally_us(&ru.ru_utime);
        worker.system = ngx_chat_tally_us(&ru.ru_stime);
    }

    worker.resident = ngx_chat_tally_resident();

    ngx_chat_shm_look(node->slot, &worker);
}


static uint64_t
ngx_chat_tally_us(struct timeval *tv)
{
    return (uint64_t) tv->tv_sec * 1000000 + tv->tv_usec;
}


/* the second number in the file, in pages; 0 where there is none */

static size_t
ngx_chat_tally_resident(void)
{
    u_char    text[NGX_CHAT_TALLY_STATM + 1], *p, *last;
    ssize_t   n;
    ngx_fd_t  fd;
    ngx_int_t pages;

    fd = ngx_open_file("/proc/self/statm", NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);
    if (fd == NGX_INVALID_FILE) {
        return 0;
    }

    n = ngx_read_fd(fd, text, NGX_CHAT_TALLY_STATM);
    (void) ngx_close_file(fd);

    if (n <= 0) {
        return 0;
    }

    text[n] = '\0';
    p = ngx_strlchr(text, text + n, ' ');

    if (p == NULL) {
        return 0;
    }

    last = ngx_strlchr(++p, text + n, ' ');

    if (last == NULL) {
        return 0;
    }

    pages = ngx_atoi(p, last - p);

    return pages == NGX_ERROR ? 0 : (size_t) pages * ngx_pagesize;
}
