#include "jwks.h"

#include "chat_json.h"
#include "log.h"


size_t
keyset_check(chat_str_t text)
{
    size_t              nkeys = 0;
    chat_json_t         root, key;
    const char         *reason;
    chat_json_iter_t    it;
    chat_json_member_t  keys = { .name = "keys" };

    if (chat_json_parse(text, 8, &root, &reason) != CHAT_OK
        || root.type != CHAT_JSON_OBJECT
        || chat_json_collect(&root, &keys, 1) != CHAT_OK
        || keys.value.raw.len == 0 || keys.value.type != CHAT_JSON_ARRAY)
    {
        log_err("what was fetched is no set of keys", log_str("reason", ""));
        return 0;
    }

    chat_json_iter(&it, &keys.value);
    while (chat_json_next_element(&it, &key) == CHAT_OK) {
        nkeys++;
    }

    return nkeys;
}
