/*
 * All of common/ that needs memory, when there is none: the n-th allocation
 * fails, alone or with all that follow, for every n.  What fails says so, is
 * never taken for "good", loses nothing (the leak sanitizer looks), leaves no
 * error behind in OpenSSL, and what was there before works afterwards.
 */

#include "chat_test.h"
#include "chat_test_key.h"
#include "chat_test_memory.h"

#include <openssl/err.h>
#include <openssl/hmac.h>

static void *alloc_calloc(size_t n, size_t size);

#define calloc  alloc_calloc
#include "../../common/chat_deflate.c"
#undef calloc

#include "chat_jwks.h"
#include "chat_name.h"
#include "chat_token.h"


#define NOW     UINT64_C(1300819000)    /* before the exp of RFC_PAYLOAD */
#define SECRET  "0123456789abcdef0123456789abcdef"
#define NALGS   5

#define EC   "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X            \
             "\",\"y\":\"" RFC_EC_Y "\"}"
#define ED   "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X "\"}"
#define RSA_ "{\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"AQAB\"}"
#define SET  "{\"keys\":[" EC "," ED "," RSA_ "]}"


/* what came of it */

typedef enum {
    DONE,               /* as if there were memory */
    FAILED,             /* it says that it could not be done */
    LESS                /* done in part, which it may say or not */
} outcome_e;


typedef struct {
    const char   *name;
    outcome_e   (*run)(void);
    unsigned      least;        /* allocations that it makes, at least */
} case_t;


/* made while there is memory */

static struct {
    chat_key_alg_e  alg;
    EVP_PKEY       *pair;       /* NULL: a secret */
    char           *pem;
    chat_key_t     *key;
    uint8_t         signature[600];
    size_t          len;
} made[NALGS];

static size_t   with;           /* which of them a case is run with */
static uint8_t  point[32];      /* of the key of EdDSA */


static void *
alloc_calloc(size_t n, size_t size)
{
    return chat_test_memory_is_out() ? NULL : calloc(n, size);
}


static outcome_e
created(chat_key_t *key, const char *reason)
{
    assert_int_equal(key == NULL, reason != NULL);
    chat_key_free(key);

    return key != NULL ? DONE : FAILED;
}


static outcome_e
create_secret(void)
{
    const char  *reason = NULL;
    chat_key_t  *key;

    key = chat_key_create_secret(chat_str("kid"), chat_str(SECRET), &reason);

    return created(key, reason);
}


static outcome_e
create_pem(void)
{
    const char  *reason = NULL;
    chat_key_t  *key;

    key = chat_key_create_pem(made[with].alg, chat_str("kid"),
                              chat_test_str(made[with].pem), &reason);

    return created(key, reason);
}


static outcome_e
create_ed25519(void)
{
    const char  *reason = NULL;
    chat_key_t  *key;

    key = chat_key_create_ed25519(chat_str(""), (chat_str_t) { point, 32 },
                                  &reason);

    return created(key, reason);
}


/* nor is a good signature told to be a bad one, but with PS256 and EdDSA, where
   OpenSSL does not always tell that it had no memory */

static outcome_e
verify(void)
{
    chat_rc_e  rc;

    rc = chat_key_verify(made[with].key, chat_str("e30.e30"),
                         (chat_str_t) { made[with].signature,
                                        made[with].len });

    if (rc == CHAT_DECLINED) {
        assert_true(made[with].alg == CHAT_KEY_PS256
                    || made[with].alg == CHAT_KEY_EDDSA);
        return LESS;
    }

    return rc == CHAT_OK ? DONE : FAILED;
}


static outcome_e
verify_bad(void)
{
    uint8_t    bad[600];
    chat_rc_e  rc;

    memcpy(bad, made[with].signature, made[with].len);
    bad[made[with].len / 2] ^= 1;

    rc = chat_key_verify(made[with].key, chat_str("e30.e30"),
                         (chat_str_t) { bad, made[with].len });
    assert_int_not_equal(rc, CHAT_OK);

    return rc == CHAT_DECLINED ? DONE : FAILED;
}


static outcome_e
parse_set(void)
{
    size_t        n;
    const char   *reason = NULL;
    chat_jwks_t  *set;

    set = chat_jwks_parse(chat_str(SET), NULL, NULL, &reason);
    assert_int_equal(set == NULL, reason != NULL);

    if (set == NULL) {
        return FAILED;
    }

    (void) chat_jwks_keys(set, &n);
    chat_jwks_free(set);

    return n == 3 ? DONE : LESS;
}


/* by a token that all keys are tried with, and none has signed */

static outcome_e
check_token(void)
{
    size_t       i;
    chat_rc_e    rc;
    chat_key_t  *keys[NALGS];
    const char  *reason = NULL;

    chat_token_t        token;
    chat_token_check_t  check = { .keys = keys, .nkeys = NALGS, .now = NOW };

    for (i = 0; i < NALGS; i++) {
        keys[i] = made[i].key;
    }

    rc = chat_token_check(&token, chat_str(RFC_EC_TEXT "." RFC_EC_SIGNATURE),
                          &check, &reason);
    assert_int_not_equal(rc, CHAT_OK);
    assert_non_null(reason);

    return rc == CHAT_DECLINED ? DONE : FAILED;
}


static outcome_e
name_dm(void)
{
    uint8_t  dm[CHAT_NAME_DM_LEN];

    return chat_name_dm(dm, chat_str("ada"), chat_str("bob")) == CHAT_OK
           ? DONE : FAILED;
}


static outcome_e
create_deflate(void)
{
    chat_deflate_t  *d;

    d = chat_deflate_create();
    chat_deflate_free(d);

    return d != NULL ? DONE : FAILED;
}


static outcome_e
create_inflate(void)
{
    chat_inflate_t  *z;

    z = chat_inflate_create();
    chat_inflate_free(z);

    return z != NULL ? DONE : FAILED;
}


/* all n, until none of the allocations is reached any more */

static void
run_out(const case_t *c, bool once)
{
    int        n, left;
    outcome_e  outcome;

    for (n = 0; ; n++) {
        chat_test_memory_once = once;
        chat_test_memory_left = n;
        outcome = c->run();
        left = chat_test_memory_left;
        chat_test_memory_left = -1;

        chat_test_case(c->name, ERR_peek_error() == 0);
        chat_test_case(c->name, n % 16 != 0 || c->run() == DONE);

        if (left > 0 || (left == 0 && outcome == DONE)) {
            break;
        }
    }

    chat_test_case(c->name, c->run() == DONE);
    chat_test_case(c->name, (unsigned) n >= c->least);
}


static void
run_out_both(const case_t *c)
{
    run_out(c, false);
    run_out(c, true);
}


static void
keys_are_made_or_not(void **state)
{
    const case_t  secret = { "create_secret", create_secret, 2 };
    const case_t  pem = { "create_pem", create_pem, 5 };
    const case_t  raw = { "create_ed25519", create_ed25519, 2 };

    (void) state;

    run_out_both(&secret);
    run_out_both(&raw);

    for (with = CHAT_KEY_RS256; with < NALGS; with++) {
        run_out_both(&pem);
    }
}


static void
signatures_are_judged_or_not(void **state)
{
    const case_t  good = { "verify", verify, 0 };
    const case_t  bad = { "verify_bad", verify_bad, 0 };
    const case_t  token = { "check_token", check_token, 0 };

    (void) state;

    for (with = 0; with < NALGS; with++) {
        run_out_both(&good);
        run_out_both(&bad);
    }

    run_out_both(&token);
}


static void
sets_are_read_or_not(void **state)
{
    const case_t  set = { "parse_set", parse_set, 10 };

    (void) state;

    run_out_both(&set);
}


static void
names_and_streams_are_made_or_not(void **state)
{
    const case_t  dm = { "name_dm", name_dm, 1 };
    const case_t  deflate = { "create_deflate", create_deflate, 3 };
    const case_t  inflate = { "create_inflate", create_inflate, 3 };

    (void) state;

    run_out_both(&dm);
    run_out_both(&deflate);
    run_out_both(&inflate);
}


static int
make_keys(void **state)
{
    size_t       i, len = sizeof(point);
    const char  *reason;

    static const char  *kinds[] = { NULL, "RSA2048", "RSA2048", "P-256",
                                    "ED25519" };

    (void) state;

    for (i = 0; i < NALGS; i++) {
        made[i].alg = (chat_key_alg_e) i;

        if (kinds[i] == NULL) {
            made[i].key = chat_key_create_secret(chat_str(""),
                                                 chat_str(SECRET), &reason);
            made[i].len = 32;
            assert_non_null(HMAC(EVP_sha256(), SECRET, sizeof(SECRET) - 1,
                                 (const uint8_t *) "e30.e30", 7,
                                 made[i].signature, NULL));
            continue;
        }

        made[i].pair = chat_test_key_make(kinds[i]);
        made[i].pem = chat_test_key_pem(made[i].pair);
        made[i].key = chat_key_create_pem(made[i].alg, chat_str(""),
                                          chat_test_str(made[i].pem), &reason);
        assert_non_null(made[i].key);
        made[i].len = chat_test_key_sign(made[i].alg, made[i].pair, "e30.e30",
                                         made[i].signature);
    }

    assert_int_equal(EVP_PKEY_get_raw_public_key(made[CHAT_KEY_EDDSA].pair,
                                                 point, &len), 1);

    return 0;
}


static int
free_keys(void **state)
{
    size_t  i;

    (void) state;

    for (i = 0; i < NALGS; i++) {
        chat_key_free(made[i].key);
        EVP_PKEY_free(made[i].pair);
        free(made[i].pem);
    }

    return 0;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(keys_are_made_or_not),
        cmocka_unit_test(signatures_are_judged_or_not),
        cmocka_unit_test(sets_are_read_or_not),
        cmocka_unit_test(names_and_streams_are_made_or_not),
    };

    if (!chat_test_memory_init()) {
        return 1;
    }

    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
