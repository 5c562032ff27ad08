/*
 * One who comes, is silent, and goes.
 */

#include "arrivals.h"

#include <string.h>


static void user_on_open(wire_t *w);
static void user_on_text(wire_t *w, char *text, size_t len);
static void user_on_end(wire_t *w, const char *reason);


static const wire_handlers_t  user_handlers = {
    user_on_open,
    user_on_text,
    user_on_end
};


void
user_init(user_t *u, const char *token)
{
    u->wire.fd = -1;
    u->wire.handlers = &user_handlers;
    u->wire.owner = u;
    u->token = strdup(token);

    if (u->token == NULL) {
        wire_fail("out of memory");
    }
}


void
user_come(user_t *u, int epoll_fd, unsigned port)
{
    u->there = false;
    wire_open(&u->wire, epoll_fd, port, u->token);
}


void
user_go(user_t *u)
{
    u->moved_at = wire_now();
    wire_close(&u->wire);
}


static void
user_on_open(wire_t *w)
{
    (void) w;                           /* it is let in when it is greeted */
}


static void
user_on_text(wire_t *w, char *text, size_t len)
{
    user_t             *u = w->owner;
    static const char   greeting[] = "{\"type\":\"authenticated\"";

    if (!u->there && len >= sizeof(greeting) - 1
        && memcmp(text, greeting, sizeof(greeting) - 1) == 0)
    {
        u->there = true;
        u->moved_at = wire_now();
        arrivals_there();
    }
}


static void
user_on_end(wire_t *w, const char *reason)
{
    (void) w;

    wire_fail("a user was let go: %s", reason);
}
