#include "stream_id.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "number.h"


int
stream_id_parse(stream_id_t *id, chat_str_t text)
{
    chat_str_t      ms, seq;
    const uint8_t  *dash;

    dash = text.len != 0 ? memchr(text.data, '-', text.len) : NULL;

    if (dash == NULL) {
        return -1;
    }

    ms.data = text.data;
    ms.len = (size_t) (dash - text.data);
    seq.data = dash + 1;
    seq.len = text.len - ms.len - 1;

    if (number_parse(ms, UINT64_MAX, &id->ms) == -1
        || number_parse(seq, UINT64_MAX, &id->seq) == -1)
    {
        return -1;
    }

    return 0;
}


const char *
stream_id_print(stream_id_t id, char *dst)
{
    (void) snprintf(dst, STREAM_ID_TEXT, "%" PRIu64 "-%" PRIu64, id.ms,
                    id.seq);

    return dst;
}


int
stream_id_compare(stream_id_t a, stream_id_t b)
{
    if (a.ms != b.ms) {
        return a.ms < b.ms ? -1 : 1;
    }

    if (a.seq != b.seq) {
        return a.seq < b.seq ? -1 : 1;
    }

    return 0;
}
