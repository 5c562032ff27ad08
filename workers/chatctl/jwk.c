/*
 * chatctl jwk: the public halves of keys in files, as the JWK Set that nginx
 * takes (chat_token_jwks).  It is judged as nginx does before it is printed.
 */

#include "chatctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_jwks.h"
#include "pem.h"
#include "token_key.h"


#define JWK_MAX_FILE  65536


typedef struct {
    options_list_t   files;
    options_list_t   kids;
    const char      *rsa;               /* the algorithm of keys of RSA */
} jwk_t;


static int jwk_make(const jwk_t *j, mem_buf_t *set);
static int jwk_add(const jwk_t *j, size_t i, mem_buf_t *set);
static EVP_PKEY *jwk_read(const char *path);
static int jwk_check(const mem_buf_t *set);


int
jwk_main(int argc, char **argv)
{
    int           exit;
    jwk_t         j;
    mem_buf_t     set = { 0 };
    options_rc_e  rc;

    const option_t  own[] = {
        { "key", OPTION_LIST, false, "FILE", NULL,
          "a key in PEM: public, private or a certificate; may be given again,"
          " required", &j.files, 0, 0 },
        { "kid", OPTION_LIST, false, "ID", NULL,
          "its id, else its thumbprint; may be given again, in the keys' order",
          &j.kids, 0, 0 },
        { "alg", OPTION_TEXT, false, "ALG", "RS256",
          "what keys of RSA are for: RS256 or PS256", &j.rsa, 0, 0 },
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl jwk --key FILE [--kid ID] [--key FILE [--kid ID]]...",
        .help = "Prints the public halves of keys as a JWK Set.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&j, 0, sizeof(j));
    rc = options_read(&options, argc, argv);

    if (rc != OPTIONS_OK) {
        return ctl_exit(rc);
    }

    if (j.files.n == 0 || j.kids.n > j.files.n) {
        ctl_say("jwk needs --key, and no more --kid than there are keys");
        return EXIT_USAGE;
    }

    if (strcmp(j.rsa, "RS256") != 0 && strcmp(j.rsa, "PS256") != 0) {
        ctl_say("algorithm \"%s\" is neither RS256 nor PS256", j.rsa);
        return EXIT_USAGE;
    }

    exit = jwk_make(&j, &set);

    if (exit == EXIT_OK) {
        printf("%.*s\n", (int) set.len, (const char *) set.data);
        exit = ctl_flush() ? EXIT_OK : EXIT_FAILED;
    }

    mem_buf_done(&set);

    return exit;
}


static int
jwk_make(const jwk_t *j, mem_buf_t *set)
{
    int     exit;
    size_t  i;

    mem_buf_printf(set, "{\"keys\":[");

    for (i = 0; i < j->files.n; i++) {
        mem_buf_printf(set, "%s\n", i != 0 ? "," : "");

        exit = jwk_add(j, i, set);

        if (exit != EXIT_OK) {
            return exit;
        }
    }

    mem_buf_printf(set, "\n]}");

    return jwk_check(set);
}


static int
jwk_add(const jwk_t *j, size_t i, mem_buf_t *set)
{
    int             rc;
    char            kid[PEM_THUMBPRINT + 1];
    uint8_t         text[2 * PEM_MAX_JWK];
    EVP_PKEY       *key;
    const char     *reason, *path = j->files.values[i];
    chat_writer_t   w;
    chat_key_alg_e  alg;

    key = jwk_read(path);

    if (key == NULL) {
        return EXIT_FAILED;
    }

    chat_writer_init(&w, text, sizeof(text));
    chat_write_cstr(&w, "{");

    reason = pem_alg(key, &alg);
    rc = reason == NULL ? pem_write_jwk(&w, key) : -1;

    if (rc == 0) {
        rc = pem_thumbprint(key, kid);
    }

    EVP_PKEY_free(key);

    if (rc == -1) {
        ctl_say("\"%s\": %s", path,
                reason != NULL ? reason : "OpenSSL cannot read it");
        return EXIT_FAILED;
    }

    chat_write_cstr(&w, ",\"alg\":");
    chat_write_string(&w, mem_cstr(alg == CHAT_KEY_RS256
                                   ? j->rsa : token_key_alg_name(alg)));
    chat_write_cstr(&w, ",\"use\":\"sig\",\"kid\":");
    chat_write_string(&w, mem_cstr(i < j->kids.n ? j->kids.values[i] : kid));
    chat_write_cstr(&w, "}");

    if (w.full) {
        ctl_say("kid of \"%s\" is too long", path);
        return EXIT_USAGE;
    }

    mem_buf_add(set, text, w.len);

    return EXIT_OK;
}


/* NULL: said why */

static EVP_PKEY *
jwk_read(const char *path)
{
    char      *text;
    FILE      *file;
    size_t     len;
    EVP_PKEY  *key;

    file = fopen(path, "rb");

    if (file == NULL) {
        ctl_say("\"%s\": %m", path);
        return NULL;
    }

    text = mem_alloc(JWK_MAX_FILE);
    (void) setvbuf(file, NULL, _IONBF, 0);
    len = fread(text, 1, JWK_MAX_FILE, file);
    fclose(file);

    key = pem_read_public((chat_str_t) { (const uint8_t *) text, len });

    explicit_bzero(text, len);          /* it may hold a private key */
    free(text);

    if (key == NULL) {
        ctl_say("\"%s\": there is no key in PEM in it, or one with a password",
                path);
    }

    return key;
}


static void
jwk_on_skip(void *data, size_t place, chat_str_t kid, const char *reason)
{
    bool  *skipped = data;

    (void) place;

    ctl_say("key \"%.*s\": %s", (int) kid.len, (const char *) kid.data,
            reason);
    *skipped = true;
}


static int
jwk_check(const mem_buf_t *set)
{
    bool          skipped = false;
    const char   *reason;
    chat_jwks_t  *parsed;

    parsed = chat_jwks_parse((chat_str_t) { set->data, set->len },
                             jwk_on_skip, &skipped, &reason);

    if (parsed == NULL && !skipped) {
        ctl_say("nginx would not take this set: %s", reason);
    }

    chat_jwks_free(parsed);             /* NULL is fine */

    return parsed != NULL && !skipped ? EXIT_OK : EXIT_FAILED;
}
