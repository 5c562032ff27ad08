/*
 * Members: who comes, who goes, who is what.
 */

#include "rows.h"

#include <stdlib.h>

#include "fold.h"


/*
 * What becomes of a member in a run: what the entries that concern it, one
 * after the other, would have left in its row.
 */

typedef struct {
    const entry_t  *e;          /* the last one */
    chat_str_t      user;
    chat_str_t      role;       /* empty: none */
    const entry_t  *joined;     /* the one that made it a member, or NULL */
    bool            told;       /*   and whether clients were told */
    uint64_t        revision;   /* that clients were told last; 0: none */
    bool            silent;     /* see chat.member */
} change_t;


typedef struct {
    fold_t     fold;
    change_t  *changes;         /* by their number in it */
    size_t     size;
} changes_t;


/* who becomes a member begins with marks at the sequence of that time */

static const char  sql_joined[] =
    "INSERT INTO chat.member AS m"
    " (conversation_key, user_id, tenant_id, role, joined_at,"
    "  joined_revision, last_read, last_delivered, revision, silent)"
    " SELECT key, user_id, tenant, role, at, joined, sequence, sequence,"
    "        revision, silent"
    " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[],"
    "             $5::bigint[], $6::boolean[], $7::timestamptz[],"
    "             $8::bigint[], $9::bigint[])"
    " AS e (key, user_id, tenant, role, revision, silent, at, joined,"
    "       sequence)"
    " ON CONFLICT (conversation_key, user_id) DO UPDATE SET"
    " role = excluded.role, joined_at = excluded.joined_at,"
    " joined_revision = excluded.joined_revision,"
    " last_read = excluded.last_read,"
    " last_delivered = excluded.last_delivered,"
    " revision = greatest(m.revision, excluded.revision),"
    " silent = excluded.silent";

/* one who has no row yet is blocked without having been a member */

static const char  sql_changed[] =
    "INSERT INTO chat.member AS m"
    " (conversation_key, user_id, tenant_id, role, joined_at,"
    "  joined_revision, last_read, last_delivered, revision, silent)"
    " SELECT key, user_id, tenant, role, at, 0, sequence, sequence,"
    "        revision, silent"
    " FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[],"
    "             $5::bigint[], $6::boolean[], $7::timestamptz[],"
    "             $8::bigint[], $9::bigint[])"
    " AS e (key, user_id, tenant, role, revision, silent, at, joined,"
    "       sequence)"
    " ON CONFLICT (conversation_key, user_id) DO UPDATE SET"
    " role = excluded.role, revision = excluded.revision,"
    " silent = excluded.silent";


static change_t *
rows_change(changes_t *all, const entry_t *e, chat_str_t user)
{
    size_t      i, was = all->fold.n;
    chat_str_t  key = { e->key, UUID_LEN };

    i = fold_number(&all->fold, key, user);

    if (i == all->size) {
        all->size = all->size * 2 + 64;
        all->changes = mem_realloc(all->changes, all->size,
                                   sizeof(change_t));
    }

    if (i == was) {
        memset(&all->changes[i], 0, sizeof(change_t));
        all->changes[i].user = user;
    }

    return &all->changes[i];
}


/* a role that the conversation begins with: nobody is told of it by itself */

static void
rows_begin(changes_t *all, const entry_t *e)
{
    change_t        *c;
    chat_str_t       rest = e->members;
    entry_member_t   m;

    while (entry_next_member(&rest, &m)) {
        c = rows_change(all, e, m.user);
        c->e = e;
        c->joined = e;
        c->role = m.role;
    }
}


/* a message or a mark of who has read the channel so far */

static void
rows_join(changes_t *all, const entry_t *e)
{
    change_t  *c;

    c = rows_change(all, e, e->target);
    c->e = e;
    c->joined = e;
    c->role = e->role;
    c->told = false;
    c->silent = true;
}


static void
rows_role(changes_t *all, const entry_t *e)
{
    change_t  *c;

    c = rows_change(all, e, e->target);
    c->e = e;
    c->role = e->role;
    c->revision = e->revision;
    c->silent = false;

    if (e->joins) {
        c->joined = e;
        c->told = true;
    }
}


static void
rows_collect(changes_t *all, const entry_t *e)
{
    switch (e->kind) {

    case ENTRY_CREATE:
        if (e->fate == ENTRY_GOOD) {
            rows_begin(all, e);
        }
        break;

    case ENTRY_MESSAGE:
        if (e->joins && e->fate != ENTRY_DEAD) {
            rows_join(all, e);
        }
        break;

    case ENTRY_JOIN:
        if (e->fate == ENTRY_GOOD) {
            rows_join(all, e);
        }
        break;

    case ENTRY_MEMBER:
        if (e->fate == ENTRY_GOOD) {
            rows_role(all, e);
        }
        break;

    default:
        break;
    }
}


/* The marks of who joins by a mark follow it; they count from nothing. */

static uint64_t
rows_first_mark(const change_t *c)
{
    const entry_t  *e = c->joined != NULL ? c->joined : c->e;

    return e->kind == ENTRY_JOIN ? 0 : e->sequence;
}


/* those who have become members, or all others */

static int
rows_send_changes(persist_t *p, const changes_t *all, bool joined,
    const char *sql)
{
    db_array_t       a[9];
    const change_t  *c, *end = all->changes + all->fold.n;

    static const Oid  types[] = {
        DB_UUID, DB_TEXT, DB_TEXT, DB_TEXT, DB_INT8, DB_BOOL,
        DB_TIMESTAMPTZ, DB_INT8, DB_INT8
    };

    rows_init(a, types, 9);

    for (c = all->changes; c < end; c++) {

        if ((c->joined != NULL) != joined) {
            continue;
        }

        db_array_bytes(&a[0], c->e->key, UUID_LEN);
        db_array_str(&a[1], c->user);
        db_array_str(&a[2], c->e->tenant);
        rows_text(&a[3], c->role);
        db_array_int8(&a[4], c->revision);
        db_array_bool(&a[5], c->silent);
        db_array_time(&a[6], joined ? c->joined->time : c->e->time);
        db_array_int8(&a[7], c->told ? c->joined->revision : 0);
        db_array_int8(&a[8], rows_first_mark(c));
    }

    return rows_finish(p, sql, a, 9);
}


int
rows_members(persist_t *p, const entry_t *entries, size_t n)
{
    int             joined, changed;
    changes_t       all = { 0 };
    const entry_t  *e;

    for (e = entries; e < entries + n; e++) {
        rows_collect(&all, e);
    }

    joined = rows_send_changes(p, &all, true, sql_joined);
    changed = joined == -1 ? -1
              : rows_send_changes(p, &all, false, sql_changed);

    fold_done(&all.fold);
    free(all.changes);

    return changed == -1 ? -1 : joined + changed;
}
