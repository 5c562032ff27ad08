#include "chat_request_read.h"

#include <string.h>


#define CHAT_REQUEST_MAX_IDS  200       /* the largest of what follows */

_Static_assert(CHAT_REQUEST_MAX_MEMBERS <= CHAT_REQUEST_MAX_IDS
               && CHAT_REQUEST_MAX_MENTIONS <= CHAT_REQUEST_MAX_IDS
               && CHAT_REQUEST_MAX_USERS <= CHAT_REQUEST_MAX_IDS,
               "arrays of ids are held in one array");


/* an array of ids: its bound, and what to say of it */

typedef struct {
    size_t       max;
    const char  *no_array;
    const char  *too_many;
    const char  *no_id;
    const char  *twice;                 /* NULL: it does no harm */
} chat_request_ids_t;


static bool chat_request_role_among(chat_request_t *rq,
    const chat_json_t *value, chat_role_e last);
static const char *chat_request_read_ids(chat_json_t *ids, uint32_t *nids,
    const chat_json_t *value, const chat_request_ids_t *is);
static bool chat_request_id_among(const chat_request_id_t *id,
    const chat_request_id_t *ids, size_t n);
static void chat_request_write_between(chat_writer_t *w,
    const chat_json_t *ids, const char *separator);


const char *
chat_request_read_user(chat_request_t *rq, const chat_json_t *value)
{
    if (chat_request_get_name(value, &rq->user) != CHAT_OK) {
        return "\"userId\" must be 1 to 64 characters from "
               "A-Z a-z 0-9 _ . : @ -";
    }

    return NULL;
}


/* of somebody new: blocking is what member.update does */

const char *
chat_request_read_new_role(chat_request_t *rq, const chat_json_t *value)
{
    if (!chat_request_role_among(rq, value, CHAT_ROLE_MEMBER)) {
        return "\"role\" must be \"owner\", \"admin\", \"moderator\" or "
               "\"member\"";
    }

    return NULL;
}


const char *
chat_request_read_role(chat_request_t *rq, const chat_json_t *value)
{
    if (!chat_request_role_among(rq, value, CHAT_ROLE_BLOCKED)) {
        return "\"role\" must be \"owner\", \"admin\", \"moderator\", "
               "\"member\" or \"blocked\"";
    }

    return NULL;
}


static bool
chat_request_role_among(chat_request_t *rq, const chat_json_t *value,
    chat_role_e last)
{
    size_t  i;

    for (i = 0; i <= last; i++) {
        if (chat_json_string_is_cstr(value, chat_role_name(i))) {
            rq->role = i;
            rq->has_role = true;

            return true;
        }
    }

    return false;
}


const char *
chat_request_read_members(chat_request_t *rq, const chat_json_t *value)
{
    static const chat_request_ids_t  is = {
        .max = CHAT_REQUEST_MAX_MEMBERS,
        .no_array = "\"members\" must be an array of user ids",
        .too_many = "\"members\" may hold 100 at most",
        .no_id = "each of \"members\" must be 1 to 64 characters from "
                 "A-Z a-z 0-9 _ . : @ -",
        .twice = "\"members\" names a user twice"
    };

    return chat_request_read_ids(&rq->members, &rq->nmembers, value, &is);
}


const char *
chat_request_read_mentions(chat_request_t *rq, const chat_json_t *value)
{
    static const chat_request_ids_t  is = {
        .max = CHAT_REQUEST_MAX_MENTIONS,
        .no_array = "\"mentions\" must be an array of user ids",
        .too_many = "\"mentions\" may hold 200 at most",
        .no_id = "each of \"mentions\" must be 1 to 64 characters from "
                 "A-Z a-z 0-9 _ . : @ -",
        .twice = "\"mentions\" names a user twice"
    };

    return chat_request_read_ids(&rq->mentions, &rq->nmentions, value, &is);
}


/* asked about or watched, once or twice is the same */

const char *
chat_request_read_users(chat_request_t *rq, const chat_json_t *value)
{
    const char  *wrong;

    static const chat_request_ids_t  is = {
        .max = CHAT_REQUEST_MAX_USERS,
        .no_array = "\"userIds\" must be an array of user ids",
        .too_many = "\"userIds\" may hold 200 at most",
        .no_id = "each of \"userIds\" must be 1 to 64 characters from "
                 "A-Z a-z 0-9 _ . : @ -"
    };

    wrong = chat_request_read_ids(&rq->users, &rq->nusers, value, &is);

    if (wrong != NULL) {
        return wrong;
    }

    return rq->nusers != 0 ? NULL : "\"userIds\" is empty";
}


/* a member or a mention is a row, or a part of one, with a unique key later
   on, so that nobody may be named twice there */

static const char *
chat_request_read_ids(chat_json_t *ids, uint32_t *nids,
    const chat_json_t *value, const chat_request_ids_t *is)
{
    size_t             n;
    chat_json_t        element;
    chat_json_iter_t   it;
    chat_request_id_t  seen[CHAT_REQUEST_MAX_IDS];

    if (value->type != CHAT_JSON_ARRAY) {
        return is->no_array;
    }

    n = 0;

    chat_json_iter(&it, value);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {

        if (n == is->max) {
            return is->too_many;
        }

        if (chat_request_get_name(&element, &seen[n]) != CHAT_OK) {
            return is->no_id;
        }

        if (is->twice != NULL && chat_request_id_among(&seen[n], seen, n)) {
            return is->twice;
        }

        n++;
    }

    if (n != 0) {
        *ids = *value;
        *nids = n;
    }

    return NULL;
}


static bool
chat_request_id_among(const chat_request_id_t *id,
    const chat_request_id_t *ids, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (id->len == ids[i].len
            && memcmp(id->data, ids[i].data, id->len) == 0)
        {
            return true;
        }
    }

    return false;
}


void
chat_request_write_ids(chat_writer_t *w, const chat_json_t *ids)
{
    if (ids->raw.len != 0) {
        chat_write_cstr(w, "[\"");
        chat_request_write_between(w, ids, "\",\"");
        chat_write_cstr(w, "\"]");
    }
}


void
chat_request_write_id_list(chat_writer_t *w, const chat_json_t *ids)
{
    if (ids->raw.len != 0) {
        chat_request_write_between(w, ids, ",");
    }
}


/* an id has nothing that JSON would escape */

static void
chat_request_write_between(chat_writer_t *w, const chat_json_t *ids,
    const char *separator)
{
    const char         *before = "";
    chat_json_t         element;
    chat_json_iter_t    it;
    chat_request_id_t   id;

    chat_json_iter(&it, ids);

    while (chat_json_next_element(&it, &element) == CHAT_OK) {
        chat_request_read_id(&element, &id);

        chat_write_cstr(w, before);
        chat_write(w, chat_request_id_str(&id));

        before = separator;
    }
}
