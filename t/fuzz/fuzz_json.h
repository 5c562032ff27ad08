/* Writers of JSON, and their text read again. */

#ifndef FUZZ_JSON_H
#define FUZZ_JSON_H


#include "fuzz.h"

#include "chat_json.h"
#include "chat_write.h"


typedef void (*fuzz_build_pt)(chat_writer_t *w, const void *what);


/* what a builder writes, measured first; to be freed */

static inline chat_str_t
fuzz_built(fuzz_build_pt build, const void *what)
{
    uint8_t        *text;
    chat_writer_t   w;

    chat_writer_init(&w, NULL, 0);
    build(&w, what);

    text = fuzz_alloc(w.len);
    chat_writer_init(&w, text, w.len);
    build(&w, what);

    fuzz_check(!w.full && w.pos == text + w.len);

    return (chat_str_t) { text, w.len };
}


static inline chat_json_t
fuzz_parsed(chat_str_t text)
{
    chat_rc_e     rc;
    chat_json_t   value;
    const char   *reason;

    rc = chat_json_parse(text, CHAT_JSON_MAX_DEPTH, &value, &reason);
    fuzz_check(rc == CHAT_OK);

    return value;
}


#endif /* FUZZ_JSON_H */
