#include "signin.h"

#include <sys/socket.h>

#include "life.h"
#include "listener.h"
#include "log.h"
#include "options.h"


typedef struct {
    const char  *listen;
    const char  *key_file;
    const char  *log_level;
    uint64_t     ttl;
} settings_t;


static settings_t  settings;

static const option_t  options[] = {
    { "listen", OPTION_TEXT, true, "ADDRESS", NULL,
      "where to serve HTTP: unix:PATH", &settings.listen, 0, 0 },
    { "token-key-file", OPTION_TEXT, true, "FILE", NULL,
      "the secret that tokens are made with, 32 bytes or more",
      &settings.key_file, 0, 0 },
    { "ttl", OPTION_SECONDS, true, "TIME", "1h",
      "how long a token is good", &settings.ttl, 60, 86400 },
    OPTION_LOG_LEVEL(&settings.log_level),
    OPTION_END
};

static const options_t  usage = {
    .usage = "chat-signin --listen unix:PATH --token-key-file FILE",
    .help = "For demonstrations only: whoever asks gets a token for any name,"
            " so that\nanybody can be anyone.  Serves POST /signin"
            " {\"name\": \"Ada\"} and GET /healthz.",
    .own = options
};


static int signin_init(signin_t *s);


int
main(int argc, char **argv)
{
    int       fd, rc;
    signin_t  s;

    switch (options_read(&usage, argc, argv)) {
    case OPTIONS_OK:
        break;
    case OPTIONS_DONE:
        return 0;
    case OPTIONS_ERROR:
        return 2;
    }

    log_init("chat-signin");
    life_init();

    if (signin_init(&s) == -1) {
        return 1;
    }

    fd = listener_open(settings.listen, SOCK_STREAM);

    if (fd == -1) {
        return 1;
    }

    log_notice("started", log_str("listen", settings.listen));

    rc = http_serve(&s, fd);

    listener_close(fd, settings.listen);
    token_key_wipe(&s.key);

    log_notice("stopped", log_str("listen", settings.listen));

    return rc == -1 ? 1 : 0;
}


static int
signin_init(signin_t *s)
{
    const char  *reason;

    if (log_set_level(settings.log_level) == -1) {
        log_err("no such log level", log_str("level", settings.log_level));
        return -1;
    }

    if (settings.listen == NULL) {
        log_err("nowhere to listen, see --listen",
                log_str("option", "--listen"));
        return -1;
    }

    if (settings.key_file == NULL) {
        log_err("no key to make tokens with, see --token-key-file",
                log_str("option", "--token-key-file"));
        return -1;
    }

    s->ttl = settings.ttl;

    reason = token_key_read(&s->key, settings.key_file);

    if (reason != NULL) {
        log_err("the token key is of no use",
                log_str("file", settings.key_file),
                log_str("reason", reason));
        return -1;
    }

    return 0;
}
