/*
 * Events that tell of members and settings: PostgreSQL has that state, or a
 * later one.
 */

#include "verify.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>


static int state_event(verify_t *v, const verify_event_t *e);
static int state_member(verify_t *v, const verify_event_t *e, json_t *data);


int
verify_state(verify_t *v)
{
    size_t                 i;
    const verify_event_t  *e;

    for (i = 0; i < v->before.n; i++) {
        e = &v->before.events[i];

        if ((e->kind == '-' || e->kind == '.' || e->kind == '!')
            && verify_is_stored(v, e->place) && state_event(v, e) == -1)
        {
            return -1;
        }
    }

    return 0;
}


static void
state_complain(verify_t *v, const verify_event_t *e, const char *what)
{
    char  subject[32];

    (void) snprintf(subject, sizeof(subject), "%" PRIu64, e->revision);
    findings_add(&v->findings, "state", subject,
                 "the event of revision %" PRIu64 " (%s) is not in PostgreSQL, "
                 "though all up to there is stored", e->revision, what);
}


static int
state_event(verify_t *v, const verify_event_t *e)
{
    int                  rc = 0;
    json_t              *root;
    const char          *type;
    const verify_row_t  *row = &v->row;

    root = json_loadb((const char *) e->event.data, e->event.len, 0, NULL);
    type = json_string_value(json_object_get(root, "type"));

    if (type == NULL) {
        state_complain(v, e, "it cannot be read");

    } else if (strncmp(type, "member.", 7) == 0) {
        rc = state_member(v, e, json_object_get(root, "data"));

    } else if ((strcmp(type, "conversation.created") == 0
                && row->created_revision != e->revision)
               || (strcmp(type, "conversation.updated") == 0
                   && row->settings_revision < e->revision)
               || (strcmp(type, "conversation.deleted") == 0
                   && row->deleted_revision < e->revision))
    {
        state_complain(v, e, type);
    }

    json_decref(root);

    return rc;
}


/* Who became a member silently has the revision at which it had left. */

static const char  sql_member[] =
    "SELECT u.revision, CASE WHEN u.silent THEN NULL ELSE u.role END"
    " FROM chat.member u WHERE u.conversation_key = $1::uuid"
    " AND u.user_id = $2";

static int
state_member(verify_t *v, const verify_event_t *e, json_t *data)
{
    uint64_t      revision;
    PGresult     *res;
    const char   *user, *role, *stored;
    db_params_t   ps = { 0 };

    user = json_string_value(json_object_get(data, "userId"));
    role = json_string_value(json_object_get(data, "role"));

    if (user == NULL) {
        state_complain(v, e, "it names no user");
        return 0;
    }

    db_param_text(&ps, v->row.key);
    db_param_text(&ps, user);
    res = db_query(&v->db, sql_member, &ps);

    if (res == NULL) {
        return -1;
    }

    revision = PQntuples(res) == 1 ? db_value_uint(res, 0, 0) : 0;
    stored = revision != 0 ? PQgetvalue(res, 0, 1) : "";

    if (revision < e->revision
        || (revision == e->revision
            && strcmp(stored, role != NULL ? role : "") != 0))
    {
        state_complain(v, e, user);
    }

    PQclear(res);

    return 0;
}
