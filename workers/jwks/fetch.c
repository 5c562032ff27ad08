/*
 * One GET over https.  The answer decides who may sign tokens, so it comes
 * from the URL itself or not at all: the certificate is verified, a redirect
 * is an error, and neither a proxy nor credentials are taken from the
 * environment.  It is bounded in bytes and, all in all, in time; a peer that
 * drips gains nothing.
 *
 * A fetch blocks: what asks for another one meanwhile waits in the socket.
 * SIGTERM does not wait: it is let in once a second at least.
 */

#include "jwks.h"

#include <curl/curl.h>
#include <string.h>

#include "chat_version.h"
#include "life.h"
#include "log.h"


#define FETCH_OK          200
#define FETCH_MAX_HEADER  65536         /* bytes, of all lines together */


typedef struct {
    mem_buf_t  *body;
    size_t      header;
    bool        too_big;
    bool        stopped;
    char        error[CURL_ERROR_SIZE];
} fetch_t;


static CURLcode fetch_set(CURL *curl, fetch_t *f, const jwks_t *j);
static size_t fetch_on_body(char *data, size_t size, size_t n, void *ctx);
static size_t fetch_on_header(char *data, size_t size, size_t n, void *ctx);
static int fetch_on_progress(void *ctx, curl_off_t dltotal, curl_off_t dlnow,
    curl_off_t ultotal, curl_off_t ulnow);
static int fetch_fail(const jwks_t *j, const char *reason);


int
fetch_init(void)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        log_err("libcurl cannot be used", log_str("program", "chat-jwks"));
        return -1;
    }

    return 0;
}


void
fetch_done(void)
{
    curl_global_cleanup();
}


const char *
fetch_check_url(const char *url)
{
    char        *part = NULL;
    CURLU       *parsed;
    const char  *reason = NULL;

    parsed = curl_url();

    if (parsed == NULL) {
        return "out of memory";
    }

    if (curl_url_set(parsed, CURLUPART_URL, url, 0) != CURLUE_OK
        || curl_url_get(parsed, CURLUPART_SCHEME, &part, 0) != CURLUE_OK)
    {
        reason = "it is not a URL";

    } else if (strcmp(part, "https") != 0) {
        reason = "only https is fetched";
    }

    curl_free(part);

    if (reason == NULL
        && curl_url_get(parsed, CURLUPART_USER, &part, 0) == CURLUE_OK)
    {
        curl_free(part);
        reason = "it must not hold a user or a password";
    }

    curl_url_cleanup(parsed);

    return reason;
}


int
fetch_get(const jwks_t *j, mem_buf_t *body)
{
    long      status = 0;
    CURL     *curl;
    fetch_t   f = { .body = body };
    CURLcode  rc;

    curl = curl_easy_init();

    if (curl == NULL) {
        return fetch_fail(j, "out of memory");
    }

    rc = fetch_set(curl, &f, j);

    if (rc == CURLE_OK) {
        rc = curl_easy_perform(curl);
        (void) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }

    curl_easy_cleanup(curl);

    if (f.stopped) {
        return -1;
    }

    if (f.too_big || rc == CURLE_FILESIZE_EXCEEDED) {
        return fetch_fail(j, "it is bigger than 64 kB");
    }

    if (rc != CURLE_OK) {
        return fetch_fail(j, f.error[0] != '\0' ? f.error
                                                : curl_easy_strerror(rc));
    }

    if (status != FETCH_OK) {
        log_err("the keys cannot be fetched", log_str("url", j->url),
                log_str("reason", "the answer is not 200"),
                log_uint("status", (uint64_t) status));
        return -1;
    }

    return 0;
}


static CURLcode
fetch_set(CURL *curl, fetch_t *f, const jwks_t *j)
{
    size_t    i;
    long      timeout = (long) j->timeout * 1000;
    CURLcode  rc;

    const struct {
        CURLoption  option;
        long        value;
    } longs[] = {
        { CURLOPT_FOLLOWLOCATION,  0 },
        { CURLOPT_SSLVERSION,      CURL_SSLVERSION_TLSv1_2 },
        { CURLOPT_SSL_VERIFYPEER,  1 },
        { CURLOPT_SSL_VERIFYHOST,  2 },
        { CURLOPT_TIMEOUT_MS,      timeout },
        { CURLOPT_CONNECTTIMEOUT_MS, timeout },
        { CURLOPT_MAXFILESIZE,     JWKS_MAX_SIZE },
        { CURLOPT_NOSIGNAL,        1 },
        { CURLOPT_NOPROGRESS,      0 }
    };

    const struct {
        CURLoption   option;
        const void  *value;
    } pointers[] = {
        { CURLOPT_URL,             j->url },
        { CURLOPT_PROTOCOLS_STR,   "https" },
        { CURLOPT_PROXY,           "" },        /* whatever https_proxy says */
        { CURLOPT_USERAGENT,       "chat-jwks/" CHAT_VERSION },
        { CURLOPT_ERRORBUFFER,     f->error },
        { CURLOPT_WRITEDATA,       f },
        { CURLOPT_HEADERDATA,      f },
        { CURLOPT_XFERINFODATA,    f },
        { CURLOPT_CAINFO,          j->ca_file },
        { CURLOPT_CAPATH,          NULL }       /* not those as well */
    };

    size_t  npointers = sizeof(pointers) / sizeof(pointers[0]);

    if (j->ca_file == NULL) {
        npointers -= 2;                 /* libcurl knows where they are */
    }

    rc = curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, fetch_on_body);

    if (rc == CURLE_OK) {
        rc = curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, fetch_on_header);
    }

    if (rc == CURLE_OK) {
        rc = curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION,
                              fetch_on_progress);
    }

    for (i = 0; rc == CURLE_OK && i < sizeof(longs) / sizeof(longs[0]); i++) {
        rc = curl_easy_setopt(curl, longs[i].option, longs[i].value);
    }

    for (i = 0; rc == CURLE_OK && i < npointers; i++) {
        rc = curl_easy_setopt(curl, pointers[i].option, pointers[i].value);
    }

    return rc;
}


/* less than n: libcurl gives up */

static size_t
fetch_on_body(char *data, size_t size, size_t n, void *ctx)
{
    fetch_t  *f = ctx;

    (void) size;                        /* always 1 */

    if (n > JWKS_MAX_SIZE - f->body->len) {
        f->too_big = true;
        return 0;
    }

    mem_buf_add(f->body, data, n);

    return n;
}


static size_t
fetch_on_header(char *data, size_t size, size_t n, void *ctx)
{
    fetch_t  *f = ctx;

    (void) data;
    (void) size;

    f->header += n;

    if (f->header > FETCH_MAX_HEADER) {
        f->too_big = true;
        return 0;
    }

    return n;
}


static int
fetch_on_progress(void *ctx, curl_off_t dltotal, curl_off_t dlnow,
    curl_off_t ultotal, curl_off_t ulnow)
{
    fetch_t  *f = ctx;

    (void) dltotal;
    (void) dlnow;
    (void) ultotal;
    (void) ulnow;

    f->stopped = life_wait(-1, 0, 0, true) == LIFE_STOP;

    return f->stopped ? 1 : 0;
}


static int
fetch_fail(const jwks_t *j, const char *reason)
{
    log_err("the keys cannot be fetched", log_str("url", j->url),
            log_str("reason", reason));

    return -1;
}
