#include "jwks.h"

#include <signal.h>

#include "life.h"
#include "log.h"
#include "options.h"
#include "status.h"


static metrics_t    metrics;
static jwks_t       jwks = { .metrics = &metrics };
static bool         once;
static const char  *log_level;

static status_t     status = {
    .program = "chat_jwks",
    .metrics = metrics_write,
    .ready = metrics_ready,
    .data = &metrics
};

static const option_t  own[] = {
    { "url", OPTION_TEXT, true, "URL", NULL,
      "where the keys are, https only; required", &jwks.url, 0, 0 },
    { "file", OPTION_TEXT, true, "FILE", NULL,
      "where they go to; required", &jwks.file, 0, 0 },
    { "socket", OPTION_TEXT, true, "ADDRESS", NULL,
      "where nginx asks for new keys: unix:PATH", &jwks.socket, 0, 0 },
    { "interval", OPTION_SECONDS, true, "TIME", "5m",
      "how often they are fetched unasked", &jwks.interval, 1, 86400 },
    { "min-interval", OPTION_SECONDS, true, "TIME", "10s",
      "how often at most, asked or not", &jwks.min_interval, 1, 3600 },
    { "timeout", OPTION_SECONDS, true, "TIME", "10s",
      "how long a fetch may take", &jwks.timeout, 1, 300 },
    { "ca-file", OPTION_TEXT, true, "FILE", NULL,
      "certificates to trust instead of the system's", &jwks.ca_file, 0, 0 },
    OPTION_STATUS_LISTEN(&status.listen),
    { "once", OPTION_FLAG, false, NULL, NULL,
      "fetch once, and say by the exit code whether it went well", &once, 0,
      0 },
    OPTION_END
};

static const option_t  common[] = {
    OPTION_LOG_LEVEL(&log_level),
    OPTION_END
};

static const options_t  usage = {
    .usage = "chat-jwks --url URL --file FILE [OPTION]...",
    .help = "Fetches the keys of an identity provider (JWK Set) into a file"
            " that nginx reads\nby itself when it changes"
            " (chat_token_jwks).",
    .more = "exit codes: 0 stopped, or with --once the file is what the URL"
            " says; 1 failed;\n2 wrong usage",
    .own = own,
    .common = common,
    .word = "JWKS_"
};


static int main_check(void);


int
main(int argc, char **argv)
{
    int  rc;

    switch (options_read(&usage, argc, argv)) {
    case OPTIONS_OK:
        break;
    case OPTIONS_DONE:
        return 0;
    case OPTIONS_ERROR:
        return 2;
    }

    log_init("chat-jwks");
    life_init();

    /* a file that may not grow is an error like a full disk */
    (void) signal(SIGXFSZ, SIG_IGN);

    if (main_check() == -1) {
        return 2;
    }

    if (fetch_init() == -1) {
        return 1;
    }

    if (once) {
        rc = jwks_update(&jwks);

    } else if (status_start(&status) == -1) {
        rc = -1;

    } else {
        rc = jwks_serve(&jwks);
        status_stop(&status);
    }

    fetch_done();

    return rc == -1 ? 1 : 0;
}


static int
main_check(void)
{
    const char  *reason;

    if (log_set_level(log_level) == -1) {
        log_err("no such log level", log_str("level", log_level));
        return -1;
    }

    if (jwks.url == NULL || jwks.file == NULL) {
        log_err("an option is missing, see --help",
                log_str("option", jwks.url == NULL ? "--url" : "--file"));
        return -1;
    }

    /* not logged: it may be one with a password in it */

    reason = fetch_check_url(jwks.url);

    if (reason != NULL) {
        log_err("the URL cannot be used", log_str("reason", reason));
        return -1;
    }

    return 0;
}
