/*
 * Sec-WebSocket-Extensions.  What is accepted must have been offered, the
 * answer must follow the grammar itself, and a list of two values must mean
 * the first of them that can be accepted.
 *
 *      input   a value, a line feed, another value
 */

#define _GNU_SOURCE

#include "fuzz.h"
#include "fuzz_resp.h"

#include "chat_extension.h"


static chat_rc_e
read_value(chat_str_t value, chat_extension_t *e)
{
    uint8_t    *copy;
    chat_rc_e   rc;

    copy = fuzz_copy(value.data, value.len);
    rc = chat_extension_read((chat_str_t) { copy, value.len }, e);
    free(copy);

    return rc;
}


static bool
has(chat_str_t value, const char *word)
{
    return value.len != 0
           && memmem(value.data, value.len, word, strlen(word)) != NULL;
}


static void
accepted(chat_str_t value, const chat_extension_t *e)
{
    size_t            len;
    uint8_t           answer[CHAT_EXTENSION_MAX_ANSWER];
    chat_extension_t  again;

    fuzz_check(e->window_bits >= 8 && e->window_bits <= 15);
    fuzz_check(has(value, "permessage-deflate"));
    fuzz_check(!e->asked_bits || has(value, "server_max_window_bits"));
    fuzz_check(e->asked_bits || e->window_bits == 15);

    len = chat_extension_answer(e, answer);
    fuzz_check(len <= sizeof(answer));

    fuzz_check(read_value((chat_str_t) { answer, len }, &again) == CHAT_OK);
    fuzz_check(again.window_bits == e->window_bits
               && again.asked_bits == e->asked_bits);
}


/* of empty lists two make an empty one, which is an error, too */

static void
list_means_its_first(chat_str_t one, chat_str_t two)
{
    chat_rc_e         rc_one, rc_two, rc;
    fuzz_bytes_t      both = { 0 };
    chat_extension_t  e_one, e_two, e;

    rc_one = read_value(one, &e_one);
    rc_two = read_value(two, &e_two);

    if (rc_one == CHAT_OK) {
        accepted(one, &e_one);
    }

    if (rc_one == CHAT_ERROR || rc_two == CHAT_ERROR) {
        return;
    }

    fuzz_bytes_add(&both, one.data, one.len);
    fuzz_bytes_add(&both, " ,\t", 3);
    fuzz_bytes_add(&both, two.data, two.len);

    rc = read_value((chat_str_t) { both.data, both.len }, &e);
    free(both.data);

    fuzz_check(rc == (rc_one == CHAT_OK ? rc_one : rc_two));

    if (rc == CHAT_OK) {
        e_one = rc_one == CHAT_OK ? e_one : e_two;
        fuzz_check(e.window_bits == e_one.window_bits
                   && e.asked_bits == e_one.asked_bits);
    }
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    chat_str_t    one;
    fuzz_input_t  in = { data, size };

    one = fuzz_until(&in, '\n');
    list_means_its_first(one, fuzz_rest(&in));

    return 0;
}
