#include "qualified.h"

#include <string.h>

#include "chat_name.h"


int
qualified_split(chat_str_t text, chat_str_t *tenant, chat_str_t *id)
{
    const uint8_t  *slash;

    slash = text.len != 0 ? memchr(text.data, '/', text.len) : NULL;

    if (slash == NULL) {
        return -1;
    }

    tenant->data = text.data;
    tenant->len = (size_t) (slash - text.data);
    id->data = slash + 1;
    id->len = text.len - tenant->len - 1;

    return chat_name_valid_tenant(*tenant) && chat_name_valid(*id) ? 0 : -1;
}
