/*
 * A Redis that is played by the input: stands in for ngx_chat_redis.c behind
 * the same header.
 */

#ifndef FUZZ_NODE_REDIS_H
#define FUZZ_NODE_REDIS_H


#include "../../../ngx_chat_module/ngx_chat.h"

#include "../fuzz_resp.h"


#define FAKE_CHANNELS  64


/* both links are up, and what a node subscribes to is confirmed */
void fake_redis_up(ngx_chat_node_t *node);

/* commands get NULL; the link is down until fake_redis_up() */
void fake_redis_down(ngx_chat_redis_t *link);

/* whoever is told to reset is; what asks for nothing that the input should
   say is answered; false: nothing was to be done */
bool fake_redis_turn(ngx_chat_node_t *node);

/* to the oldest command that waits; RESP */
void fake_redis_answer(chat_str_t resp);

/* what the next look at revocations is told; RESP */
void fake_redis_revoke(chat_str_t resp);

/* the oldest that is not, and the channel that is said: all if n is large */
void fake_redis_confirm(ngx_chat_node_t *node);
void fake_redis_publish(ngx_chat_node_t *node, unsigned channel,
    chat_str_t payload);
void fake_redis_publish_on(ngx_chat_node_t *node, const char *channel,
    chat_str_t payload);

void fake_redis_forget(void);


#endif /* FUZZ_NODE_REDIS_H */
