/* What the tests of tokens share: keys, what to check, tokens with HS256. */

#ifndef CHAT_TEST_TOKEN_H
#define CHAT_TEST_TOKEN_H


#include "chat_test.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "chat_token.h"


#define NOW     UINT64_C(1795319050)
#define HEAD    "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define CLAIMS  "\"sub\":\"ada\",\"exp\":1795319999"


static const char  secret[] = "0123456789abcdef0123456789abcdef";
static const char  other_secret[] = "fedcba9876543210fedcba9876543210";


/* the keys and what to check, anew for each test */

typedef struct {
    chat_key_t          *keys[2];
    chat_token_check_t   check;
} fixture_t;


static inline chat_key_t *
create_key(const char *kid, const char *text)
{
    chat_key_t  *key;
    const char  *reason;

    key = chat_key_create_secret(chat_test_str(kid),
                                 chat_test_str(text), &reason);
    assert_non_null(key);

    return key;
}


static inline int
setup(void **state)
{
    fixture_t  *f;

    f = calloc(1, sizeof(*f));
    assert_non_null(f);

    f->keys[0] = create_key("", secret);
    f->check.keys = f->keys;
    f->check.nkeys = 1;
    f->check.now = NOW;
    f->check.leeway = 5;

    *state = f;

    return 0;
}


static inline int
teardown(void **state)
{
    fixture_t  *f = *state;

    chat_key_free(f->keys[0]);
    chat_key_free(f->keys[1]);
    free(f);

    return 0;
}


/* base64url; returns the length */

static inline size_t
encode(char *dst, const void *src, size_t len)
{
    size_t  n;

    n = EVP_EncodeBlock((unsigned char *) dst, src, (int) len);

    while (n > 0 && dst[n - 1] == '=') {
        n--;
    }

    dst[n] = '\0';

    for (len = 0; len < n; len++) {
        dst[len] = dst[len] == '+' ? '-' : dst[len] == '/' ? '_' : dst[len];
    }

    return n;
}


/* signs head.claims as they are; returns the length of the token */

static inline size_t
sign(char *token, size_t len, const char *key)
{
    unsigned       n;
    unsigned char  mac[EVP_MAX_MD_SIZE];

    assert_non_null(HMAC(EVP_sha256(), key, (int) strlen(key),
                         (unsigned char *) token, len, mac, &n));

    token[len++] = '.';

    return len + encode(token + len, mac, n);
}


static inline size_t
make(char *token, const char *head, const char *claims, const char *key)
{
    size_t  len;

    len = encode(token, head, strlen(head));
    token[len++] = '.';
    len += encode(token + len, claims, strlen(claims));

    return sign(token, len, key);
}


static inline chat_rc_e
check(fixture_t *f, const char *text, size_t len, chat_token_t *token,
    const char **reason)
{
    uint8_t    *copy;
    chat_rc_e   rc;

    copy = chat_test_copy(text, len);
    *reason = NULL;

    rc = chat_token_check(token, (chat_str_t) { copy, len }, &f->check,
                          reason);

    free(copy);

    if (rc != CHAT_OK) {
        assert_non_null(*reason);

        /* nothing of a refused token is left over */

        assert_int_equal(token->user_len, 0);
        assert_int_equal(token->user[0], 0);
        assert_int_equal(token->exp, 0);
    }

    return rc;
}


static inline chat_rc_e
check_made(fixture_t *f, const char *head, const char *claims,
    chat_token_t *token, const char **reason)
{
    char    text[16384];
    size_t  len;

    len = make(text, head, claims, secret);

    return check(f, text, len, token, reason);
}


static inline bool
text_is(const uint8_t *data, size_t len, const char *text)
{
    return len == strlen(text) && memcmp(data, text, len) == 0;
}


#define token_test(name)  cmocka_unit_test_setup_teardown(name, setup, teardown)


#endif /* CHAT_TEST_TOKEN_H */
