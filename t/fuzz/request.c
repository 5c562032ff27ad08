/*
 * JSON of requests.
 *
 * Whether a text is JSON at all is also asked of jansson, which was written by
 * others: both must say the same, but for what the two are known to see in
 * different ways.  Of an accepted request every slice must lie in its text,
 * survive a move, and what is written of it must be JSON again, with the
 * content as it was.
 *
 *      input   the text
 */

#include "fuzz.h"
#include "fuzz_json.h"

#include <jansson.h>

#include "chat_event.h"
#include "chat_json.h"
#include "chat_name.h"
#include "chat_request.h"
#include "chat_utf8.h"


/*
 * jansson has numbers of 64 bits and doubles, refuses U+0000, and takes 2048
 * levels; what it refuses for one of these reasons is no difference.  A NUL
 * byte behind a number it does not see.
 */

static bool
jansson_is_narrow(const json_error_t *error)
{
    return strstr(error->text, "big ") != NULL
           || strstr(error->text, "real number overflow") != NULL
           || strstr(error->text, "\\u0000") != NULL
           || strstr(error->text, "NUL byte") != NULL;
}


static void
compare_with_jansson(chat_str_t text, chat_rc_e rc, const char *reason)
{
    json_t        *json;
    json_error_t   error;

    if (text.len != 0 && memchr(text.data, '\0', text.len) != NULL) {
        fuzz_check(rc == CHAT_ERROR);
        return;
    }

    json = json_loadb((const char *) text.data, text.len, JSON_DECODE_ANY,
                      &error);

    if (rc == CHAT_OK) {
        fuzz_check(json != NULL || jansson_is_narrow(&error));

    } else if (rc == CHAT_DECLINED) {           /* a lone surrogate */
        fuzz_check(json == NULL);

    } else {
        fuzz_check(json == NULL || strstr(reason, "nest") != NULL);
    }

    json_decref(json);
}


/* every value of the text is walked, every string read and written again */

static void
write_string(chat_writer_t *w, const void *what)
{
    chat_write_string(w, *(const chat_str_t *) what);
}


static void
walk_string(const chat_json_t *value)
{
    size_t       len;
    uint8_t     *text, *copy;
    chat_str_t   read, written;
    chat_json_t  again;

    text = fuzz_alloc(value->raw.len);

    if (chat_json_get_string(value, text, value->raw.len, &len) == CHAT_OK) {
        read = (chat_str_t) { text, len };

        fuzz_check(chat_utf8_valid(read));
        fuzz_check(chat_json_string_is(value, read));

        written = fuzz_built(write_string, &read);
        again = fuzz_parsed(written);
        copy = fuzz_alloc(written.len);
        fuzz_check(chat_json_get_string(&again, copy, written.len, &len)
                   == CHAT_OK);
        fuzz_check(fuzz_same((chat_str_t) { copy, len }, read));

        free(copy);
        free((void *) written.data);

        /* nor is anything written beyond what there is room for */

        if (read.len != 0) {
            copy = fuzz_alloc(read.len - 1);
            fuzz_check(chat_json_get_string(value, copy, read.len - 1, &len)
                       == CHAT_ERROR);
            free(copy);
        }
    }

    free(text);
}


static void
walk(const chat_json_t *value, unsigned depth)
{
    uint64_t          n;
    chat_str_t        key;
    chat_json_t       inner;
    chat_json_iter_t  it;

    fuzz_check(depth <= CHAT_JSON_MAX_DEPTH);

    if (value->type == CHAT_JSON_STRING) {
        walk_string(value);

    } else if (value->type == CHAT_JSON_NUMBER) {
        if (chat_json_get_uint(value, &n) == CHAT_OK) {
            fuzz_check(n < UINT64_C(1) << 53);
        }

    } else if (value->type == CHAT_JSON_OBJECT) {
        chat_json_iter(&it, value);

        while (chat_json_next_member(&it, &key, &inner) == CHAT_OK) {
            fuzz_check(fuzz_inside(key, value->raw));
            fuzz_check(fuzz_inside(inner.raw, value->raw));
            walk(&inner, depth + 1);
        }

    } else if (value->type == CHAT_JSON_ARRAY) {
        chat_json_iter(&it, value);

        while (chat_json_next_element(&it, &inner) == CHAT_OK) {
            fuzz_check(fuzz_inside(inner.raw, value->raw));
            walk(&inner, depth + 1);
        }
    }
}


/* What an accepted request may be. */


static void
write_reply(chat_writer_t *w, const void *what)
{
    const chat_request_t  *rq = what;

    chat_event_reply(w, rq->id);
    chat_write_cstr(w, "{}");
    chat_event_end(w);
}


static void
write_ids(chat_writer_t *w, const void *what)
{
    const chat_request_t  *rq = what;

    chat_write_cstr(w, "[");
    chat_request_write_ids(w, rq->nmembers != 0 ? &rq->members
                                                : &rq->mentions);
    chat_write_cstr(w, "]");
}


static void
write_message(chat_writer_t *w, const void *what)
{
    const chat_request_t  *rq = what;

    chat_event_message_t  m = {
        .id = { rq->message.data, rq->message.len },
        .conversation = { rq->conversation.data, rq->conversation.len },
        .sender = chat_str("ada"),
        .client_id = { rq->client.data, rq->client.len },
        .content = rq->content.raw,
        .reply_to = { rq->reply_to.data, rq->reply_to.len },
        .attachments = rq->attachments.raw,
        .time = 1795319050000
    };

    chat_event_message(w, &m, 1, 2);
}


/* the content comes out as it went in, byte for byte */

static void
content_is_kept(const chat_request_t *rq)
{
    chat_str_t   text;
    chat_json_t  event;

    chat_json_member_t  data = { .name = "data" };
    chat_json_member_t  content = { .name = "content" };

    text = fuzz_built(write_message, rq);
    event = fuzz_parsed(text);

    fuzz_check(chat_json_collect(&event, &data, 1) == CHAT_OK);
    fuzz_check(chat_json_collect(&data.value, &content, 1) == CHAT_OK);
    fuzz_check(fuzz_same(content.value.raw, rq->content.raw));

    free((void *) text.data);
}


static void
slices_are_inside(const chat_request_t *rq, chat_str_t text)
{
    size_t  i;

    const chat_str_t  slices[] = {
        rq->content.raw, rq->members.raw, rq->mentions.raw,
        rq->attachments.raw, rq->batch.raw, rq->description.raw,
        rq->users.raw, rq->status_text, rq->token.raw
    };

    for (i = 0; i < sizeof(slices) / sizeof(slices[0]); i++) {
        fuzz_check(slices[i].len == 0 || fuzz_inside(slices[i], text));
    }

    fuzz_check(!rq->has_id || fuzz_inside(rq->id, text));
}


static void
names_are_valid(const chat_request_t *rq)
{
    size_t  i;

    const chat_request_id_t  *names[] = { &rq->conversation, &rq->user };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        fuzz_check(names[i]->len == 0
                   || chat_name_valid((chat_str_t) { names[i]->data,
                                                     names[i]->len }));
    }
}


static void
elements_are_read(const chat_request_t *rq)
{
    bool               has;
    size_t             n;
    uint64_t           after;
    chat_json_t        element;
    chat_json_iter_t   it;
    chat_request_id_t  id;

    if (rq->nbatch != 0) {
        chat_json_iter(&it, &rq->batch);

        for (n = 0; chat_json_next_element(&it, &element) == CHAT_OK; n++) {
            chat_request_read_join(&element, &id, &after, &has);
            fuzz_check(chat_name_valid((chat_str_t) { id.data, id.len }));
        }

        fuzz_check(n == rq->nbatch && n <= CHAT_REQUEST_MAX_BATCH);
    }

    if (rq->nmembers != 0) {
        chat_json_iter(&it, &rq->members);

        for (n = 0; chat_json_next_element(&it, &element) == CHAT_OK; n++) {
            chat_request_read_id(&element, &id);
            fuzz_check(chat_name_valid((chat_str_t) { id.data, id.len }));
        }

        fuzz_check(n == rq->nmembers && n <= CHAT_REQUEST_MAX_MEMBERS);
    }
}


static void
accepted(chat_request_t *rq, chat_str_t text)
{
    chat_str_t  moved, reply, ids;

    slices_are_inside(rq, text);

    moved = (chat_str_t) { fuzz_copy(text.data, text.len), text.len };
    chat_request_rebase(rq, text, moved.data);
    free((void *) text.data);

    slices_are_inside(rq, moved);
    names_are_valid(rq);
    elements_are_read(rq);

    reply = fuzz_built(write_reply, rq);
    (void) fuzz_parsed(reply);
    free((void *) reply.data);

    ids = fuzz_built(write_ids, rq);
    (void) fuzz_parsed(ids);
    free((void *) ids.data);

    if (rq->content.raw.len != 0) {
        content_is_kept(rq);
    }

    free((void *) moved.data);
}


static void
write_refusal(chat_writer_t *w, const void *what)
{
    const chat_request_t  *rq = what;

    chat_event_error(w, rq->id, CHAT_CODE_BAD_REQUEST, "no", 3);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    chat_rc_e             rc;
    chat_str_t            text, refusal;
    const char           *reason = "";
    chat_json_t           value;
    chat_request_t        rq;
    chat_request_error_t  e = { CHAT_CODE_INTERNAL, NULL };

    text = (chat_str_t) { fuzz_copy(data, size), size };

    rc = chat_json_parse(text, CHAT_JSON_MAX_DEPTH, &value, &reason);
    compare_with_jansson(text, rc, reason);

    if (rc != CHAT_ERROR) {
        fuzz_check(fuzz_inside(value.raw, text));
        walk(&value, 0);
    }

    if (chat_request_parse(&rq, text, &e) == CHAT_OK) {
        fuzz_check(rc == CHAT_OK);
        accepted(&rq, text);
        return 0;
    }

    fuzz_check(e.code != CHAT_CODE_INTERNAL && e.message != NULL);

    refusal = fuzz_built(write_refusal, &rq);
    (void) fuzz_parsed(refusal);
    free((void *) refusal.data);
    free((void *) text.data);

    return 0;
}
