/*
 * One who comes, perhaps looks who is in a room or subscribes to others, is
 * silent, and goes.
 */

#include "arrivals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


static void user_reply(user_t *u, const char *text, size_t len);
static bool user_is(const char *text, size_t len, const char *start);
static void user_look(user_t *u);
static void user_subscribe(user_t *u);
static void user_on_open(wire_t *w);
static void user_on_text(wire_t *w, char *text, size_t len);
static void user_on_end(wire_t *w, const char *reason);


static const wire_handlers_t  user_handlers = {
    user_on_open,
    user_on_text,
    user_on_end
};


uint64_t  user_texts;
uint64_t  user_bytes;


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
user_contacts(user_t *u, const char *numbers)
{
    size_t       size = 16;
    char        *p;
    const char  *c;

    for (c = numbers; *c != '\0'; c++) {
        size += *c == ',' ? 16 : 1;
    }

    u->contacts = p = calloc(1, size);

    if (p == NULL) {
        wire_fail("out of memory");
    }

    p += sprintf(p, "\"user-");

    for (c = numbers; *c != '\0'; c++) {
        if (*c == ',') {
            p += sprintf(p, "\",\"user-");
        } else {
            *p++ = *c;
        }
    }

    *p = '"';
}


void
user_come(user_t *u, int epoll_fd, unsigned port, const char *room)
{
    u->there = false;
    u->refused = false;
    u->asked_at = 0;
    u->room = room;
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
    user_t  *u = w->owner;

    user_texts++;
    user_bytes += len;

    if (u->there) {
        return;
    }

    if (user_is(text, len, "{\"type\":\"authenticated\"")) {
        user_look(u);
        user_subscribe(u);

    } else if (user_is(text, len, "{\"type\":\"reply\"")) {
        user_reply(u, text, len);
    }

    if (u->replies == 0) {
        u->there = true;
        u->moved_at = wire_now();
        arrivals_there();
    }
}


static void
user_reply(user_t *u, const char *text, size_t len)
{
    u->replies--;

    if (user_is(text, len, "{\"type\":\"reply\",\"id\":3,")) {
        u->told_at = wire_now();
        u->refused = !user_is(text, len, "{\"type\":\"reply\",\"id\":3,"
                                         "\"ok\":true");
        return;
    }

    if (!user_is(text, len, "{\"type\":\"reply\",\"id\":1,\"ok\":true")
        && !user_is(text, len, "{\"type\":\"reply\",\"id\":2,\"ok\":true"))
    {
        wire_fail("refused: %.*s", (int) len, text);
    }
}


static bool
user_is(const char *text, size_t len, const char *start)
{
    return len >= strlen(start) && memcmp(text, start, strlen(start)) == 0;
}


static void
user_look(user_t *u)
{
    int   len;
    char  text[512];

    if (u->room == NULL) {
        return;
    }

    len = snprintf(text, sizeof(text), "{\"type\":\"conversation.join\","
                   "\"id\":1,\"data\":{\"conversationId\":\"%s\"}}", u->room);
    wire_send(&u->wire, text, (size_t) len);

    len = snprintf(text, sizeof(text), "{\"type\":\"presence.get\",\"id\":2,"
                   "\"data\":{\"conversationId\":\"%s\",\"subscribe\":true}}",
                   u->room);
    wire_send(&u->wire, text, (size_t) len);

    u->replies = 2;
}


static void
user_subscribe(user_t *u)
{
    int   len;
    char  text[WIRE_MAX_TEXT];

    if (u->contacts == NULL) {
        return;
    }

    len = snprintf(text, sizeof(text), "{\"type\":\"presence.subscribe\","
                   "\"id\":3,\"data\":{\"userIds\":[%s]}}", u->contacts);
    wire_send(&u->wire, text, (size_t) len);

    u->asked_at = wire_now();
    u->replies++;
}


static void
user_on_end(wire_t *w, const char *reason)
{
    (void) w;

    wire_fail("a user was let go: %s", reason);
}
