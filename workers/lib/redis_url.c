#define _GNU_SOURCE

#include "redis_url.h"

#include <string.h>

#include "mem.h"
#include "number.h"


#define REDIS_PORT  6379


static int
url_copy(char *dst, size_t size, chat_str_t text)
{
    if (text.len >= size) {
        return -1;
    }

    memcpy(dst, text.data, text.len);
    dst[text.len] = '\0';

    return 0;
}


/* cuts text at the first (or last) c: what is before, and what is after it */

static bool
url_cut(chat_str_t *text, char c, bool last, chat_str_t *after)
{
    const uint8_t  *p;

    p = last ? memrchr(text->data, c, text->len)
             : memchr(text->data, c, text->len);

    if (p == NULL) {
        return false;
    }

    after->data = p + 1;
    after->len = (size_t) (text->data + text->len - p) - 1;
    text->len = (size_t) (p - text->data);

    return true;
}


static int
url_parse_unix(redis_url_t *url, chat_str_t text)
{
    chat_str_t  query;

    if (url_cut(&text, '?', false, &query)
        && (query.len < 3 || memcmp(query.data, "db=", 3) != 0
            || number_parse((chat_str_t) { query.data + 3, query.len - 3 },
                            INT32_MAX, &url->db) == -1))
    {
        return -1;
    }

    if (text.len == 0) {
        return -1;
    }

    return url_copy(url->path, sizeof(url->path), text);
}


static int
url_parse_tcp(redis_url_t *url, chat_str_t text)
{
    chat_str_t  after, secret;

    if (url_cut(&text, '@', true, &after)) {

        if (!url_cut(&text, ':', false, &secret) || text.len != 0
            || url_copy(url->password, sizeof(url->password), secret) == -1)
        {
            return -1;
        }

        text = after;
    }

    if (url_cut(&text, '/', false, &after) && after.len != 0
        && number_parse(after, INT32_MAX, &url->db) == -1)
    {
        return -1;
    }

    if (url_cut(&text, ':', true, &after)
        && number_parse(after, UINT16_MAX, &url->port) == -1)
    {
        return -1;
    }

    if (text.len == 0) {
        return -1;
    }

    return url_copy(url->host, sizeof(url->host), text);
}


int
redis_url_parse(redis_url_t *url, const char *text)
{
    memset(url, 0, sizeof(*url));
    url->port = REDIS_PORT;

    if (strncmp(text, "unix://", 7) == 0) {
        return url_parse_unix(url, mem_cstr(text + 7));
    }

    if (strncmp(text, "redis://", 8) == 0) {
        return url_parse_tcp(url, mem_cstr(text + 8));
    }

    return -1;
}
