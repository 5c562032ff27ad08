#include "lines.h"

#include <string.h>

#include "number.h"


static chat_str_t
lines_cut(chat_str_t *text, char end)
{
    chat_str_t      part = *text;
    const uint8_t  *found;

    found = text->len != 0 ? memchr(text->data, end, text->len) : NULL;
    part.len = found != NULL ? (size_t) (found - text->data) : text->len;
    text->data += part.len + (found != NULL);
    text->len -= part.len + (found != NULL);

    return part;
}


bool
lines_next(chat_str_t *text, chat_str_t *line)
{
    if (text->len == 0) {
        return false;
    }

    *line = lines_cut(text, '\n');

    return true;
}


chat_str_t
lines_word(chat_str_t *line)
{
    return lines_cut(line, ' ');
}


uint64_t
lines_uint(chat_str_t *line)
{
    uint64_t  n;

    return number_parse(lines_word(line), INT64_MAX, &n) == 0 ? n : 0;
}


bool
lines_is(chat_str_t word, const char *text)
{
    return word.len == strlen(text) && memcmp(word.data, text, word.len) == 0;
}
