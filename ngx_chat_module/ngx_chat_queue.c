/*
 * The requests of a session: which may run, and which wait.
 *
 * Those for one conversation run one after the other, others side by side; of
 * the elements of a batch a few at once.
 */

#include "ngx_chat.h"


static ngx_uint_t ngx_chat_queue_same_name(ngx_chat_request_t *a,
    ngx_chat_request_t *b);
static ngx_uint_t ngx_chat_queue_is_ready(ngx_chat_request_t *rq);
static ngx_uint_t ngx_chat_queue_may_run(ngx_chat_request_t *rq);
static void ngx_chat_queue_on_begin(ngx_event_t *ev);


/* the elements of batches are counted apart, as their client has sent one, and
   what it has not asked for is not counted */

void
ngx_chat_queue_insert(ngx_chat_request_t *rq)
{
    ngx_chat_session_t  *s = rq->session;

    ngx_queue_insert_tail(&s->requests, &rq->queue);
    s->nready++;

    if (rq->element != NULL) {
        s->nelements++;

    } else if (!rq->unasked) {
        s->nrequests++;
        ngx_chat_session_count(s, NGX_CHAT_COUNT_OUTSTANDING, 1);
    }
}


/* it has its name, and only elements of its own follow it */

void
ngx_chat_queue_enter(ngx_chat_request_t *rq)
{
    ngx_queue_t         *q;
    ngx_chat_request_t  *other;

    for (q = ngx_queue_head(&rq->session->requests);
         q != &rq->queue;
         q = ngx_queue_next(q))
    {
        other = ngx_queue_data(q, ngx_chat_request_t, queue);

        if (ngx_chat_queue_same_name(rq, other)) {
            rq->session->nready -= ngx_chat_queue_is_ready(rq);
            rq->blocked = 1;
            return;
        }
    }
}


ngx_chat_request_t *
ngx_chat_queue_add(ngx_chat_session_t *s, const chat_request_t *parsed,
    ngx_chat_element_t *element)
{
    ngx_chat_request_t  *rq;

    rq = ngx_chat_request_create(s, parsed, chat_str(""));
    if (rq == NULL) {
        return NULL;
    }

    rq->element = element;
    rq->unasked = element == NULL;

    ngx_chat_queue_insert(rq);
    (void) ngx_chat_request_name(rq);   /* it has one */
    ngx_chat_queue_enter(rq);

    return rq;
}


/* the next one of its name may run */

void
ngx_chat_queue_remove(ngx_chat_request_t *rq)
{
    ngx_queue_t         *q;
    ngx_chat_request_t  *next;
    ngx_chat_session_t  *s = rq->session;

    for (q = ngx_queue_next(&rq->queue);
         q != ngx_queue_sentinel(&s->requests) && !rq->blocked;
         q = ngx_queue_next(q))
    {
        next = ngx_queue_data(q, ngx_chat_request_t, queue);

        if (ngx_chat_queue_same_name(rq, next)) {

            if (next->blocked) {
                next->blocked = 0;
                s->nready += ngx_chat_queue_is_ready(next);
            }

            break;
        }
    }

    s->nready -= ngx_chat_queue_is_ready(rq);
    ngx_queue_remove(&rq->queue);

    if (rq->element != NULL) {
        rq->element = NULL;
        s->nelements--;

    } else if (!rq->unasked) {
        s->nrequests--;
        ngx_chat_session_count(s, NGX_CHAT_COUNT_OUTSTANDING, -1);
    }
}


static ngx_uint_t
ngx_chat_queue_same_name(ngx_chat_request_t *a, ngx_chat_request_t *b)
{
    return a->hash == b->hash
           && a->name.base.len == b->name.base.len
           && ngx_memcmp(a->base, b->base, a->name.base.len) == 0;
}


void
ngx_chat_queue_begin(ngx_chat_request_t *rq)
{
    rq->session->nready -= ngx_chat_queue_is_ready(rq);
    rq->running = 1;
}


/*
 * A request that is answered at once leaves the queue while we walk it, so the
 * walk begins again.  A client may have many under way, which answers come to
 * one after the other: where none is ready there is no walk.
 */

void
ngx_chat_queue_advance(ngx_chat_session_t *s)
{
    ngx_queue_t         *q;
    ngx_chat_request_t  *rq;

    if (s->advancing) {
        return;                         /* the outer call goes on */
    }

    s->advancing = 1;

again:

    for (q = ngx_queue_head(&s->requests);
         q != ngx_queue_sentinel(&s->requests) && s->nready > 0;
         q = ngx_queue_next(q))
    {
        rq = ngx_queue_data(q, ngx_chat_request_t, queue);

        if (ngx_chat_queue_may_run(rq)) {

            if (!ngx_chat_revoke_pass(s)) {
                break;                  /* nothing runs any more */
            }

            ngx_chat_queue_begin(rq);
            ngx_chat_request_begin(rq);

            goto again;
        }
    }

    s->advancing = 0;
}


/* but for what its batch says; session->nready are so many */

static ngx_uint_t
ngx_chat_queue_is_ready(ngx_chat_request_t *rq)
{
    return !rq->running && !rq->blocked;
}


static ngx_uint_t
ngx_chat_queue_may_run(ngx_chat_request_t *rq)
{
    return ngx_chat_queue_is_ready(rq)
           && (rq->element == NULL || ngx_chat_batch_begin(rq->element));
}


/*
 * A join that the client has not asked for, and will not hear of.  It is run
 * when the event loop comes round, unless others have made way for it before:
 * the caller may be walking a room.
 */

void
ngx_chat_queue_rejoin(ngx_chat_session_t *s, ngx_chat_name_t *name)
{
    size_t               skip;
    chat_request_t       parsed;
    ngx_chat_request_t  *rq;

    if (s->draining) {
        return;                         /* it ends, and resumes elsewhere */
    }

    skip = CHAT_NAME_PREFIX_LEN + sizeof("c:") - 1 + s->identity->tenant.len
           + 1;

    ngx_memzero(&parsed, sizeof(chat_request_t));
    parsed.type = CHAT_REQUEST_CONVERSATION_JOIN;
    parsed.id = chat_str("null");
    parsed.conversation.len = name->base.len - skip;
    ngx_memcpy(parsed.conversation.data, name->base.data + skip,
               parsed.conversation.len);

    rq = ngx_chat_queue_add(s, &parsed, NULL);
    if (rq == NULL) {
        ngx_chat_session_doom(s, NGX_CHAT_CLOSE_INTERNAL);
        return;
    }

    rq->timer.handler = ngx_chat_queue_on_begin;
    ngx_add_timer(&rq->timer, 0);
}


static void
ngx_chat_queue_on_begin(ngx_event_t *ev)
{
    ngx_chat_request_t  *rq = ev->data;
    ngx_chat_session_t  *s = rq->session;

    ngx_chat_request_set_deadline(rq);
    ngx_chat_queue_advance(s);
}
