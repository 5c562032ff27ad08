#include "presence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "number.h"


#define READ_USERS  200         /* in a call */
#define READ_AGAIN  100         /* ms until it is asked again */


static int read_all(presence_t *p, bool *missing);
static int read_some(presence_t *p, unsigned partition,
    presence_user_t **users, size_t n);
static int read_line(presence_user_t *user, chat_str_t line);


void
presence_fcall(presence_t *p, const char *function, unsigned partition)
{
    char  name[64], key[CHAT_NAME_PREFIX_LEN + sizeof("presence:")];

    (void) snprintf(name, sizeof(name), "chat_presence_v1_%s", function);
    (void) snprintf(key, sizeof(key), "chat:{p%02u}:presence:", partition);

    redis_args_fcall(&p->args, name, 1);
    redis_args_text(&p->args, key);
    redis_args_uint(&p->args, p->partitions);
}


const char *
presence_time(uint64_t ms, char text[PRESENCE_TIME])
{
    char       seconds[PRESENCE_TIME - 5] = "";
    time_t     t = (time_t) (ms / 1000);
    struct tm  tm;

    if (gmtime_r(&t, &tm) != NULL) {
        (void) strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &tm);
    }

    (void) snprintf(text, PRESENCE_TIME, "%s.%03uZ", seconds,
                    (unsigned) (ms % 1000));

    return text;
}


int
presence_read(presence_t *p)
{
    bool      missing;
    uint64_t  until = life_now() + p->wait * 1000;

    for ( ;; ) {

        if (read_all(p, &missing) == -1) {
            return -1;
        }

        if (!missing) {
            return 0;
        }

        if (life_now() + READ_AGAIN > until) {
            ctl_say("not known yet: is chat-presence there, and PostgreSQL?");
            return -1;
        }

        (void) life_wait(-1, 0, life_now() + READ_AGAIN, false);
    }
}


/* those who are not known yet, partition by partition */

static int
read_all(presence_t *p, bool *missing)
{
    size_t            i, n;
    unsigned          partition;
    presence_user_t  *user, *some[READ_USERS];

    *missing = false;

    for (partition = 0; partition < p->partitions; partition++) {

        for (i = 0, n = 0; i < p->n; i++) {
            user = &p->users[i];

            if (!user->known
                && chat_name_partition_qualified(mem_cstr(user->name),
                                                 p->partitions) == partition)
            {
                some[n] = user;
                n++;
            }

            if (n == READ_USERS || (n != 0 && i + 1 == p->n)) {

                if (read_some(p, partition, some, n) == -1) {
                    return -1;
                }

                n = 0;
            }
        }
    }

    for (i = 0; i < p->n; i++) {
        *missing = *missing || !p->users[i].known;
    }

    return 0;
}


/* that the partition has not settled yet says nothing about anybody */

static int
read_some(presence_t *p, unsigned partition, presence_user_t **users, size_t n)
{
    int          rc = 0;
    size_t       i;
    fcall_rc_e   answer;
    redisReply  *reply;

    presence_fcall(p, "read", partition);
    redis_args_text(&p->args, p->redis.identity);

    for (i = 0; i < n; i++) {
        redis_args_text(&p->args, users[i]->name);
    }

    reply = redis_call(&p->redis, &p->args);

    if (reply == NULL) {
        ctl_say("Redis: %s", p->redis.error);
        return -1;
    }

    answer = redis_answer(reply);

    if (answer == FCALL_OK) {
        for (i = 0; i < n && rc == 0; i++) {
            rc = read_line(users[i], redis_text(reply, i + 3));
        }

    } else if (answer != FCALL_CLOSED) {
        ctl_say("Redis: %s", reply->type == REDIS_REPLY_ERROR ? reply->str
                             : "it does not tell who is there");
        rc = -1;
    }

    freeReplyObject(reply);

    return rc;
}


/* "<state> <last seen> <text>", or nothing */

static int
read_line(presence_user_t *user, chat_str_t line)
{
    char        letter;
    chat_str_t  number;

    if (line.len < 4) {
        return 0;
    }

    letter = (char) line.data[0];
    number.data = line.data + 2;
    number.len = 0;

    while (number.len < line.len - 2 && number.data[number.len] != ' ') {
        number.len++;
    }

    if (chat_presence_read(&user->state, letter) != CHAT_OK
        || number_parse(number, INT64_MAX, &user->last) == -1
        || number.len + 3 > line.len)
    {
        ctl_say("Redis tells something strange of \"%s\"", user->name);
        return -1;
    }

    user->text = mem_strndup((chat_str_t) {
                     number.data + number.len + 1, line.len - number.len - 3
                 });
    user->known = true;

    return 0;
}
