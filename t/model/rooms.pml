/*
 * A node's room, for spin: one conversation, its sessions, the two links to
 * Redis, and a Redis that comes back with less than there was.
 *
 * What is modelled: ngx_chat_room.c, ngx_chat_join.c, ngx_chat_repair.c, and of
 * ngx_chat_conversation.c how a join is opened.  Each link is a queue in each
 * direction, and goes down by itself; what it had delivered may still be read
 * before that is noticed.  Each d_step is one turn of the node's loop, or what
 * Redis does at once.  With COLD, Redis forgets the oldest events, and storage
 * tells them; it has stored everything before it answers, as chat-persist has.
 *
 * A client has seen everything up to one event.  What it is told must follow
 * that one, unless it is told to start over, which must be so if, and only if,
 * that event is lost.  When nothing is on its way any more, everybody has all.
 */

#ifndef EVENTS
#define EVENTS    3
#endif
#ifndef SESSIONS
#define SESSIONS  2
#endif
#ifndef CUTS
#define CUTS      1         /* of links */
#endif
#ifndef LOSSES
#define LOSSES    1         /* restarts of Redis, with less data */
#endif
#ifndef COLD
#define COLD      0         /* how often Redis forgets what it can tell */
#endif
#ifndef JOINS
#define JOINS     3         /* in all */
#endif


#define OPEN_EARLY       1      /* open does not wait for the subscription */
#define NO_HOLD          2      /* nothing is held for joins being opened */
#define NO_EPOCH         3      /* an answer counts though held was dropped */
#define NO_FLOOR         4      /* sessions have no revision of their own */
#define NO_GAP           5      /* any publish is taken for the next */
#define NO_REPAIR        6      /* a new link is no reason to compare */
#define ROOM_RESET       7      /* reset is judged by the room's revision */
#define NO_CATCH_UP      8      /* what the others have got is left out */
#define NO_OWN           9      /* a session's own generation does not matter */
#define OLD_CATCH_UP    10      /* nor does it for what is left out */
#define BEHIND          11      /* who joined meanwhile may be behind */
#define OWN_STAYS       12      /* what is told leaves one's own as it was */

c_decl {
    int  broken_rule;
}

#define broken(rule)  c_expr { broken_rule == rule }

#define in(set, k)    (((set) >> ((k) - 1)) & 1)
#define set_of(k)     (1 << ((k) - 1))

/* events up to k, and beyond it */
#define upto(k)       ((1 << (k)) - 1)

/* joins */
#define NONE     0
#define OPENING  1
#define LIVE     2
#define PARTIAL  3          /* to be joined anew, by the node */

/* what is sent and heard */
#define DOWN     0
#define CLOSED   1
#define OPEN     2
#define COMPARE  3
#define EVENT    4
#define READY    5          /* the subscription is confirmed */
#define NEED     6          /* storage has to tell: a session, the room */
#define ROOM     7
#define RANGE    8          /* it tells */

#define ANY      255        /* no revision is given */


/* Events.  The one before it, in the history that it was made in. */

byte  events;
byte  generation[EVENTS + 1], count[EVENTS + 1], before[EVENTS + 1];


/* Redis */

byte  has;                  /* events */
byte  now = 1;              /* generation */
bool  serving = true;       /* the partition is open */
bool  listening;            /* the node hears publishes */
byte  cuts, losses, colds;
byte  cold;                 /* it cannot tell this event and those before */
byte  kept;                 /* what storage has told is stored for good */

/* calls: what, session, revision (or a set of them, of n + 1 each);
   answers: what, session, generation, last event, events, bad ones;
   heard: what, event or who it is for, events, last event;
   needs: who it is for, after which event */

chan  calls = [4] of { byte, byte, byte };
chan  answers = [5] of { byte, byte, byte, byte, byte, byte };
chan  heard = [8] of { byte, byte, byte, byte };
chan  needs = [6] of { byte, byte };
bool  subscribe;            /* is on its way */
bool  linked = true;        /* calls reach Redis */
bool  commands = true, hears = true;        /* what the node knows of links */


/* The room */

bool  subscribed, positioned, stale, comparing, later;
byte  revision, room_generation;
byte  held;                 /* events */
byte  compared;             /* revisions + 1 */
byte  number;               /* of what the room asked storage last */
bool  needed;               /* it waits for that */
bool  outdated;             /* the epoch is not that of the comparison */

typedef session_t {
    byte  state;
    byte  revision;
    bool  own;
    bool  asks;             /* an answer to open is to come */
    bool  waits;            /* for the subscription */
    bool  needs;            /* for storage */
    byte  got;              /* events that storage has told */
    bool  outdated;
    byte  after;
    byte  seen;             /* the client's: the last event that it knows of */
};

session_t  s[SESSIONS + 1];
byte       joins;


/* scratch */

hidden byte  i, j, k, last, lowest, from, bad, n, what, who, gen, told, reach;
hidden byte  was;
hidden byte  good;


inline last_of(those)
{
    last = EVENTS;

    do
    :: last > 0 && !in(those, last) -> last--
    :: else -> break
    od
}


/* whether a client that has seen k has seen only what survived; the same rule
   is in check.pml, and proven there */

#define is_good(k)  ((k) == 0 || in(has, k))

#define is_next(k) \
    (positioned && !stale \
     && (generation[k] == room_generation \
         && count[k] == (revision == 0 -> 0 : count[revision]) + 1 \
         || broken(NO_GAP)))

#define has_got(x) \
    (s[x].own -> s[x].revision \
     : (s[x].revision > revision -> s[x].revision : revision))


/* of whom a need is: a session, or the room, whose needs have numbers */

#define NUMBERS       8
#define of_room       (number * NUMBERS)
#define session(who)  ((who) % NUMBERS)


/* an event reaches a client */

inline tell(x, k)
{
    assert(before[k] == s[x].seen);
    s[x].seen = k
}


inline count_opening()
{
    n = 0;

    for (j : 1 .. SESSIONS) {
        n = n + (s[j].state == OPENING -> 1 : 0)
    }
}


inline fan_out(k)
{
    for (j : 1 .. SESSIONS) {
        if
        :: (s[j].state == LIVE
            && (s[j].revision < k || broken(NO_FLOOR))) ->
            tell(j, k);
            s[j].revision = (s[j].own && !broken(OWN_STAYS)
                             -> k : s[j].revision)
        :: else
        fi
    }

    revision = k
}


inline new_epoch()
{
    outdated = true;

    for (j : 1 .. SESSIONS) {
        s[j].outdated = true
    }
}


/* the different revisions that live sessions have got */

inline compare()
{
    if
    :: comparing || !subscribed || !stale || later -> skip
    :: else ->
        needed = false;
        compared = 0;

        for (j : 1 .. SESSIONS) {
            if
            :: s[j].state == LIVE ->
                compared = compared | set_of(has_got(j) + 1)
            :: else
            fi
        }

        if
        :: compared == 0 ->
            positioned = false;
            stale = false
        :: compared != 0 && commands ->
            calls!COMPARE, 0, compared;
            comparing = true;
            outdated = false
        :: else ->
            later = true
        fi
    fi
}


inline release()
{
    positioned = false;
    stale = false;
    later = false;
    needed = false;
    held = 0;
    revision = 0;
    room_generation = 0;
    new_epoch()
}


inline settle()
{
    n = 0;

    for (j : 1 .. SESSIONS) {
        n = n + (s[j].state != NONE -> 1 : 0)
    }

    if
    :: n == 0 -> release()
    :: else ->
        if
        :: positioned ->
            for (k : 1 .. events) {
                if
                :: in(held, k) && !stale && k > revision ->
                    if
                    :: is_next(k) -> fan_out(k)
                    :: else -> stale = true
                    fi
                :: else
                fi
            }

            count_opening();

            if
            :: n == 0 -> held = held & ~upto(revision)
            :: else
            fi;

            compare()

        :: else ->
            count_opening();

            if
            :: n == 0 -> held = 0
            :: else
            fi
        fi
    fi
}


inline take(k)
{
    count_opening();
    n = (broken(NO_HOLD) -> 0 : n);

    if
    :: positioned && !stale && k <= revision -> skip
    :: !positioned && n == 0 -> skip
    :: else ->
        if
        :: n == 0 && held == 0 && is_next(k) -> fan_out(k)
        :: else -> held = held | set_of(k)
        fi;

        settle()
    fi
}


/* asks Redis for a position, or waits until it may */

inline ask(x)
{
    if
    :: subscribed || broken(OPEN_EARLY) ->
        calls!OPEN, x, s[x].after;
        s[x].asks = true;
        s[x].waits = false;
        s[x].outdated = false
    :: else ->
        s[x].waits = true;
        s[x].asks = false
    fi
}


inline refuse(x)
{
    s[x].asks = false;
    s[x].waits = false;
    s[x].needs = false;
    s[x].got = 0;
    s[x].state = NONE;
    s[x].own = false;
    s[x].revision = 0;
    s[x].after = 0;
    s[x].outdated = false;
    settle()
}


inline opened(x)
{
    s[x].asks = false;
    s[x].outdated = false;

    if
    :: s[x].after != ANY && !bad ->
        for (k : 1 .. EVENTS) {
            if
            :: in(told | s[x].got, k) -> tell(x, k)
            :: else
            fi
        }

        assert(s[x].seen == reach)

    :: else ->
        /* nobody is told to start over in vain */
        assert(s[x].after == ANY || !in(has, s[x].seen));
        s[x].seen = reach
    fi;

    s[x].after = 0;
    s[x].got = 0;
    s[x].state = LIVE;
    s[x].revision = reach;
    s[x].own = positioned && gen != room_generation && !broken(NO_OWN);

    if
    :: !positioned ->
        positioned = true;
        stale = false;
        revision = reach;
        room_generation = gen
    :: positioned && gen != room_generation ->
        stale = true
    :: else
    fi;

    for (k : 1 .. events) {
        if
        :: (in(held, k) && k > reach && k <= revision
            && !broken(NO_CATCH_UP)
            && (gen == room_generation || broken(OLD_CATCH_UP))) ->
            tell(x, k)
        :: else
        fi
    }

    settle()
}


/* what each session has got; who has seen what is lost joins anew */

inline reset_bad()
{
    lowest = reach;

    for (j : 1 .. SESSIONS) {
        if
        :: s[j].state == LIVE ->
            s[j].revision = has_got(j);
            s[j].own = false;

            k = (broken(ROOM_RESET) -> revision : s[j].revision);

            if
            :: in(compared, s[j].revision + 1) && in(bad, k + 1) ->
                assert(!is_good(s[j].seen));
                s[j].state = PARTIAL
            :: else ->
                lowest = (s[j].revision < lowest -> s[j].revision : lowest)
            fi
        :: else
        fi
    }
}


/* storage is asked by the command link; if it does not answer, the room tries
   again later */

inline room_needs()
{
    reset_bad();
    revision = lowest;
    compared = 0;
    later = true;
    number = (number + 1) % NUMBERS;
    needed = linked;

    if
    :: linked -> needs!of_room, told
    :: else
    fi
}


/* what the sessions have missed */

inline caught_up()
{
    was = revision;
    from = reach;
    reset_bad();

    for (k : 0 .. EVENTS) {
        if
        :: in(compared & ~bad, k + 1) && k < from -> from = k
        :: else
        fi
    }

    compared = 0;
    room_generation = gen;

    if
    :: lowest < from && !broken(BEHIND) ->

        /* who came meanwhile is behind what was asked for */

        revision = lowest;
        compare()

    :: else ->
        for (k : 1 .. EVENTS) {
            if
            :: in(told, k) -> fan_out(k)
            :: else
            fi
        }

        revision = reach;
        stale = false;

        /* is what is held an event of it at all? */

        last = 0;

        for (k : 1 .. events) {
            if
            :: in(held, k) && k > revision && last == 0 -> last = k
            :: else
            fi
        }

        if
        :: was == revision && last != 0 && !is_next(last) ->
            held = 0;
            new_epoch();
            stale = true;
            compare()
        :: else -> settle()
        fi
    fi
}


proctype node()
{
end:
    do
    /* a client joins, from where it is; or is joined anew */

    :: d_step {
        s[1].state == NONE && joins < JOINS && commands && hears ->
        joins++;
        s[1].after = (s[1].seen == 0 -> ANY : s[1].seen);
        s[1].state = OPENING;
        ask(1)
    }

    :: d_step {
        s[2].state == NONE && joins < JOINS && commands && hears ->
        joins++;
        s[2].after = (s[2].seen == 0 -> ANY : s[2].seen);
        s[2].state = OPENING;
        ask(2)
    }

    :: d_step {
        s[1].state == PARTIAL && commands && hears ->
        s[1].after = ANY;
        s[1].state = OPENING;
        ask(1)
    }

    :: d_step {
        s[2].state == PARTIAL && commands && hears ->
        s[2].after = ANY;
        s[2].state = OPENING;
        ask(2)
    }

    /* it leaves */

    :: d_step { s[1].state == LIVE && joins < JOINS -> refuse(1) }
    :: d_step { s[2].state == LIVE && joins < JOINS -> refuse(2) }

    /* the command link */

    :: d_step {
        answers?what, who, gen, reach, told, bad ->

        if
        :: what == DOWN ->
            commands = false;

            do
            :: calls?_, _, _
            :: empty(calls) -> break
            od;

            for (i : 1 .. SESSIONS) {
                if
                :: s[i].asks -> refuse(i)
                :: else
                fi
            }

            if
            :: comparing ->
                comparing = false;
                later = true
            :: else
            fi

        :: what == OPEN && s[who].outdated && !broken(NO_EPOCH) -> ask(who)
        :: what == OPEN && !(s[who].outdated && !broken(NO_EPOCH)) ->
            opened(who)

        :: what == NEED && s[who].outdated -> ask(who)
        :: what == NEED && !s[who].outdated ->
            s[who].asks = false;
            s[who].needs = true;

            if
            :: linked -> needs!who, s[who].after
            :: else
            fi

        :: what == ROOM ->
            comparing = false;

            if
            :: outdated -> compare()
            :: else -> room_needs()
            fi

        :: what == CLOSED && who != 0 -> refuse(who)
        :: what == CLOSED && who == 0 ->
            comparing = false;
            later = true

        :: else ->
            comparing = false;

            if
            :: outdated -> compare()
            :: else -> caught_up()
            fi
        fi
    }

    :: d_step { !commands -> commands = true; linked = true }

    :: d_step {
        later && commands && !needed ->
        later = false;
        compare()
    }

    /* the subscriber link */

    :: d_step {
        heard?what, who, told, reach ->

        if
        :: what == EVENT -> take(who)

        :: what == RANGE && session(who) != 0 ->
            if
            :: s[who].needs ->
                s[who].needs = false;
                s[who].got = s[who].got | told;
                s[who].after = reach;

                if
                :: commands -> ask(who)
                :: else -> refuse(who)
                fi
            :: else
            fi

        :: what == RANGE && session(who) == 0 ->
            if
            :: needed && who == of_room ->
                needed = false;
                later = false;

                for (k : 1 .. EVENTS) {
                    if
                    :: in(told, k) -> fan_out(k)
                    :: else
                    fi
                }

                revision = (revision > reach -> revision : reach);
                compare()
            :: else
            fi

        :: what == READY ->
            subscribed = true;

            /* nothing that storage has told could be heard */

            later = later && !needed;
            needed = false;
            compare();

            for (i : 1 .. SESSIONS) {
                if
                :: s[i].needs && commands -> s[i].needs = false; ask(i)
                :: s[i].needs && !commands -> refuse(i)
                :: s[i].waits && commands -> ask(i)
                :: s[i].waits && !commands -> refuse(i)
                :: else
                fi
            }

        :: what == DOWN ->
            hears = false;
            subscribed = false;
            stale = positioned && !broken(NO_REPAIR);
            held = 0;
            new_epoch()
        fi
    }

    :: d_step {
        !hears ->
        hears = true;
        subscribe = true
    }
    od
}


proctype redis()
{
end:
    do
    :: d_step {
        serving && events < EVENTS ->
        last_of(has);
        events++;
        generation[events] = now;
        count[events] = (last == 0 -> 1 : count[last] + 1);
        before[events] = last;
        has = has | set_of(events);

        if
        :: listening -> heard!EVENT, events, 0, 0
        :: else
        fi
    }

    :: d_step {
        subscribe ->
        subscribe = false;
        listening = true;
        heard!READY, 0, 0, 0
    }

    :: d_step {
        linked && nempty(calls) ->
        calls?what, who, k;
        last_of(has);

        if
        :: !serving -> answers!CLOSED, who, 0, 0, 0, 0

        :: serving && what == OPEN ->
            good = k == ANY || is_good(k);

            if
            :: k != ANY && good && k < cold ->
                answers!NEED, who, 0, 0, 0, 0
            :: else ->
                answers!OPEN, who, now, last,
                    (k == ANY || !good -> 0 : has & ~upto(k)), !good
            fi

        :: else ->
            lowest = ANY;
            bad = 0;

            for (i : 0 .. EVENTS) {
                if
                :: in(k, i + 1) && is_good(i) && lowest == ANY -> lowest = i
                :: in(k, i + 1) && !is_good(i) -> bad = bad | set_of(i + 1)
                :: else
                fi
            }

            if
            :: lowest != ANY && lowest < cold ->
                answers!ROOM, 0, now, last, lowest, bad
            :: else ->
                answers!COMPARE, 0, now, last,
                    (lowest == ANY -> 0 : has & ~upto(lowest)), bad
            fi
        fi
    }

    :: d_step {
        serving && nempty(needs) ->
        needs?who, k;
        last_of(has);
        kept = last;

        if
        :: listening -> heard!RANGE, who, has & ~upto(k), last
        :: else -> needed = needed && who != of_room
        fi
    }

    :: d_step {
        colds < COLD && serving && has != 0 ->
        colds++;
        last_of(has);
        cold = last
    }

    /* a link is cut: what was on its way may arrive, or not */

    :: d_step {
        cuts < CUTS && listening ->
        cuts++;
        listening = false;
        heard!DOWN, 0, 0, 0
    }

    :: d_step {
        cuts < CUTS && commands && linked ->
        cuts++;
        linked = false;
        answers!DOWN, 0, 0, 0, 0, 0
    }

    /* Redis comes back without its last events */

    :: d_step {
        (losses < LOSSES && serving && has != 0 && hears && linked
         && listening) ->
        losses++;
        needed = false;

        do
        :: needs?_, _
        :: empty(needs) -> break
        od;

        last_of(has);
        has = (last > cold && last > kept -> has & ~set_of(last) : has);
        now++;
        serving = false;
        listening = false;
        linked = false;
        heard!DOWN, 0, 0, 0;
        answers!DOWN, 0, 0, 0, 0, 0
    }

    :: d_step { !serving -> serving = true }
    od
}


#define quiet \
    (empty(calls) && empty(answers) && empty(heard) && empty(needs) \
     && !subscribe && !needed \
     && commands && hears && serving && subscribed && !later && !comparing \
     && s[1].state != OPENING && s[1].state != PARTIAL \
     && s[2].state != OPENING && s[2].state != PARTIAL)

proctype observer()
{
end:
    do
    :: d_step {
        quiet ->
        last_of(has);
        assert(s[1].state != LIVE || s[1].seen == last);
        assert(s[2].state != LIVE || s[2].seen == last)
    }
    od
}


init {
    c_code {
        if (getenv("BROKEN") != NULL) {
            broken_rule = atoi(getenv("BROKEN"));
        }
    }

    atomic {
        subscribe = true;
        run node();
        run redis();
        run observer()
    }
}
