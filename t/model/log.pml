/*
 * The rules of the log, of one partition with one conversation, for spin.
 *
 * What is modelled: append (redis/append.lua), what a holder calls
 * (redis/holder.lua), how it opens a partition (workers/persist/open.c), stores
 * (store.c) and takes over (lease.c), what Redis forgets or drops, and a Redis
 * that starts again with the same data, with an older copy, or with nothing.
 * Each d_step is what happens at once: a call to Redis, or a transaction.
 *
 * A holder may stop between any two of its steps, for ever or until it goes on
 * with what it knows: its call, its transaction may come late.  What it sent
 * over a link that broke is the same thing, since it has to raise the fence
 * before it makes a new one: from then on it is as good as another holder.
 * Leases tell nothing: a partition may be claimed at any time.  Needs tell
 * nothing either: a holder may answer any at any time, wanted or not.
 *
 * Events are numbered in the order in which they were appended.  What the
 * conversation has been through, what is stored of it, what is in the log are
 * sets of them: masks.  Clients need no state: check() says what must be right
 * for one that has seen any event, and sends anything, or sends it again.
 *
 *      log.pml     the state           redis.pml   clients, and Redis
 *      check.pml   what must hold      holder.pml  chat-persist
 */


/* How much there is of each: t/model/walk chooses. */

#ifndef EVENTS
#define EVENTS    3         /* appended in all */
#endif
#ifndef MESSAGES
#define MESSAGES  2         /* client ids; the time in each is its number */
#endif
#ifndef HOLDERS
#define HOLDERS   2
#endif
#ifndef CLAIMS
#define CLAIMS    3         /* how often a partition is taken, in all */
#endif
#ifndef RESTARTS
#define RESTARTS  1         /* of Redis, with the same data */
#endif
#ifndef EMPTY
#define EMPTY     0         /* 1: or with none */
#endif
#ifndef COPIES
#define COPIES    0         /* or with those of an earlier moment */
#endif
#ifndef FORGETS
#define FORGETS   0         /* 1: Redis forgets events, ids, conversations */
#endif
#ifndef FACTS
#define FACTS     0         /* 1: messages are deleted, too */
#endif


/*
 * Rules that can be left out, to see that they are needed: by the number in
 * the environment variable BROKEN.
 */

#define NO_FENCE              1     /* Redis does not look at the fence */
#define NO_ROW_FENCE          2     /* PostgreSQL does not look at the fence */
#define NO_ROW_GUARD          3     /* nor at generation and position */
#define SAME_FENCE            4     /* a claim does not raise the fence */
#define POSITION_APART        5     /* the position is moved after the commit */
#define STORED_EARLY          6     /* nodes are told before the commit */
#define NO_REST               7     /* opened before the rest is stored */
#define NO_DROP               8     /* after a loss nothing is dropped */
#define NO_REWIND             9     /* nor is the log set beyond the position */
#define SAME_GENERATION      10     /* the generation is not raised */
#define REOPEN_FIRST         11     /* opened before the row says so */
#define LOSS_BY_POSITION     12     /* a loss is not seen by generation */
#define LOSS_BY_GENERATION   13     /* a loss is not seen by position */
#define ANY_IDENTITY         14     /* append does not look at the identity */
#define ROOM_RESET           15     /* reset is judged by the latest revision */
#define ACK_ANY_GENERATION   16     /* stored counts in any generation */
#define FORGET_UNSTORED      17     /* Redis forgets what is not stored */
#define DROP_UNSTORED        18     /* it drops a conversation that is not */
#define NO_FLOOR             19     /* forgetting an id does not raise floor */
#define LOAD_NO_FLOOR        20     /* a load does not set floor */
#define LATE_LOAD            21     /* a load replaces what is there */
#define LATE_ID              22     /* an answer about an id does */
#define LATE_FACT            23     /* a fact does */

c_decl {
    int  broken_rule;
}

#define broken(rule)  c_expr { broken_rule == rule }


#define in(set, k)  (((set) >> ((k) - 1)) & 1)
#define set_of(k)   (1 << ((k) - 1))

/* what Redis knows of a client id; above that: of which event it is the id */
#define UNKNOWN     0
#define NONE        1       /* there is no such message */
#define KNOWN       1

/* what Redis knows of a message */
#define LIVE        1
#define DELETED     2


/* Events */

byte  events;
byte  generation[EVENTS + 1];
byte  count[EVENTS + 1];            /* revision: generation and count */
byte  position[EVENTS + 1];         /* in the log */
byte  message[EVENTS + 1];
bool  deletion[EVENTS + 1];         /* else it makes the message */

byte  excused;          /* Redis came back without them, and they were not
                           stored: they may be lost */


/* Redis */

typedef redis_t {
    byte  identity;     /* what the partition is open for */
    byte  generation;
    byte  fence;
    byte  stored;       /* position */
    byte  last;         /* position */
    byte  log;          /* events */
    bool  held;         /* the conversation is here */
    byte  has;          /* events that it has been through */
    byte  hot;          /* those of them that can be told */
    byte  floor;
    byte  id[MESSAGES + 1];
    byte  fact[MESSAGES + 1];
    byte  fact_at[MESSAGES + 1];    /* the event that made it so, or 0 */
};

redis_t  redis, copy;

byte  process = 1;      /* Redis' own identity */
byte  restarts, copies;

#define open  (redis.identity == process \
               || redis.identity != 0 && broken(ANY_IDENTITY))

#define serves  (open && redis.held)


/* PostgreSQL: the row of the partition, and the conversation */

typedef row_t {
    byte  identity;
    byte  generation;
    byte  fence;
    byte  stored;       /* position */
};

row_t  row;
byte   stored;          /* events */
byte   claims;


/* scratch, no part of the state */

hidden byte  i, k, last, set, good;


/* the last event of a set, 0 of an empty one; the last about a message */

inline last_of(those)
{
    last = EVENTS;

    do
    :: last > 0 && !in(those, last) -> last--
    :: else -> break
    od
}


inline last_about(those, what)
{
    last = EVENTS;

    do
    :: last > 0 && !(in(those, last) && message[last] == what) -> last--
    :: else -> break
    od
}


#include "check.pml"
#include "redis.pml"
#include "holder.pml"


init {
    c_code {
        if (getenv("BROKEN") != NULL) {
            broken_rule = atoi(getenv("BROKEN"));
        }
    }

    atomic {
        for (i : 1 .. MESSAGES) {
            run client(i)
        }

        for (i : 1 .. HOLDERS) {
            run holder()
        }

        run life()
    }
}
