#define _GNU_SOURCE

#include "presence.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "log.h"
#include "qualified.h"
#include "schema.h"


#define DESK_TIMEOUT  10000     /* ms of each step */
#define DESK_IDLE     60000     /* ms; it is woken up for everything */


/* all goes by the primary key, whatever PostgreSQL knows of the table */

static const char  session_setup[] =
    SCHEMA_CHECK
    "SET idle_in_transaction_session_timeout = '3s';"
    "SET statement_timeout = '5s';"
    "SET tcp_user_timeout = '3s';"
    "SET plan_cache_mode = force_generic_plan;"
    "SET enable_seqscan = off;"
    "SET enable_bitmapscan = off;"
    "SET enable_hashjoin = off;"
    "SET enable_mergejoin = off;"
    "SET jit = off";

static const char  sql_partitions[] =
    "SELECT count(*) FROM chat.partition";

static const char  sql_load[] =
    "SELECT p.choice, p.text, p.version,"
    " (extract(epoch FROM p.last_seen) * 1000)::bigint"
    " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY u (t, id, i)"
    " LEFT JOIN chat.presence p ON p.tenant_id = u.t AND p.user_id = u.id"
    " ORDER BY u.i";

static const char  sql_store[] =
    "SELECT chat.presence_store($1::text[], $2::text[], $3::text[],"
    " $4::text[], $5::bigint[], $6::bigint[])";


static void *desk_run(void *data);
static void desk_open(desk_t *desk);
static void desk_work(desk_t *desk, paper_t *paper, bool store);
static int desk_load(desk_t *desk, paper_t *paper);
static int desk_store(desk_t *desk, paper_t *paper);
static void desk_close(desk_t *desk);


int
desk_start(desk_t *desk)
{
    desk->db.setup = session_setup;
    desk->db.timeout = DESK_TIMEOUT;
    desk->asked = eventfd(0, EFD_CLOEXEC|EFD_NONBLOCK);
    desk->told = eventfd(0, EFD_CLOEXEC|EFD_NONBLOCK);

    if (desk->asked == -1 || desk->told == -1
        || pipe2(desk->stop, O_CLOEXEC) == -1)
    {
        log_crit("no descriptors are left", log_errno());
        return -1;
    }

    errno = pthread_create(&desk->thread, NULL, desk_run, desk);

    if (errno != 0) {
        log_crit("cannot make a thread", log_errno());
        return -1;
    }

    desk->started = true;

    return 0;
}


void
desk_stop(desk_t *desk)
{
    if (!desk->started) {
        return;
    }

    (void) close(desk->stop[1]);                /* which can be read */
    (void) pthread_join(desk->thread, NULL);    /* cannot fail: it is there */

    desk_close(desk);
    desk->started = false;
}


static void
desk_close(desk_t *desk)
{
    (void) close(desk->stop[0]);
    (void) close(desk->asked);
    (void) close(desk->told);

    mem_arena_done(&desk->load[0].arena);
    mem_arena_done(&desk->load[1].arena);
    mem_arena_done(&desk->store.arena);
    db_close(&desk->db);
}


/* the counter of an eventfd, which never blocks: 2^64 of them do not happen */

static void
desk_ring(int fd)
{
    uint64_t  one = 1;

    (void) !write(fd, &one, sizeof(one));
}


static void
desk_hush(int fd)
{
    uint64_t  n;

    (void) !read(fd, &n, sizeof(n));
}


void
desk_heard(desk_t *desk)
{
    desk_hush(desk->told);
}


void
paper_reset(paper_t *paper)
{
    paper->n = 0;
    paper->refused = 0;
    memset(paper->now, 0, sizeof(paper->now));
    mem_arena_reset(&paper->arena);
    atomic_store(&paper->state, PAPER_OURS);
}


chat_str_t
paper_copy(paper_t *paper, chat_str_t text)
{
    uint8_t  *data;

    if (text.len == 0) {
        return chat_str("");
    }

    data = mem_arena_take(&paper->arena, text.len);
    memcpy(data, text.data, text.len);

    return (chat_str_t) { data, text.len };
}


paper_user_t *
paper_add(paper_t *paper, part_t *part, chat_str_t name)
{
    paper_user_t  *user = &paper->users[paper->n];

    if (paper->now[part->p] == 0) {
        paper->now[part->p] = part->looked;
        memcpy(paper->epochs[part->p], part->epoch, sizeof(part->epoch));
    }

    memset(user, 0, sizeof(*user));
    user->part = part;
    user->name = paper_copy(paper, name);
    paper->n++;

    return user;
}


void
paper_hand_in(desk_t *desk, paper_t *paper)
{
    atomic_store(&paper->state, PAPER_WAITS);
    desk_ring(desk->asked);
}


/* the thread: who waits to be seen comes first */

static void *
desk_run(void *data)
{
    desk_t    *desk = data;
    uint64_t   at;

    life_stop_when_readable(desk->stop[0]);

    do {
        desk_hush(desk->asked);
        desk_open(desk);
        desk_work(desk, &desk->load[0], false);
        desk_work(desk, &desk->load[1], false);
        desk_work(desk, &desk->store, true);

        at = db_is_open(&desk->db) ? life_now() + DESK_IDLE
                                   : desk->db.backoff.at;

    } while (life_wait(desk->asked, POLLIN, at, false) != LIFE_STOP);

    return NULL;
}


/* how many partitions there are is fixed, so it is asked once */

static void
desk_open(desk_t *desk)
{
    PGresult  *res;

    if (db_is_open(&desk->db)) {
        return;
    }

    if (db_open(&desk->db) == 0 && atomic_load(&desk->partitions) == 0) {
        res = db_query(&desk->db, sql_partitions, NULL);

        if (res == NULL) {
            (void) db_drop(&desk->db);

        } else {
            atomic_store(&desk->partitions,
                         (unsigned) db_value_uint(res, 0, 0));
            PQclear(res);
        }
    }

    if (db_is_open(&desk->db)) {
        db_settle(&desk->db);
        atomic_store(&desk->links, desk->db.links);
    }

    atomic_store(&desk->up, db_is_open(&desk->db));
    desk_ring(desk->told);
}


static void
desk_work(desk_t *desk, paper_t *paper, bool store)
{
    int  rc = -1;

    if (paper_state(paper) != PAPER_WAITS) {
        return;
    }

    if (db_is_open(&desk->db)) {
        rc = store ? desk_store(desk, paper) : desk_load(desk, paper);
        atomic_store(&desk->up, db_is_open(&desk->db));
    }

    atomic_store(&paper->state, rc == 0 ? PAPER_DONE : PAPER_FAILED);
    desk_ring(desk->told);
}


/* tenants and users of a paper; names that are none match nothing */

static void
desk_names(const paper_user_t *users, size_t n, db_array_t *tenants,
    db_array_t *ids)
{
    size_t      i;
    chat_str_t  tenant, id;

    db_array_init(tenants, DB_TEXT);
    db_array_init(ids, DB_TEXT);

    for (i = 0; i < n; i++) {

        if (qualified_split(users[i].name, &tenant, &id) == -1) {
            tenant = chat_str("");
            id = chat_str("");
        }

        db_array_str(tenants, tenant);
        db_array_str(ids, id);
    }
}


static PGresult *
desk_ask(desk_t *desk, const paper_t *paper)
{
    PGresult     *res;
    db_array_t    tenants, ids;
    db_params_t   ps = { 0 };

    desk_names(paper->users, paper->n, &tenants, &ids);
    db_param_array(&ps, &tenants);
    db_param_array(&ps, &ids);
    res = db_query(&desk->db, sql_load, &ps);
    db_array_done(&tenants);
    db_array_done(&ids);

    return res;
}


static int
desk_load(desk_t *desk, paper_t *paper)
{
    int            row;
    chat_str_t     choice;
    PGresult      *res;
    paper_user_t  *user;

    res = desk_ask(desk, paper);

    if (res == NULL || PQntuples(res) != (int) paper->n) {
        PQclear(res);
        return db_is_open(&desk->db) ? db_drop(&desk->db) : -1;
    }

    for (row = 0; row < PQntuples(res); row++) {
        user = &paper->users[row];
        choice = db_value(res, row, 0);
        user->choice = choice.len != 0 ? (char) choice.data[0] : '\0';
        user->text = paper_copy(paper, db_value(res, row, 1));
        user->version = db_value_uint(res, row, 2);
        user->last = db_value_uint(res, row, 3);
    }

    PQclear(res);

    return 0;
}


static PGresult *
desk_write(desk_t *desk, const paper_user_t *users, size_t n)
{
    size_t        i;
    PGresult     *res;
    db_array_t    a[6];
    db_params_t   ps = { 0 };

    desk_names(users, n, &a[0], &a[1]);
    db_array_init(&a[2], DB_TEXT);
    db_array_init(&a[3], DB_TEXT);
    db_array_init(&a[4], DB_INT8);
    db_array_init(&a[5], DB_INT8);

    for (i = 0; i < n; i++) {
        db_array_bytes(&a[2], &users[i].choice, 1);
        db_array_str(&a[3], users[i].text);
        db_array_int8(&a[4], users[i].version);
        db_array_int8(&a[5], users[i].last);
    }

    for (i = 0; i < 6; i++) {
        db_param_array(&ps, &a[i]);
    }

    res = db_query(&desk->db, sql_store, &ps);

    for (i = 0; i < 6; i++) {
        db_array_done(&a[i]);
    }

    return res;
}


/* One that PostgreSQL does not take keeps none of the others waiting.  That it
   is slow or at its end is not the fault of a row: classes 53 and 57 of its
   error codes. */

static int
desk_store_each(desk_t *desk, paper_t *paper)
{
    size_t     i;
    PGresult  *res;

    for (i = 0; i < paper->n; i++) {

        if (!db_is_open(&desk->db)) {
            return -1;
        }

        if (strncmp(desk->db.sqlstate, "53", 2) == 0
            || strncmp(desk->db.sqlstate, "57", 2) == 0)
        {
            return db_drop(&desk->db);
        }

        res = desk_write(desk, &paper->users[i], 1);

        if (res == NULL && db_is_open(&desk->db)) {
            paper->refused++;
            log_err("PostgreSQL does not take a user's presence",
                    log_str("error", desk->db.error));
        }

        PQclear(res);
    }

    return db_is_open(&desk->db) ? 0 : -1;
}


static int
desk_store(desk_t *desk, paper_t *paper)
{
    PGresult  *res;

    res = desk_write(desk, paper->users, paper->n);

    if (res == NULL) {
        return desk_store_each(desk, paper);
    }

    PQclear(res);

    return 0;
}
