/*
 * chatctl token: prints a token and nothing else.
 */

#include "chatctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_token.h"
#include "chat_utf8.h"
#include "token.h"


typedef struct {
    const char      *key_file;
    const char      *user;
    const char      *tenant;
    const char      *name;
    const char      *sid;
    const char      *jti;
    const char      *alg;
    const char      *kid;
    options_list_t   roles;
    uint64_t         ttl;           /* s */
} token_t;


static int token_check(const token_t *t);
static int token_read_key(const token_t *t, token_key_t *key);
static int token_print(const token_t *t, const token_key_t *key);


int
token_main(int argc, char **argv)
{
    int           exit;
    token_t       t;
    token_key_t   key;
    options_rc_e  rc;

    const option_t  own[] = {
        { "user", OPTION_TEXT, false, "ID", NULL,
          "whose token; required", &t.user, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", NULL,
          "of which tenant, \"default\" if not named", &t.tenant, 0, 0 },
        { "name", OPTION_TEXT, false, "NAME", NULL,
          "what others see", &t.name, 0, 0 },
        { "role", OPTION_LIST, false, "ROLE", NULL,
          "a role; may be given again", &t.roles, 0, 0 },
        { "ttl", OPTION_SECONDS, false, "TIME", "1h",
          "how long it is good: 90s, 15m, 1h, 7d", &t.ttl, 1, 0 },
        { "sid", OPTION_TEXT, false, "ID", NULL,
          "the session that it is revoked with", &t.sid, 0, 0 },
        { "jti", OPTION_TEXT, false, "ID", NULL,
          "its own id", &t.jti, 0, 0 },
        { "token-key-file", OPTION_TEXT, true, "FILE", NULL,
          "what it is signed with: the secret of HS256, or a private key"
          " in PEM", &t.key_file, 0, 0 },
        { "alg", OPTION_TEXT, false, "ALG", NULL,
          "HS256, RS256, PS256, ES256 or EdDSA; without it, by the key",
          &t.alg, 0, 0 },
        { "kid", OPTION_TEXT, false, "ID", NULL,
          "which key it is signed with; of a key in PEM, its thumbprint",
          &t.kid, 0, 0 },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl token --user ID [OPTION]...",
        .help = "Prints a token (JWT) for a user.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&t, 0, sizeof(t));
    rc = options_read(&options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    if (token_check(&t) == -1) {
        return EXIT_USAGE;
    }

    exit = token_read_key(&t, &key);

    if (exit == EXIT_OK) {
        exit = token_print(&t, &key);
    }

    token_key_wipe(&key);

    return exit;
}


/* what nginx would refuse is not issued */

static int
token_check(const token_t *t)
{
    size_t  i;

    if (t->user == NULL || t->key_file == NULL) {
        ctl_say("token needs --user and --token-key-file "
                "(CHAT_TOKEN_KEY_FILE)");
        return -1;
    }

    if (ctl_check_id("user", t->user) == -1
        || (t->tenant != NULL && ctl_check_id("tenant", t->tenant) == -1)
        || (t->sid != NULL && ctl_check_id("sid", t->sid) == -1)
        || (t->jti != NULL && ctl_check_id("jti", t->jti) == -1))
    {
        return -1;
    }

    if (t->name != NULL
        && (strlen(t->name) > CHAT_TOKEN_MAX_NAME
            || !chat_utf8_valid(mem_cstr(t->name))))
    {
        ctl_say("name is longer than %d bytes or not UTF-8",
                CHAT_TOKEN_MAX_NAME);
        return -1;
    }

    if (t->roles.n > CHAT_TOKEN_MAX_ROLES) {
        ctl_say("more than %d roles", CHAT_TOKEN_MAX_ROLES);
        return -1;
    }

    for (i = 0; i < t->roles.n; i++) {
        if (strlen(t->roles.values[i]) > CHAT_TOKEN_MAX_ROLE
            || !chat_utf8_valid(mem_cstr(t->roles.values[i])))
        {
            ctl_say("a role is longer than %d bytes or not UTF-8",
                    CHAT_TOKEN_MAX_ROLE);
            return -1;
        }
    }

    return 0;
}


/* the exit code; the key is to be wiped whatever it is */

static int
token_read_key(const token_t *t, token_key_t *key)
{
    const char  *reason;

    reason = token_key_read(key, t->key_file);

    if (reason != NULL) {
        ctl_say("\"%s\": %s", t->key_file, reason);
        return EXIT_FAILED;
    }

    reason = t->alg != NULL ? token_key_set_alg(key, t->alg) : NULL;

    if (reason != NULL) {
        ctl_say("algorithm \"%s\": %s", t->alg, reason);
        return EXIT_USAGE;
    }

    reason = t->kid != NULL ? token_key_set_kid(key, t->kid) : NULL;

    if (reason != NULL) {
        ctl_say("kid \"%s\": %s", t->kid, reason);
        return EXIT_USAGE;
    }

    return EXIT_OK;
}


static int
token_print(const token_t *t, const token_key_t *key)
{
    char            *text;
    uint64_t         now = life_time() / 1000;
    token_claims_t   claims;

    claims.user = t->user;
    claims.tenant = t->tenant;
    claims.name = t->name;
    claims.sid = t->sid;
    claims.jti = t->jti;
    claims.roles = t->roles.values;
    claims.nroles = t->roles.n;
    claims.issued = now;
    claims.expires = now + t->ttl;

    text = token_make(key, &claims);

    if (text == NULL) {
        ctl_say("cannot make the token");
        return EXIT_FAILED;
    }

    printf("%s\n", text);
    free(text);

    return ctl_flush() ? EXIT_OK : EXIT_FAILED;
}
