/*
 * Messages, and what becomes of them.
 */

#include "rows.h"


static int rows_sent_plain(persist_t *p, const entry_t *entries, size_t n);
static int rows_sent_rich(persist_t *p, const entry_t *entries, size_t n);


/* nearly all there are */

static const char  sql_plain[] =
    "INSERT INTO chat.message"
    " (p, id, conversation_key, sequence, revision, sender_id, client_id,"
    "  content, size, created_at)"
    " SELECT * FROM unnest($1::smallint[], $2::uuid[], $3::uuid[],"
    " $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::json[],"
    " $9::integer[], $10::timestamptz[])";

/* those with a reference, with mentions or attachments */

static const char  sql_rich[] =
    "INSERT INTO chat.message"
    " (p, id, conversation_key, sequence, revision, sender_id, client_id,"
    "  content, size, created_at, reply_to, mentions, attachments)"
    " SELECT p, id, key, sequence, revision, sender, client, content, size,"
    " at, reply_to, string_to_array(mentions, ','), attachments"
    " FROM unnest($1::smallint[], $2::uuid[], $3::uuid[],"
    " $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::json[],"
    " $9::integer[], $10::timestamptz[], $11::uuid[], $12::text[],"
    " $13::json[]) AS e (p, id, key, sequence, revision, sender, client,"
    " content, size, at, reply_to, mentions, attachments)";

static const char  sql_mentioned[] =
    "INSERT INTO chat.mention"
    " (tenant_id, user_id, message_id, p, conversation_key)"
    " SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[],"
    " $4::smallint[], $5::uuid[]) ON CONFLICT DO NOTHING";

/*
 * Of several edits of a message the last one stays; what it replaces goes to
 * the versions: what was there before the run, and the edits between.  Its
 * insertion, if it is of the same run, came before.  What was deleted before
 * the run stays so; what is deleted in it will be, with these versions.
 */

static const char  sql_edited[] =
    "WITH e AS ("
    " SELECT e.*, lead(e.at) OVER w AS until, row_number() OVER w AS n"
    "   FROM unnest($1::smallint[], $2::uuid[], $3::bigint[], $4::json[],"
    "               $5::integer[], $6::timestamptz[])"
    "   AS e (p, id, revision, content, size, at)"
    " WINDOW w AS (PARTITION BY e.p, e.id ORDER BY e.revision)"
    "), m AS ("
    " SELECT e.*, t.revision AS old_revision, t.content AS old_content,"
    "        coalesce(octet_length(t.attachments::text), 0) AS more"
    "   FROM e JOIN chat.message t ON t.p = e.p AND t.id = e.id"
    "  WHERE t.deleted_at IS NULL"
    "), kept AS ("
    " INSERT INTO chat.message_version"
    " (p, message_id, revision, content, replaced_at)"
    " SELECT * FROM ("
    "  SELECT p, id, old_revision, old_content, at FROM m WHERE n = 1"
    "  UNION ALL"
    "  SELECT p, id, revision, content, until FROM m WHERE until IS NOT NULL"
    "  ) v WHERE chat.version_kept(p, id)"
    ")"
    " UPDATE chat.message t SET content = m.content,"
    " size = m.size + m.more, revision = m.revision,"
    " created_revision = coalesce(t.created_revision, t.revision),"
    " edited_at = m.at"
    " FROM m WHERE m.until IS NULL AND t.p = m.p AND t.id = m.id";

/* of a reaction that comes and goes the last state counts */

static const char  sql_reacted[] =
    "INSERT INTO chat.reaction"
    " (p, conversation_key, message_id, user_id, emoji, revision, removed)"
    " SELECT DISTINCT ON (p, key, message, user_id, emoji) *"
    " FROM unnest($1::smallint[], $2::uuid[], $3::uuid[], $4::text[],"
    "             $5::text[], $6::bigint[], $7::boolean[])"
    " AS e (p, key, message, user_id, emoji, revision, removed)"
    " ORDER BY p, key, message, user_id, emoji, revision DESC"
    " ON CONFLICT (p, conversation_key, message_id, user_id, emoji)"
    " DO UPDATE SET revision = excluded.revision, removed = excluded.removed";

/*
 * Comes after all that may have been said of the messages in the same run:
 * what is erased here is all there will ever be.  A dead letter may hold
 * content of a message that never got a row.
 */

static const char  sql_deleted[] =
    "WITH e AS ("
    " SELECT DISTINCT ON (e.p, e.id) e.*"
    "   FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bigint[],"
    "               $5::timestamptz[], $6::text[])"
    "   AS e (p, id, tenant, revision, at, by)"
    "  ORDER BY e.p, e.id, e.revision"
    "), m AS ("
    " SELECT e.*, t.conversation_key AS key, t.mentions"
    "   FROM e JOIN chat.message t ON t.p = e.p AND t.id = e.id"
    "  WHERE t.deleted_at IS NULL"
    "), versions AS ("
    " DELETE FROM chat.message_version v USING m"
    "  WHERE v.p = m.p AND v.message_id = m.id"
    "), reactions AS ("
    " DELETE FROM chat.reaction r USING m"
    "  WHERE r.p = m.p AND r.conversation_key = m.key"
    "    AND r.message_id = m.id"
    "), mentions AS ("
    " DELETE FROM chat.mention n USING m"
    "  WHERE n.tenant_id = m.tenant AND n.user_id = ANY (m.mentions)"
    "    AND n.message_id = m.id"
    "), dead_letters AS ("
    " UPDATE chat.dead_letter d SET fields = '{}' FROM e"
    "  WHERE d.message_id = e.id"
    ")"
    " UPDATE chat.message t SET content = NULL, size = 0, reply_to = NULL,"
    " mentions = NULL, attachments = NULL, revision = m.revision,"
    " created_revision = coalesce(t.created_revision, t.revision),"
    " edited_at = NULL, deleted_at = m.at, deleted_by = m.by"
    " FROM m WHERE t.p = m.p AND t.id = m.id";


static bool
rows_is_rich(const entry_t *e)
{
    return e->replies || e->mentions.len != 0 || e->attachments.len != 0;
}


/* each kind is a statement of its own, so that the plain ones cost always the
   same */

int
rows_sent(persist_t *p, const entry_t *entries, size_t n)
{
    int  plain, rich;

    plain = rows_sent_plain(p, entries, n);
    rich = plain == -1 ? -1 : rows_sent_rich(p, entries, n);

    return rich == -1 ? -1 : plain + rich;
}


/* the columns that both statements have, in ten arrays */

static void
rows_message(db_array_t *a, const entry_t *e)
{
    db_array_int2(&a[0], e->part->p);
    db_array_bytes(&a[1], e->message, UUID_LEN);
    db_array_bytes(&a[2], e->key, UUID_LEN);
    db_array_int8(&a[3], e->sequence);
    db_array_int8(&a[4], e->revision);
    db_array_str(&a[5], e->user);
    rows_text(&a[6], e->client_id);
    db_array_str(&a[7], e->content);
    db_array_int4(&a[8], (unsigned) (e->content.len + e->attachments.len));
    db_array_time(&a[9], e->time);
}


static int
rows_sent_plain(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a[10];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_INT2, DB_UUID, DB_UUID, DB_INT8, DB_INT8, DB_TEXT, DB_TEXT,
        DB_JSON, DB_INT4, DB_TIMESTAMPTZ
    };

    rows_init(a, types, 10);

    for (e = entries; e < entries + n; e++) {
        if (rows_has(e, ENTRY_MESSAGE) && !rows_is_rich(e)) {
            rows_message(a, e);
        }
    }

    return rows_finish(p, sql_plain, a, 10);
}


static int
rows_sent_rich(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a[13];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_INT2, DB_UUID, DB_UUID, DB_INT8, DB_INT8, DB_TEXT, DB_TEXT,
        DB_JSON, DB_INT4, DB_TIMESTAMPTZ, DB_UUID, DB_TEXT, DB_JSON
    };

    rows_init(a, types, 13);

    for (e = entries; e < entries + n; e++) {

        if (!rows_has(e, ENTRY_MESSAGE) || !rows_is_rich(e)) {
            continue;
        }

        rows_message(a, e);
        rows_text(&a[11], e->mentions);
        rows_text(&a[12], e->attachments);

        if (e->replies) {
            db_array_bytes(&a[10], e->reply_to, UUID_LEN);
        } else {
            db_array_null(&a[10]);
        }
    }

    return rows_finish(p, sql_rich, a, 13);
}


int
rows_mentioned(persist_t *p, const entry_t *entries, size_t n)
{
    chat_str_t      rest, user;
    db_array_t      a[5];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_TEXT, DB_TEXT, DB_UUID, DB_INT2, DB_UUID
    };

    rows_init(a, types, 5);

    for (e = entries; e < entries + n; e++) {

        if (!rows_has(e, ENTRY_MESSAGE)) {
            continue;
        }

        rest = e->mentions;

        while (entry_next_mention(&rest, &user)) {
            db_array_str(&a[0], e->tenant);
            db_array_str(&a[1], user);
            db_array_bytes(&a[2], e->message, UUID_LEN);
            db_array_int2(&a[3], e->part->p);
            db_array_bytes(&a[4], e->key, UUID_LEN);
        }
    }

    return rows_finish(p, sql_mentioned, a, 5);
}


int
rows_edited(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a[6];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_INT2, DB_UUID, DB_INT8, DB_JSON, DB_INT4, DB_TIMESTAMPTZ
    };

    rows_init(a, types, 6);

    for (e = entries; e < entries + n; e++) {

        if (!rows_has(e, ENTRY_EDIT)) {
            continue;
        }

        db_array_int2(&a[0], e->part->p);
        db_array_bytes(&a[1], e->message, UUID_LEN);
        db_array_int8(&a[2], e->revision);
        db_array_str(&a[3], e->content);
        db_array_int4(&a[4], (unsigned) e->content.len);
        db_array_time(&a[5], e->time);
    }

    return rows_finish(p, sql_edited, a, 6);
}


int
rows_reacted(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a[7];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_INT2, DB_UUID, DB_UUID, DB_TEXT, DB_TEXT, DB_INT8, DB_BOOL
    };

    rows_init(a, types, 7);

    for (e = entries; e < entries + n; e++) {

        if (!rows_has(e, ENTRY_REACT) && !rows_has(e, ENTRY_UNREACT)) {
            continue;
        }

        db_array_int2(&a[0], e->part->p);
        db_array_bytes(&a[1], e->key, UUID_LEN);
        db_array_bytes(&a[2], e->message, UUID_LEN);
        db_array_str(&a[3], e->user);
        db_array_str(&a[4], e->emoji);
        db_array_int8(&a[5], e->revision);
        db_array_bool(&a[6], e->kind == ENTRY_UNREACT);
    }

    return rows_finish(p, sql_reacted, a, 7);
}


int
rows_deleted(persist_t *p, const entry_t *entries, size_t n)
{
    db_array_t      a[6];
    const entry_t  *e;

    static const Oid  types[] = {
        DB_INT2, DB_UUID, DB_TEXT, DB_INT8, DB_TIMESTAMPTZ, DB_TEXT
    };

    rows_init(a, types, 6);

    for (e = entries; e < entries + n; e++) {

        if (!rows_has(e, ENTRY_DELETE)) {
            continue;
        }

        db_array_int2(&a[0], e->part->p);
        db_array_bytes(&a[1], e->message, UUID_LEN);
        db_array_str(&a[2], e->tenant);
        db_array_int8(&a[3], e->revision);
        db_array_time(&a[4], e->time);
        rows_text(&a[5], e->user);
    }

    return rows_finish(p, sql_deleted, a, 6);
}
