#include "persist.h"

#include <stdio.h>
#include <string.h>

#include "log.h"


const char *
part_key(const part_t *part, const char *name, char key[PART_KEY_LEN])
{
    (void) snprintf(key, PART_KEY_LEN, "%s%s", part->prefix, name);

    return key;
}


part_t *
part_find(persist_t *p, chat_str_t key, chat_str_t *name)
{
    part_t  *part;

    for (part = p->parts; part < p->parts + p->npartitions; part++) {

        if (key.len > CHAT_NAME_PREFIX_LEN
            && memcmp(key.data, part->prefix, CHAT_NAME_PREFIX_LEN) == 0)
        {
            name->data = key.data + CHAT_NAME_PREFIX_LEN;
            name->len = key.len - CHAT_NAME_PREFIX_LEN;
            return part;
        }
    }

    return NULL;
}


void
part_fcall(persist_t *p, const part_t *part, const char *name)
{
    redis_args_fcall(&p->args, name, 1);
    redis_args_text(&p->args, part->prefix);
    redis_args_uint(&p->args, part->fence);
}


void
part_fcall_open(persist_t *p, const part_t *part, const char *name,
    const char *base)
{
    redis_args_fcall(&p->args, name, base != NULL ? 2 : 1);
    redis_args_text(&p->args, part->prefix);

    if (base != NULL) {
        redis_args_text(&p->args, base);
    }

    redis_args_uint(&p->args, part->fence);
    redis_args_text(&p->args, part->identity);
    redis_args_uint(&p->args, part->generation);
}


void
part_look_again(persist_t *p, part_t *part)
{
    if (part->state == PART_OPEN) {
        part->state = PART_HELD;
    }

    p->lease_at = 0;        /* perhaps it is not ours any more */
}


/* in the row, for people only: the log has told already */

static void
part_mark(persist_t *p, const part_t *part, const char *reason)
{
    PGresult     *res;
    db_params_t   ps = { 0 };

    if (!db_is_open(&p->db)) {
        return;
    }

    db_param_uint(&ps, part->p);
    db_param_text(&ps, p->holder);
    db_param_text(&ps, reason);

    res = db_query(&p->db, "UPDATE chat.partition SET stopped = nullif($3, '')"
                           " WHERE p = $1 AND holder = $2", &ps);
    PQclear(res);
}


void
part_stop(persist_t *p, part_t *part, const char *reason)
{
    log_alert("partition is stopped", log_uint("partition", part->p),
              log_str("reason", reason));

    part->state = PART_STOPPED;
    part->marked = true;
    part_mark(p, part, reason);
}


void
part_unmark(persist_t *p, part_t *part)
{
    if (part->marked) {
        part->marked = false;
        part_mark(p, part, "");
    }
}
