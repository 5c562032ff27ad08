/* chat-persist. */


/* what a holder does next */
#define IDLE        0
#define LOOK        1
#define REST        2       /* read what is left in the log ... */
#define REST_STORE  3       /* ... store it */
#define REST_MOVE   4       /* ... and move the position: not a step */
#define DROP        5
#define REWIND      6
#define COMMIT      7
#define REOPEN      8
#define OPEN        9       /* whatever comes up */
#define STORE      10
#define MOVE       11       /* not a step, either */
#define LOAD       12       /* tell of the conversation, of an id, a message */
#define ID         13
#define FACT       14


#define passes  (redis.fence <= fence || broken(NO_FENCE))

/* a call that reaches the Redis that it was meant for; one that is served only
   where the partition is open */

#define calls    (link == process && passes)
#define is_open  (calls && redis.identity == link && redis.generation == gen)

/* what guards a transaction */

#define is_ours \
    ((row.fence == fence || broken(NO_ROW_FENCE) || broken(NO_ROW_GUARD)) \
     && (row.generation == gen && row.stored == at || broken(NO_ROW_GUARD)))

/* whether Redis came back with all that we know of */

#define is_complete \
    ((redis.generation == gen || broken(LOSS_BY_POSITION)) \
     && (at <= redis.last || broken(LOSS_BY_GENERATION)))

/* the order of the last two steps of opening */

#define FIRST   (broken(REOPEN_FIRST) -> REOPEN : COMMIT)
#define SECOND  (broken(REOPEN_FIRST) -> OPEN : REOPEN)
#define THIRD   (broken(REOPEN_FIRST) -> COMMIT : OPEN)
#define RAISED  (broken(REOPEN_FIRST) -> gen + 1 : gen)


/* the log beyond what is stored: the first event, or all of it */

inline read_log(all)
{
    batch = 0;

    for (k : 1 .. events) {
        if
        :: in(redis.log, k) && position[k] > at && (all || batch == 0) ->
            batch = batch | set_of(k);
            to = position[k]
        :: else
        fi
    }
}


/* in order, exactly once, nothing missing, no client id twice */

inline store_batch()
{
    for (k : 1 .. events) {
        if
        :: in(batch, k) ->
            last_of(stored);
            assert(!in(stored, k));
            assert(count[k] == (last == 0 -> 1 : count[last] + 1));

            last_about(stored, message[k]);
            assert(deletion[k] == (last != 0));

            stored = stored | set_of(k)
        :: else
        fi
    }

    batch = 0
}


inline move_position()
{
    at = to;
    row.stored = to;
    to = 0
}


inline tell_stored(position_told)
{
    redis.fence = fence;
    redis.stored = (position_told > redis.stored -> position_told
                                                 : redis.stored);

    for (k : 1 .. events) {
        if
        :: in(redis.log, k) && position[k] <= position_told ->
            redis.log = redis.log & ~set_of(k)
        :: else
        fi
    }

    check()
}


inline let_go()
{
    pc = IDLE;
    fence = 0;
    gen = 0;
    at = 0;
    identity = 0;
    link = 0;
    beyond = 0;
    batch = 0;
    to = 0;
    about = 0
}


/* An answer to a need is made of what is stored now, and told later. */

#define answer(how, what) \
    :: d_step { pc == OPEN -> batch = stored; about = what; pc = how }


inline answered()
{
    batch = 0;
    about = 0;
    pc = OPEN
}


/* what PostgreSQL said is still so, if hot has all that came after it */

inline is_fresh()
{
    last_of(redis.has & ~redis.hot);
    good = redis.held && (last == 0 || batch >= set_of(last))
}


/* what is there meanwhile stays */

inline load()
{
    if
    :: !redis.held || broken(LATE_LOAD) ->
        forget_conversation(redis);
        redis.held = true;
        redis.has = batch;

        for (k : 1 .. events) {
            if
            :: in(batch, k) && !broken(LOAD_NO_FLOOR) -> raise_floor(message[k])
            :: else
            fi
        }
    :: else
    fi
}


inline tell_id()
{
    is_fresh();

    if
    :: good && redis.id[about] <= NONE || broken(LATE_ID) ->
        redis.id[about] = NONE;

        for (k : 1 .. events) {
            if
            :: in(batch, k) && message[k] == about && !deletion[k] ->
                redis.id[about] = KNOWN + k
            :: else
            fi
        }
    :: else
    fi
}


inline tell_fact()
{
    is_fresh();

    /* hot may tell that it was deleted since */

    for (k : 1 .. events) {
        if
        :: in(redis.hot & ~batch, k) && message[k] == about && deletion[k] ->
            good = false
        :: else
        fi
    }

    last_about(batch, about);

    if
    :: (last != 0
        && (good && redis.fact[about] == UNKNOWN || broken(LATE_FACT))) ->

        redis.fact[about] = (deletion[last] -> DELETED : LIVE);
        redis.fact_at[about] = 0
    :: else
    fi
}


proctype holder()
{
    byte  pc;

    byte  fence, gen, at, identity;     /* the row as it knows it */

    byte  link;         /* identity of the Redis that it is connected to */
    byte  beyond;       /* position that it will go on from */
    byte  batch;        /* events: of the log, or a snapshot of PostgreSQL */
    byte  to;           /* position of the last of them */
    byte  about;        /* a message */

end:
    do
    :: d_step {
        pc == IDLE && claims < CLAIMS ->
        claims++;
        row.fence = (broken(SAME_FENCE) -> 1 : row.fence + 1);

        fence = row.fence;
        gen = row.generation;
        at = row.stored;
        identity = row.identity;
        pc = LOOK
    }

    /* it dies, or is refused, or a link breaks */

    :: d_step { pc != IDLE -> let_go() }

    /* opening a partition */

    :: d_step {
        pc == LOOK && passes ->
        redis.fence = fence;
        link = process;

        /* PostgreSQL went back, or the log was cut: it would stop */

        assert(redis.generation <= gen && redis.stored <= at);

        if
        :: (redis.identity == link && identity == link
            && redis.generation == gen && at <= redis.last) ->
            pc = OPEN

        :: else ->
            if
            :: gen == 0 && redis.last == 0 && at == 0 ->
                pc = FIRST

            :: else ->
                if
                :: is_complete ->
                    beyond = redis.last;
                    pc = (broken(NO_REST) -> COMMIT : REST)
                :: else ->
                    assert(redis.identity != link);
                    pc = (broken(NO_DROP) -> REWIND : DROP)
                fi
            fi
        fi
    }

    :: d_step {
        pc == REST && link == process ->
        read_log(true);
        pc = (batch == 0 -> FIRST : REST_STORE)
    }

    :: d_step {
        pc == DROP && calls && redis.identity != link ->
        redis.fence = fence;
        forget_conversation(redis);
        pc = REWIND
    }

    :: d_step {
        pc == REWIND && calls && redis.identity != link ->
        redis.fence = fence;
        beyond = (broken(NO_REWIND) -> redis.last : at + 1);
        redis.log = 0;
        redis.last = beyond;
        pc = FIRST
    }

    :: d_step {
        pc == COMMIT && is_ours ->
        row.identity = link;
        row.generation = row.generation + (broken(SAME_GENERATION) && gen > 0
                                           -> 0 : 1);
        row.stored = (beyond > at -> beyond : at);

        identity = link;
        gen = row.generation;
        at = row.stored;
        beyond = 0;
        pc = SECOND;
        check()
    }

    :: d_step {
        (pc == REOPEN && calls
         && (redis.generation < RAISED || broken(SAME_GENERATION))) ->

        redis.fence = fence;
        redis.identity = link;
        redis.generation = RAISED;
        redis.stored = at;
        pc = THIRD;
        check()
    }

    /* storing, and telling how far */

    :: d_step {
        pc == OPEN && link == process ->
        read_log(false);
        pc = (batch == 0 -> OPEN : STORE)
    }

    :: d_step {
        pc == OPEN && link == process ->
        read_log(true);
        pc = (batch == 0 -> OPEN : STORE)
    }

    :: d_step {
        (pc == STORE || pc == REST_STORE) && is_ours ->
        store_batch();

        if
        :: broken(POSITION_APART) ->
            pc = pc + 1
        :: else ->
            move_position();
            pc = (pc == STORE -> OPEN : REST)
        fi;

        check()
    }

    :: d_step {
        (pc == MOVE || pc == REST_MOVE) && is_ours ->
        move_position();
        pc = (pc == MOVE -> OPEN : REST);
        check()
    }

    :: d_step {
        pc == OPEN && is_open ->
        tell_stored(at)
    }

    :: d_step {
        pc == STORE && is_open && broken(STORED_EARLY) ->
        tell_stored(to)
    }

    /* answering needs */

    answer(LOAD, 0)

    :: d_step {
        pc == LOAD && is_open ->
        redis.fence = fence;
        load();
        answered();
        check()
    }

#if FORGETS
    answer(ID, 1)
#if MESSAGES > 1
    answer(ID, 2)
#endif

    :: d_step {
        pc == ID && is_open ->
        redis.fence = fence;
        tell_id();
        answered();
        check()
    }

#if FACTS
    answer(FACT, 1)
#if MESSAGES > 1
    answer(FACT, 2)
#endif

    :: d_step {
        pc == FACT && is_open ->
        redis.fence = fence;
        tell_fact();
        answered();
        check()
    }
#endif

    /* an idle conversation leaves Redis, if the last change of it is stored */

    :: d_step {
        pc == OPEN && is_open && redis.held ->
        redis.fence = fence;
        last_of(redis.hot);

        if
        :: last == 0 || forgettable(last) || broken(DROP_UNSTORED) ->
            forget_conversation(redis)
        :: else
        fi;

        check()
    }
#endif
    od
}
