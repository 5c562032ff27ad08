#include "signin.h"

#include <assert.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"


#define USER_MAX_SLUG  40       /* characters of the name in a user's id */
#define USER_HASH      6        /* bytes of its hash, twice that as text */


static size_t slug_make(char *slug, size_t size, chat_str_t name);


int
user_name_trim(chat_str_t *name)
{
    size_t  i, characters = 0;

    while (name->len > 0 && name->data[0] == ' ') {
        name->data++;
        name->len--;
    }

    while (name->len > 0 && name->data[name->len - 1] == ' ') {
        name->len--;
    }

    for (i = 0; i < name->len; i++) {

        if (name->data[i] < ' ' || name->data[i] == 0x7f) {
            return -1;
        }

        characters += (name->data[i] & 0xc0) != 0x80;
    }

    return characters == 0 || characters > SIGNIN_MAX_NAME ? -1 : 0;
}


void
user_id_make(char id[CHAT_NAME_MAX_ID + 1], chat_str_t name)
{
    size_t    i, len;
    uint8_t   hash[EVP_MAX_MD_SIZE];

    static_assert(USER_MAX_SLUG + 1 + 2 * USER_HASH <= CHAT_NAME_MAX_ID,
                  "a user's id has room for both parts");

    if (EVP_Digest(name.data, name.len, hash, NULL, EVP_sha256(), NULL) != 1) {
        log_crit("out of memory", log_str("what", "hash of a name"));
        abort();
    }

    len = slug_make(id, USER_MAX_SLUG, name);

    if (len != 0) {
        id[len++] = '-';
    }

    for (i = 0; i < USER_HASH; i++) {
        (void) snprintf(id + len + 2 * i, 3, "%02x", hash[i]);
    }
}


/* ASCII letters and digits, and what is between them as one dash */

static size_t
slug_make(char *slug, size_t size, chat_str_t name)
{
    size_t  i, len = 0;
    bool    between = false;

    for (i = 0; i < name.len && len + 1 < size; i++) {

        if (name.data[i] >= 0x80 || !isalnum(name.data[i])) {
            between = true;
            continue;
        }

        if (between && len != 0) {
            slug[len++] = '-';
        }

        between = false;
        slug[len++] = (char) name.data[i];
    }

    return len;
}
