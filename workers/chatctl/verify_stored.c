/*
 * What PostgreSQL has of a conversation, checked by itself.  Each check is a
 * statement whose rows are what is wrong: what it is about, and a sentence.
 */

#include "verify.h"


/*
 *  $1 partition, $2 the conversation's key, $3 tenant, $4 its last sequence,
 *  $5 its revision
 */

#define OF_CONVERSATION(t)                                                    \
    t ".p = $1::smallint AND " t ".conversation_key = $2::uuid"

#define MOST  " LIMIT 20"

/* a message that went with a dead letter, or one that it would have changed */

#define IS_HOLE(message)                                                      \
    "EXISTS (SELECT FROM chat.hole h WHERE h.conversation_key = $2::uuid"     \
    " AND h.message_id = " message ")"

/* A change's number is the lower half of its revision. */
#define NUMBER(revision)  "(" revision " & 4294967295)"


/* every event that still shows, by the revision that it had */

#define EVENTS                                                                \
    "WITH e AS ("                                                             \
    " SELECT m.revision, 'message ' || m.sequence AS what"                    \
    "   FROM chat.message m WHERE " OF_CONVERSATION("m")                      \
    " UNION ALL SELECT m.created_revision, 'the creation of message '"        \
    "   || m.sequence FROM chat.message m WHERE " OF_CONVERSATION("m")        \
    "   AND m.created_revision < m.revision"                                  \
    " UNION ALL SELECT r.revision, 'the reaction of ' || r.user_id"           \
    "   || ' to ' || r.message_id FROM chat.reaction r"                       \
    "  WHERE " OF_CONVERSATION("r")                                           \
    " UNION ALL SELECT u.revision, 'member ' || u.user_id"                    \
    "   FROM chat.member u WHERE u.conversation_key = $2::uuid"               \
    "   AND u.revision > 0"                                                   \
    " UNION ALL SELECT u.joined_revision, 'the joining of ' || u.user_id"     \
    "   FROM chat.member u WHERE u.conversation_key = $2::uuid"               \
    "   AND u.joined_revision > 0 AND u.joined_revision < u.revision"         \
    " UNION ALL SELECT n.revision, n.what FROM chat.conversation c,"          \
    "   LATERAL (VALUES (c.created_revision, 'the conversation''s creation'),"\
    "   (c.settings_revision, 'its settings'),"                               \
    "   (c.deleted_revision, 'its deletion')) n (revision, what)"             \
    "  WHERE c.conversation_key = $2::uuid AND n.revision > 0) "


static const struct {
    const char  *kind;
    const char  *sql;
} checks[] = {

    /* the messages from 1 to the last one, each once */

    { "message_missing",
      "SELECT lo, format(CASE WHEN lo = hi THEN 'message %s is missing'"
      "  ELSE 'messages %s to %s are missing' END, lo, hi)"
      " FROM (SELECT lag(n.sequence, 1, 0::bigint) OVER (ORDER BY n.sequence)"
      "              + 1 AS lo, n.sequence - 1 AS hi"
      "         FROM (SELECT m.sequence FROM chat.message m"
      "                WHERE " OF_CONVERSATION("m")
      "                UNION SELECT h.sequence FROM chat.hole h"
      "                WHERE h.conversation_key = $2::uuid"
      "                  AND h.sequence <= $4::bigint"
      "                UNION SELECT $4::bigint + 1) n) g"
      " WHERE lo <= hi AND hi <= $4::bigint" MOST },

    { "message_twice",
      "SELECT m.sequence, format('message %s is there %s times', m.sequence,"
      "  count(*)) FROM chat.message m WHERE " OF_CONVERSATION("m")
      " GROUP BY m.sequence HAVING count(*) > 1" MOST },

    { "message_beyond",
      "SELECT m.sequence, format('message %s is there, though the last one is"
      " %s', m.sequence, $4::bigint) FROM chat.message m"
      " WHERE " OF_CONVERSATION("m")
      "  AND (m.sequence > $4::bigint OR m.sequence < 1)" MOST },

    /* one partition after the other: no index begins with the key alone */

    { "message_elsewhere",
      "SELECT m.id, format('message %s (%s) lies in partition %s',"
      "  m.sequence, m.id, m.p) FROM chat.partition t, LATERAL"
      " (SELECT m.id, m.sequence, m.p FROM chat.message m"
      "   WHERE m.p = t.p AND m.conversation_key = $2::uuid" MOST ") m"
      " WHERE t.p <> $1::smallint" MOST },

    { "message_id",
      "SELECT m.id, format('the id of message %s (%s) tells another"
      " partition', m.sequence, m.id) FROM chat.message m"
      " WHERE " OF_CONVERSATION("m")
      "  AND ('x' || substr(m.id::text, 16, 2))::bit(8)::integer >> 2"
      "      <> $1::smallint" MOST },

    { "message_order",
      "SELECT n.sequence, format('message %s was made at revision %s, the one"
      " before it at %s', n.sequence, n.made, n.before)"
      " FROM (SELECT m.sequence, coalesce(m.created_revision, m.revision)"
      "         AS made, lag(coalesce(m.created_revision, m.revision))"
      "         OVER (ORDER BY m.sequence) AS before"
      "         FROM chat.message m WHERE " OF_CONVERSATION("m") ") n"
      " WHERE n.made <= n.before" MOST },

    { "message_content",
      "SELECT m.sequence, format('message %s %s', m.sequence,"
      "  CASE WHEN m.deleted_at IS NULL THEN 'has no content, or another size'"
      "       ELSE 'is deleted, but not all of it is erased' END)"
      " FROM chat.message m WHERE " OF_CONVERSATION("m")
      "  AND CASE WHEN m.deleted_at IS NULL"
      "      THEN m.content IS NULL OR m.size <> octet_length(m.content::text)"
      "           + coalesce(octet_length(m.attachments::text), 0)"
      "      ELSE m.content IS NOT NULL OR m.attachments IS NOT NULL"
      "           OR m.mentions IS NOT NULL OR m.reply_to IS NOT NULL END"
      MOST },

    { "client_id_twice",
      "SELECT m.sender_id || '/' || m.client_id, format('the client id %s of"
      " %s is there %s times', m.client_id, m.sender_id, count(*))"
      " FROM chat.message m WHERE " OF_CONVERSATION("m")
      "  AND m.client_id IS NOT NULL"
      " GROUP BY m.sender_id, m.client_id HAVING count(*) > 1" MOST },

    /* of what is remembered of client ids Redis makes its floor; an id may be
       5 minutes ahead */

    { "client_id_floor",
      "SELECT m.sequence, format('of the client id of message %s nothing is"
      " remembered: sent again, it could be taken for a new one', m.sequence)"
      " FROM chat.message m"
      " JOIN chat.conversation c ON c.conversation_key = m.conversation_key,"
      " LATERAL (SELECT CASE WHEN m.client_id ~* '^ ?[0-9a-f]{8}-[0-9a-f]{4}"
      "-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$' THEN ('x' ||"
      "   replace(substr(ltrim(m.client_id), 1, 13), '-', ''))"
      "   ::bit(48)::bigint END AS time,"
      "   (extract(epoch FROM m.created_at) * 1000)::bigint + 300000 AS until)"
      " t WHERE " OF_CONVERSATION("m") " AND m.client_id IS NOT NULL"
      "  AND CASE WHEN t.time IS NULL THEN NOT c.client_other"
      "           WHEN t.time > t.until THEN t.time > c.client_time_ahead"
      "           ELSE t.time > c.client_time END" MOST },

    /* revisions: each once, none from the future, none that was lost */

    { "revision_twice",
      EVENTS "SELECT " NUMBER("e.revision") ", format('change %s is there"
      " more than once: %s', " NUMBER("e.revision") ","
      " string_agg(e.what || ' at revision ' || e.revision, ', '))"
      " FROM e GROUP BY " NUMBER("e.revision") " HAVING count(*) > 1" MOST },

    { "revision_beyond",
      EVENTS "SELECT e.revision, format('%s has revision %s, the conversation"
      " %s', e.what, e.revision, $5::bigint) FROM e"
      " WHERE e.revision > $5::bigint" MOST },

    { "revision_lost",
      EVENTS "SELECT e.revision, format('%s has revision %s, of which"
      " generation nothing is known, or nothing so late', e.what, e.revision)"
      " FROM e LEFT JOIN chat.conversation_generation g"
      "   ON g.conversation_key = $2::uuid AND g.generation = e.revision >> 32"
      " WHERE e.revision >> 32 < $5::bigint >> 32"
      "  AND (g.last_revision IS NULL OR e.revision > g.last_revision)" MOST },

    { "generation",
      "SELECT g.generation, format('generation %s ends with revision %s, which"
      " cannot be', g.generation, g.last_revision)"
      " FROM (SELECT g.*, lag(" NUMBER("g.last_revision") ", 1, 0::bigint)"
      "         OVER (ORDER BY g.generation) AS before"
      "         FROM chat.conversation_generation g"
      "        WHERE g.conversation_key = $2::uuid) g"
      " WHERE g.generation >= $5::bigint >> 32"
      "  OR g.last_revision >> 32 <> g.generation"
      "  OR " NUMBER("g.last_revision") " <= g.before"
      "  OR " NUMBER("g.last_revision") " >= " NUMBER("$5::bigint") MOST },

    /* what refers to messages */

    { "reply",
      "SELECT m.sequence, format('message %s answers %s, which is no earlier"
      " message of this conversation', m.sequence, m.reply_to)"
      " FROM chat.message m LEFT JOIN chat.message t"
      "   ON t.p = $1::smallint AND t.id = m.reply_to"
      " WHERE " OF_CONVERSATION("m") " AND m.reply_to IS NOT NULL"
      "  AND (t.id IS NULL OR t.conversation_key <> m.conversation_key"
      "       OR t.sequence >= m.sequence)"
      "  AND NOT (t.id IS NULL AND " IS_HOLE("m.reply_to") ")" MOST },

    { "mention",
      "SELECT m.sequence || ' ' || u.user_id, format('message %s mentions %s,"
      " who would not find it', m.sequence, u.user_id)"
      " FROM chat.message m CROSS JOIN unnest(m.mentions) AS u (user_id)"
      " WHERE " OF_CONVERSATION("m") " AND NOT EXISTS (SELECT"
      "   FROM chat.mention n WHERE n.tenant_id = $3 AND"
      "   n.user_id = u.user_id AND n.message_id = m.id AND n.p = m.p"
      "   AND n.conversation_key = m.conversation_key)" MOST },

    { "reaction",
      "SELECT r.message_id || ' ' || r.user_id || ' ' || r.emoji,"
      " format('the reaction %s of %s is to %s, which is no message of this"
      " conversation, or a deleted one', r.emoji, r.user_id, r.message_id)"
      " FROM chat.reaction r LEFT JOIN chat.message m"
      "   ON m.p = $1::smallint AND m.id = r.message_id"
      " WHERE " OF_CONVERSATION("r")
      "  AND (m.id IS NULL OR m.conversation_key <> r.conversation_key"
      "       OR m.deleted_at IS NOT NULL)"
      "  AND NOT (m.id IS NULL AND " IS_HOLE("r.message_id") ")" MOST },

    { "version",
      "SELECT v.revision, format('a former content of message %s has revision"
      " %s, %s', m.sequence, v.revision, CASE WHEN m.deleted_at IS NULL"
      "  THEN 'but the message is of ' || m.revision"
      "  ELSE 'but the message is deleted' END)"
      " FROM chat.message m JOIN chat.message_version v"
      "   ON v.p = m.p AND v.message_id = m.id"
      " WHERE " OF_CONVERSATION("m") " AND m.created_revision IS NOT NULL"
      "  AND (m.deleted_at IS NOT NULL OR v.revision >= m.revision)" MOST },

    { "member",
      "SELECT u.user_id, format('the member %s is not as one can be: role %s,"
      " read %s, delivered %s', u.user_id, u.role, u.last_read,"
      " u.last_delivered) FROM chat.member u"
      " WHERE u.conversation_key = $2::uuid AND (u.tenant_id <> $3"
      "  OR u.role NOT IN ('owner', 'admin', 'moderator', 'member', 'blocked')"
      "  OR u.last_read > u.last_delivered"
      "  OR u.last_delivered > $4::bigint"
      "  OR u.joined_revision > u.revision)" MOST },

    { "dead_letter",
      "SELECT d.id, format('an event of kind %s, revision %s, message %s, is"
      " dead letter %s: %s', d.fields ->> 'k', d.fields ->> 'r',"
      " d.fields ->> 'q', d.id, d.reason)"
      " FROM chat.dead_letter d WHERE d.conversation_key = $2::uuid"
      " ORDER BY d.id" MOST }
};

#define NCHECKS  (sizeof(checks) / sizeof(checks[0]))


/* nothing is left of a conversation that was deleted, or it is being erased */

static const char  sql_erased[] =
    "SELECT 'erasure', 'the conversation is deleted, but not all of it is"
    " erased, nor about to be' WHERE NOT EXISTS (SELECT FROM chat.erasure e"
    "   WHERE " OF_CONVERSATION("e") ")"
    " AND (EXISTS (SELECT FROM chat.message m"
    "       WHERE " OF_CONVERSATION("m") ")"
    "  OR EXISTS (SELECT FROM chat.reaction r"
    "       WHERE " OF_CONVERSATION("r") ")"
    "  OR EXISTS (SELECT FROM chat.member u"
    "       WHERE u.conversation_key = $2::uuid))";


/*
 * What of all that shows is not in the hot history.  $5 is the revision that
 * Redis had; $6: where hot begins; $7: the revisions that it has; $8: messages
 * that are deleted, as it says: what concerned them has left hot.  Revisions of
 * generations that were lost are another fault.
 */

static const char  sql_lacking[] =
    "SELECT e.revision, format('the hot history in Redis lacks revision %s, %s:"
    " who resumes would not be told of it', e.revision, e.what)"
    " FROM ("
    " SELECT m.revision, m.sequence, 'message ' || m.sequence AS what"
    "   FROM chat.message m WHERE " OF_CONVERSATION("m")
    " UNION ALL SELECT m.created_revision, m.sequence, 'the creation of message"
    " ' || m.sequence FROM chat.message m WHERE " OF_CONVERSATION("m")
    "   AND m.created_revision < m.revision AND m.deleted_at IS NULL"
    " UNION ALL SELECT r.revision, m.sequence, 'the reaction of ' || r.user_id"
    "   || ' to message ' || m.sequence FROM chat.reaction r"
    "   JOIN chat.message m ON m.p = r.p AND m.id = r.message_id"
    "  WHERE " OF_CONVERSATION("r") " AND m.deleted_at IS NULL"
    " UNION ALL SELECT u.revision, 0, 'member ' || u.user_id"
    "   FROM chat.member u WHERE u.conversation_key = $2::uuid"
    " UNION ALL SELECT c.settings_revision, 0, 'its settings'"
    "   FROM chat.conversation c WHERE c.conversation_key = $2::uuid) e"
    " WHERE e.revision > $6::bigint AND e.revision <= $5::bigint"
    "  AND e.revision >> 32 IN (SELECT h >> 32 FROM unnest($7::bigint[]) h)"
    "  AND e.revision <> ALL ($7::bigint[])"
    "  AND e.sequence <> ALL ($8::bigint[])"
    " ORDER BY e.revision" MOST;


static void
stored_params(const verify_t *v, db_params_t *ps)
{
    db_param_uint(ps, v->p);
    db_param_text(ps, v->row.key);
    db_param_text(ps, v->tenant);
    db_param_uint(ps, v->row.sequence);
    db_param_uint(ps, v->row.revision);
}


static void
stored_take(verify_t *v, const char *kind, const PGresult *res)
{
    int  row;

    for (row = 0; row < PQntuples(res); row++) {
        findings_add(&v->findings, kind, PQgetvalue(res, row, 0), "%s",
                     PQgetvalue(res, row, 1));
    }
}


static int
stored_erased(verify_t *v)
{
    PGresult     *res;
    db_params_t   ps = { 0 };

    stored_params(v, &ps);
    res = db_query(&v->db, sql_erased, &ps);

    if (res == NULL) {
        return -1;
    }

    stored_take(v, "erasure", res);
    PQclear(res);

    return 0;
}


/* all in one round trip */

int
verify_stored(verify_t *v)
{
    bool          good = true;
    size_t        i;
    PGresult     *res;
    db_params_t   ps = { 0 };

    if (v->row.deleted) {
        return stored_erased(v);
    }

    stored_params(v, &ps);

    if (db_begin(&v->db) == -1) {
        return -1;
    }

    for (i = 0; i < NCHECKS; i++) {
        if (db_send_prepared(&v->db, checks[i].sql, &ps) == -1) {
            return -1;
        }
    }

    if (db_sync(&v->db) == -1) {
        return -1;
    }

    for (i = 0; i < NCHECKS; i++) {

        if (db_result(&v->db, &res) == -1) {
            return -1;
        }

        good = db_good(&v->db, res) && good;

        if (good) {
            stored_take(v, checks[i].kind, res);
        }

        PQclear(res);
    }

    if (db_synced(&v->db) == -1 || db_end(&v->db) == -1) {
        return -1;
    }

    return good ? 0 : db_drop(&v->db);
}


/* What PostgreSQL knows of, and what is in hot, is there; both lists are short
   enough to be gone through. */

int
verify_lacking(verify_t *v)
{
    size_t                 i;
    PGresult              *res;
    db_array_t             held, deleted;
    db_params_t            ps = { 0 };
    const verify_redis_t  *r = &v->before;

    db_array_init(&held, DB_INT8);
    db_array_init(&deleted, DB_INT8);

    for (i = 0; i < r->n; i++) {
        db_array_int8(&held, r->events[i].revision);

        if (r->events[i].kind == 'd') {
            db_array_int8(&deleted, r->events[i].sequence);
        }
    }

    db_param_uint(&ps, v->p);
    db_param_text(&ps, v->row.key);
    db_param_text(&ps, v->tenant);
    db_param_uint(&ps, v->row.sequence);
    db_param_uint(&ps, r->revision);
    db_param_uint(&ps, r->n == r->hot_length || r->n == 0
                       ? r->hot_from : r->events[0].revision - 1);
    db_param_array(&ps, &held);
    db_param_array(&ps, &deleted);
    res = db_query(&v->db, sql_lacking, &ps);

    db_array_done(&held);
    db_array_done(&deleted);

    if (res == NULL) {
        return -1;
    }

    stored_take(v, "hot_gap", res);
    PQclear(res);

    return 0;
}
