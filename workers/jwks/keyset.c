/*
 * What nginx would not use does not get into the file: it is judged by the
 * same code.
 */

#include "jwks.h"

#include <stdio.h>

#include "chat_jwks.h"
#include "log.h"


static void keyset_on_skip(void *data, size_t place, chat_str_t kid,
    const char *reason);


size_t
keyset_check(chat_str_t text)
{
    size_t        nkeys;
    const char   *reason;
    chat_jwks_t  *set;

    set = chat_jwks_parse(text, keyset_on_skip, NULL, &reason);

    if (set == NULL) {
        log_err("what was fetched is no set of keys that can be used",
                log_str("reason", reason));
        return 0;
    }

    (void) chat_jwks_keys(set, &nkeys);
    chat_jwks_free(set);

    return nkeys;
}


/* many publish keys for encryption beside: nothing to be warned of */

static void
keyset_on_skip(void *data, size_t place, chat_str_t kid, const char *reason)
{
    char  name[CHAT_JWKS_MAX_KID + 1];

    (void) data;
    (void) snprintf(name, sizeof(name), "%.*s", (int) kid.len,
                    (const char *) kid.data);

    log_info("a key is passed over", log_uint("place", place),
             log_str("kid", name), log_str("reason", reason));
}
