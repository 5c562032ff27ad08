/*
 * When an accepted change is answered.
 */

#include "ngx_chat.h"


void
ngx_chat_ack_reply(ngx_chat_request_t *rq, ngx_chat_buffer_t *reply,
    ngx_str_t place, uint64_t generation)
{
    (void) place;
    (void) generation;

    ngx_chat_request_done(rq, reply);
}
