/*
 * Nodes: each is asked what it holds (docs/architecture.md, "Names and
 * places"), and that is compared with Redis.
 *
 * A room may be behind because a publish is on its way.  So a room counts as
 * behind if it has not got, in a second report, what Redis had before that was
 * asked for.
 */

#include "doctor_nodes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"


#define REPORT_PAUSE  1200      /* ms; a node makes one a second */
#define ROOMS_TOLD    5


typedef struct {
    uint64_t  revision;         /* in Redis, before the report was asked for */
    bool      held;
} known_t;


static int nodes_compare(doctor_t *d, const report_t *first,
    report_t *second);
static int nodes_ask_revisions(doctor_t *d, const report_t *report,
    known_t *known);
static const room_t *nodes_same_room(const report_t *report,
    const room_t *room);


/* the sum of all, and who is missing */

static void
nodes_tell(doctor_t *d, const report_t *report)
{
    size_t    i, complete = 0;
    uint64_t  sessions = 0, rooms = 0, gaps = 0;

    for (i = 0; i < report->nnodes; i++) {
        complete += report->nodes[i].got == report->nodes[i].parts;
        sessions += report->nodes[i].sessions;
        rooms += report->nodes[i].rooms;
        gaps += report->nodes[i].gaps;
    }

    if (report->asked == 0) {
        doctor_say(d, DOCTOR_FAULT, "node",
                   "Nobody can connect.  Is nginx running, with chat_redis for "
                   "this Redis?  Its error_log tells.",
                   "no node of nginx listens to this Redis");

    } else if (complete < report->asked) {
        doctor_say(d, DOCTOR_WARNING, "node",
                   "A worker process of nginx is stuck or cut off; its "
                   "sessions hear nothing.  Its link will be\nclosed by Redis "
                   "or by itself; if not, end that process.",
                   "%zu of %" PRIu64 " nodes have told what they hold",
                   complete, report->asked);

    } else {
        doctor_say(d, DOCTOR_OK, "node", NULL,
                   "%zu nodes with %" PRIu64 " sessions and %" PRIu64
                   " rooms answer; they have repaired %" PRIu64 " gaps",
                   report->nnodes, sessions, rooms, gaps);
    }
}


static void
nodes_tell_unsure(doctor_t *d, const report_t *report)
{
    size_t  i, unsure = 0;

    for (i = 0; i < report->nnodes; i++) {
        unsure += report->nodes[i].unsure;
    }

    if (unsure != 0) {
        doctor_say(d, DOCTOR_WARNING, "revoked",
                   "They have not been told for two seconds that they have "
                   "all revocations: chat_revoke_stale says\nwhat becomes of "
                   "tokens.  Does chat-persist run, and reach Redis?",
                   "%zu nodes do not know what is revoked", unsure);
    }
}


void
doctor_check_nodes(doctor_t *d)
{
    report_t  first, second;

    if (!d->has_redis) {
        return;
    }

    memset(&first, 0, sizeof(first));
    memset(&second, 0, sizeof(second));

    if (report_read(d, &first) == -1) {
        goto done;
    }

    nodes_tell(d, &first);
    nodes_tell_unsure(d, &first);

    (void) nodes_compare(d, &first, &second);       /* has told */

done:

    report_done(&first);
    report_done(&second);
}


/* whether there is anything that is worth a second look */

static bool
nodes_doubt(const report_t *report, const known_t *known)
{
    size_t         i;
    const room_t  *room;

    for (i = 0; i < report->nrooms; i++) {
        room = &report->rooms[i];

        if (room->live != 0
            && (room->state != ROOM_OK
                || (known[i].held && room->revision < known[i].revision)))
        {
            return true;
        }
    }

    return false;
}


static void
nodes_tell_behind(doctor_t *d, const report_t *report, const room_t *room,
    uint64_t revision)
{
    doctor_say(d, DOCTOR_FAULT, "room",
               "Its sessions there have missed events.  The node finds out "
               "when it compares its rooms with\nRedis "
               "(chat_compare_interval), and sends what they missed; if it "
               "does not, reload nginx.",
               "%s: node %s is at revision %" PRIu64 ", Redis at %" PRIu64,
               room->base + CHAT_NAME_PREFIX_LEN + 2,
               report->nodes[room->node].id, room->revision, revision);
}


/* the rooms that are in both reports; returns how many are not as they should
   be */

static size_t
nodes_judge(doctor_t *d, const report_t *first, const known_t *known,
    const report_t *second)
{
    size_t         i, behind = 0, stale = 0;
    const room_t  *room, *then;

    for (i = 0; i < second->nrooms; i++) {
        room = &second->rooms[i];
        then = nodes_same_room(first, room);

        if (then == NULL || room->live == 0) {
            continue;
        }

        if (room->state != ROOM_OK) {
            stale += then->state == room->state
                     && then->revision == room->revision;

        } else if (known[then - first->rooms].held
                   && room->revision < known[then - first->rooms].revision)
        {
            behind++;

            if (behind <= ROOMS_TOLD) {
                nodes_tell_behind(d, second, room,
                                  known[then - first->rooms].revision);
            }
        }
    }

    if (stale != 0) {
        doctor_say(d, DOCTOR_WARNING, "room",
                   "Their sessions hear nothing until the node has caught up.  "
                   "If that lasts: does Redis answer it,\nis chat-persist "
                   "there?  The error_log of nginx tells.",
                   "%zu rooms of nodes are not up to date, and did not move "
                   "within a second", stale);
    }

    return behind + stale;
}


static size_t
nodes_tell_misplaced(doctor_t *d, const report_t *report)
{
    size_t  i, wrong = 0;

    for (i = 0; i < report->nrooms; i++) {
        wrong += !report->rooms[i].placed;
    }

    if (wrong != 0) {
        doctor_say(d, DOCTOR_FAULT, "room",
                   "The node looks for them where they are not: "
                   "chat_partitions must be what chatctl setting list\nsays.",
                   "%zu rooms of nodes are in partitions where they do not "
                   "belong", wrong);
    }

    return wrong;
}


static int
nodes_compare(doctor_t *d, const report_t *first, report_t *second)
{
    size_t    wrong;
    known_t  *known;

    wrong = nodes_tell_misplaced(d, first);
    known = mem_alloc((first->nrooms + 1) * sizeof(known_t));

    if (nodes_ask_revisions(d, first, known) == -1) {
        free(known);
        return -1;
    }

    if (nodes_doubt(first, known)) {
        doctor_wait(REPORT_PAUSE);

        if (report_read(d, second) == -1) {
            free(known);
            return -1;
        }

        wrong += nodes_judge(d, first, known, second);
    }

    free(known);

    if (wrong == 0) {
        doctor_say(d, DOCTOR_OK, "room", NULL,
                   "all rooms of nodes are as far as Redis");
    }

    return 0;
}


static const room_t *
nodes_same_room(const report_t *report, const room_t *room)
{
    int            order;
    size_t         low = 0, high = report->nrooms, middle;
    const room_t  *other;

    while (low < high) {
        middle = low + (high - low) / 2;
        other = &report->rooms[middle];
        order = report_order(other, room);

        if (order == 0) {
            return other;
        }

        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }

    return NULL;
}


/* all in one go, some thousand at a time */

static int
nodes_ask_revisions(doctor_t *d, const report_t *report, known_t *known)
{
    char         key[CHAT_NAME_MAX_BASE + 16];
    size_t       i, k, end;
    redisReply  *reply;

    for (i = 0; i < report->nrooms; i = end) {
        end = report->nrooms - i > 1000 ? i + 1000 : report->nrooms;

        for (k = i; k < end; k++) {
            (void) snprintf(key, sizeof(key), "%s:meta", report->rooms[k].base);
            redis_args_reset(&d->args, "HMGET");
            redis_args_text(&d->args, key);
            redis_args_text(&d->args, "rev");

            if (redis_send(&d->redis, &d->args) == -1) {
                goto failed;
            }
        }

        for (k = i; k < end; k++) {
            reply = redis_reply(&d->redis, 0);

            if (reply == NULL) {
                goto failed;
            }

            known[k].held = number_parse(redis_text(reply, 0), INT64_MAX,
                                         &known[k].revision) == 0;
            freeReplyObject(reply);
        }
    }

    return 0;

failed:

    d->has_redis = false;
    doctor_say(d, DOCTOR_FAULT, "redis",
               "What needs it cannot be checked.  Look into its log.",
               "Redis: %s", d->redis.error);

    return -1;
}
