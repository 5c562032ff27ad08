#include "signin.h"

#include <stdlib.h>

#include "chat_json.h"
#include "life.h"
#include "log.h"


/* {"token":...,"userId":...,"name":...,"expiresAt":...}, the name escaped */
#define ANSWER_ROOM  (1024 + 6 * SIGNIN_MAX_BYTES)


static int answer_read_name(chat_str_t body, uint8_t name[], size_t *len,
    const char **reason);
static void answer_write(mem_buf_t *reply, const char *token,
    const char *user_id, chat_str_t name, uint64_t expires);


unsigned
signin_answer(const signin_t *s, chat_str_t body, mem_buf_t *reply)
{
    char            *token, user_id[CHAT_NAME_MAX_ID + 1];
    size_t           len;
    uint8_t          text[SIGNIN_MAX_BYTES + 1];
    chat_str_t       name;
    const char      *reason;
    token_claims_t   claims = { .user = user_id };

    if (answer_read_name(body, text, &len, &reason) == -1) {
        signin_error(reply, "bad_request", reason);
        return 400;
    }

    name = (chat_str_t) { text, len };

    if (user_name_trim(&name) == -1) {
        signin_error(reply, "bad_request",
                     "\\\"name\\\" must have 1 to 64 characters");
        return 400;
    }

    text[name.data + name.len - text] = '\0';
    user_id_make(user_id, name);

    claims.name = (const char *) name.data;
    claims.issued = life_time() / 1000;
    claims.expires = claims.issued + s->ttl;

    token = token_make(&s->key, &claims);

    if (token == NULL) {
        log_err("cannot make a token", log_str("user", user_id));
        signin_error(reply, "internal", "no token could be made");
        return 500;
    }

    answer_write(reply, token, user_id, name, claims.expires);
    free(token);

    return 200;
}


void
signin_error(mem_buf_t *reply, const char *code, const char *message)
{
    mem_buf_printf(reply,
                   "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n",
                   code, message);
}


static int
answer_read_name(chat_str_t body, uint8_t name[], size_t *len,
    const char **reason)
{
    chat_rc_e         rc;
    chat_str_t        key;
    chat_json_t       object, value;
    chat_json_iter_t  it;

    rc = chat_json_parse(body, 2, &object, reason);

    if (rc != CHAT_OK || object.type != CHAT_JSON_OBJECT) {
        *reason = "the body must be a JSON object";
        return -1;
    }

    *reason = "\\\"name\\\" must be a text of 1 to 64 characters";
    chat_json_iter(&it, &object);

    while (chat_json_next_member(&it, &key, &value) == CHAT_OK) {

        if (chat_json_key_is(key, "name")) {
            rc = chat_json_get_string(&value, name, SIGNIN_MAX_BYTES, len);
            return rc == CHAT_OK ? 0 : -1;
        }
    }

    return -1;
}


static void
answer_write(mem_buf_t *reply, const char *token, const char *user_id,
    chat_str_t name, uint64_t expires)
{
    uint8_t        *dst;
    size_t          size;
    chat_str_t      t = mem_cstr(token);
    chat_writer_t   w;

    size = ANSWER_ROOM + t.len;
    dst = mem_buf_room(reply, size);

    chat_writer_init(&w, dst, size);
    chat_write_cstr(&w, "{\"token\":");
    chat_write_string(&w, t);
    chat_write_cstr(&w, ",\"userId\":");
    chat_write_string(&w, mem_cstr(user_id));
    chat_write_cstr(&w, ",\"name\":");
    chat_write_string(&w, name);
    chat_write_cstr(&w, ",\"expiresAt\":");
    chat_write_time(&w, expires * 1000);
    chat_write_cstr(&w, "}\n");

    reply->len -= size - w.len;
}
