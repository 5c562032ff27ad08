/*
 * chatctl reload: has nginx read its configuration anew, waits until the old
 * worker processes are gone, and tells what became of everybody.
 */

#include "reload.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "token.h"


#define STEP     20             /* ms between looks */
#define SURE     500            /* ms without a new process, and none to come */
#define SETTLE   5000           /* ms: the new ones reach Redis */
#define TALK     500            /* ms before the reload */
#define HEARD    10000          /* ms: the last messages are */
#define USER     "chatctl"


static int reload_check(reload_t *r);
static int reload_run(reload_t *r);
static int reload_test(const reload_t *r);
static int reload_prepare(reload_t *r);
static int reload_make_token(reload_t *r);
static int reload_signal(reload_t *r);
static int reload_await(reload_t *r);
static bool reload_is_idle_for_good(reload_t *r, uint64_t now);
static void reload_say_stopped(void);
static void reload_say_none(const reload_t *r);
static void reload_pause(reload_t *r);
static int reload_verify(reload_t *r);


int
reload_main(int argc, char **argv)
{
    int              rc;
    options_rc_e     orc;
    static reload_t  r;

    const option_t  own[] = {
        { "pid-file", OPTION_TEXT, false, "FILE", "/run/nginx.pid",
          "where nginx has written its process id", &r.pid_file, 0, 0 },
        { "pid", OPTION_NUMBER, false, "N", NULL,
          "the process id itself", &r.pid, 1, INT32_MAX },
        { "test-command", OPTION_TEXT, false, "COMMAND", NULL,
          "what must succeed before, such as \"nginx -t\"", &r.test, 0, 0 },
        { "wait", OPTION_SECONDS, false, "TIME", "2m",
          "how long old processes may take; more than chat_drain_time",
          &r.wait, 1, 86400 },
        { "verify", OPTION_FLAG, false, NULL, NULL,
          "look whether anything is lost or doubled", &r.verify, 0, 0 },
        { "url", OPTION_TEXT, false, "URL", NULL,
          "ws://HOST:PORT/PATH of a chat location, for sessions of its own",
          &r.url, 0, 0 },
        { "sessions", OPTION_NUMBER, false, "N", "4",
          "so many of them", &r.sessions, 1, WATCH_MAX },
        { "token-key-file", OPTION_TEXT, true, "FILE", NULL,
          "what their token is signed with", &r.key_file, 0, 0 },
        { "tenant", OPTION_TEXT, false, "ID", "default",
          "of which tenant they are", &r.tenant, 0, 0 },
        { "json", OPTION_FLAG, false, NULL, NULL,
          "print one JSON object", &r.json, 0, 0 },
        OPTION_REDIS_URL(&r.redis_url),
        OPTION_END
    };

    const options_t  options = {
        .usage = "chatctl reload [OPTION]...",
        .help = "Has nginx reload its configuration, as nginx -s reload does, "
                "and waits until the old worker\nprocesses are gone.  With "
                "--verify it looks before and after what nodes tell; with "
                "--url, too,\nit has sessions there meanwhile, which talk, "
                "come back and count what they missed or heard\ntwice.",
        .more = CHATCTL_EXITS,
        .own = own
    };

    memset(&r, 0, sizeof(r));
    orc = options_read(&options, argc, argv);

    if (orc != OPTIONS_OK) {
        return ctl_exit(orc);
    }

    if (reload_check(&r) == -1) {
        return EXIT_USAGE;
    }

    rc = reload_run(&r);

    if (watch_close(&r.watch) == -1) {
        ctl_say("conversation \"%s\" of the own sessions could not be deleted",
                r.watch.name);
    }

    free(r.token);

    return rc;
}


static int
reload_check(reload_t *r)
{
    if (r->url != NULL && !r->verify) {
        ctl_say("--url is for --verify");
        return -1;
    }

    if (r->url != NULL && socket_url_read(&r->watch.url, r->url) == -1) {
        ctl_say("\"%s\" is not like ws://127.0.0.1:8080/chat", r->url);
        return -1;
    }

    if (r->url != NULL && r->key_file == NULL) {
        ctl_say("--url needs --token-key-file (CHAT_TOKEN_KEY_FILE)");
        return -1;
    }

    return ctl_check_id("tenant", r->tenant);
}


static int
reload_run(reload_t *r)
{
    int  rc;

    if (r->pid == 0 && reload_read_pid(r->pid_file, &r->pid) == -1) {
        return EXIT_FAILED;
    }

    r->master = (pid_t) r->pid;

    if (reload_check_master(r->master) == -1 || reload_test(r) == -1) {
        return EXIT_FAILED;
    }

    reload_workers(r->master, false, &r->old);
    r->staying = reload_count_staying(&r->old);

    if (r->verify) {
        rc = reload_prepare(r);

        if (rc != EXIT_OK) {
            return rc;
        }
    }

    if (life_stopping()) {
        ctl_say("stopped: nothing is reloaded");
        return EXIT_FAILED;
    }

    if (reload_signal(r) == -1 || reload_await(r) == -1) {
        return EXIT_FAILED;
    }

    if (r->verify) {
        rc = reload_verify(r);

        if (rc != EXIT_OK) {
            return rc;
        }
    }

    if (life_stopping()) {
        reload_say_stopped();
        return EXIT_FAILED;
    }

    if (r->json) {
        reload_print_json(r);
    } else {
        reload_print(r);
    }

    return ctl_flush() && reload_is_good(r) ? EXIT_OK : EXIT_FAILED;
}


static int
reload_test(const reload_t *r)
{
    int        rc;
    mem_buf_t  text = { 0 };

    if (r->test == NULL) {
        return 0;
    }

    /* what it prints is no part of what we print */

    mem_buf_printf(&text, "exec >&2\n");
    mem_buf_add(&text, r->test, strlen(r->test) + 1);
    rc = system((char *) text.data);
    mem_buf_done(&text);

    if (rc == 0) {
        return 0;
    }

    ctl_say("\"%s\" has failed: nothing is reloaded", r->test);

    return -1;
}


/* all must be well before, or nobody could say what the reload has done */

static int
reload_prepare(reload_t *r)
{
    if (reload_ask_nodes(r->redis_url, r->master, &r->old, &r->before) == -1) {
        return EXIT_UNAVAILABLE;
    }

    if (r->before.nodes == 0) {
        ctl_say("no node of this nginx answers: is this the Redis of its "
                "chat_redis?");
        return EXIT_UNAVAILABLE;
    }

    if (r->url == NULL) {
        return EXIT_OK;
    }

    if (reload_make_token(r) == -1) {
        return EXIT_FAILED;
    }

    life_note_stop();                   /* what is made is deleted, too */

    if (watch_open(&r->watch, (size_t) r->sessions) == -1
        && !life_stopping())
    {
        ctl_say("cannot have sessions at %s: %s", r->url, r->watch.why);
        return EXIT_UNAVAILABLE;
    }

    watch_run(&r->watch, TALK);

    return EXIT_OK;
}


static int
reload_make_token(reload_t *r)
{
    uint64_t            now = life_time() / 1000;
    const char         *reason, *roles[] = { "admin" };
    token_key_t         key;
    token_claims_t      claims = {
        .user = USER, .tenant = r->tenant, .roles = roles, .nroles = 1,
        .issued = now, .expires = now + r->wait + 3600
    };

    reason = token_key_read(&key, r->key_file);

    if (reason != NULL) {
        ctl_say("\"%s\": %s", r->key_file, reason);

    } else {
        r->token = token_make(&key, &claims);
        r->watch.token = r->token;
    }

    token_key_wipe(&key);

    return r->token != NULL ? 0 : -1;
}


static int
reload_signal(reload_t *r)
{
    /* time has passed: it may have ended, and its number be another's */

    if (reload_check_master(r->master) == -1) {
        return -1;
    }

    reload_workers(r->master, true, &r->children);

    if (kill(r->master, SIGHUP) == -1) {
        ctl_say("cannot send a signal to process %d: %s", (int) r->master,
                strerror(errno));
        return -1;
    }

    return 0;
}


static int
reload_await(reload_t *r)
{
    size_t    old;
    uint64_t  began = life_now();

    for ( ;; ) {
        reload_pause(r);
        reload_workers(r->master, false, &r->now);

        old = reload_count_old(&r->now, &r->old);
        r->started = r->now.n - old;
        r->ms = life_now() - began;

        if (r->started > 0 && old == 0) {
            return 0;
        }

        if (r->now.n == 0 && kill(r->master, 0) == -1) {
            ctl_say("nginx has ended");
            return -1;
        }

        if (life_stopping()) {
            reload_say_stopped();
            return -1;
        }

        if (r->started == 0 && reload_is_idle_for_good(r, life_now())) {
            reload_say_none(r);
            return -1;
        }

        if (r->ms > r->wait * 1000) {
            ctl_say("%zu old processes and %zu new ones are there after %"
                    PRIu64 " s: chat_drain_time may be longer,\nor other "
                    "connections (downloads, proxied ones) hold the old ones",
                    old, r->started, r->wait);
            return -1;
        }
    }
}


/* nginx says nothing to who has sent the signal, and has started no process
   that lives; the old ones have had time to see that they are to leave */

static bool
reload_is_idle_for_good(reload_t *r, uint64_t now)
{
    static workers_t  children;

    if (reload_is_idle(r->master)) {
        reload_workers(r->master, true, &children);

        if (reload_count_new(&children, &r->children) == 0) {
            r->idle_at = r->idle_at == 0 ? now : r->idle_at;

            return now - r->idle_at >= SURE;
        }
    }

    r->idle_at = 0;

    return false;
}


static void
reload_say_stopped(void)
{
    ctl_say("stopped: the reload goes on, unwatched");
}


static void
reload_say_none(const reload_t *r)
{
    if (r->staying > 0 && reload_count_staying(&r->old) == r->staying) {
        ctl_say("nginx has refused its configuration: nothing has changed.  "
                "Its error_log says why, and so\ndoes nginx -t");
        return;
    }

    ctl_say("no new process of nginx lives, and the old ones leave or are "
            "gone: soon nobody is served.\nIts error_log says why");
}


static void
reload_pause(reload_t *r)
{
    if (r->watch.n != 0) {
        watch_run(&r->watch, STEP);
        return;
    }

    (void) life_wait(-1, 0, life_now() + STEP, false);
}


static int
reload_verify(reload_t *r)
{
    uint64_t  until = life_now() + SETTLE;

    if (r->watch.n != 0) {
        watch_run(&r->watch, TALK);
        watch_end(&r->watch, HEARD);
    }

    do {
        if (reload_ask_nodes(r->redis_url, r->master, &r->now, &r->after)
            == -1)
        {
            return EXIT_UNAVAILABLE;
        }

    } while (r->after.nodes < r->now.n && life_now() < until);

    return EXIT_OK;
}
