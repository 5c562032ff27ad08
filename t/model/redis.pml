/* Clients, and what Redis does by itself. */


#define forgettable(k) \
    (position[k] <= redis.stored || broken(FORGET_UNSTORED))

#define raise_floor(to) \
    redis.floor = (to > redis.floor -> to : redis.floor)


/* append; its checks are what guards the step */

inline append(what, deletes)
{
    last_of(redis.has);

    events++;
    generation[events] = redis.generation;
    count[events] = (last == 0 -> 1 : count[last] + 1);
    redis.last++;
    position[events] = redis.last;
    message[events] = what;
    deletion[events] = deletes;

    /* no revision is handed out twice */

    for (k : 1 .. events - 1) {
        assert(generation[k] != generation[events] || count[k] < count[events])
    }

    redis.log = redis.log | set_of(events);
    redis.has = redis.has | set_of(events);
    redis.hot = redis.hot | set_of(events);

    if
    :: deletes ->
        redis.fact[what] = DELETED;
        redis.fact_at[what] = events
    :: else ->
        redis.id[what] = KNOWN + events
    fi
}


/* A client sends one message, and deletes it. */

proctype client(byte me)
{
end:
    do
    :: d_step {
        serves && events < EVENTS && taken_for_new(me) ->
        append(me, false);
        check()
    }

#if FACTS
    :: d_step {
        serves && events < EVENTS && redis.fact[me] == LIVE ->
        append(me, true);
        check()
    }

    /* a fact is found in hot */

    :: d_step {
        serves && redis.fact[me] == UNKNOWN ->
        last_about(redis.hot, me);

        if
        :: last != 0 ->
            redis.fact[me] = (deletion[last] -> DELETED : LIVE);
            redis.fact_at[me] = last
        :: else
        fi;

        check()
    }
#endif

#if FORGETS
    /* Redis makes room: for ids, and for facts */

    :: d_step {
        serves && redis.id[me] > KNOWN && forgettable(redis.id[me] - KNOWN) ->
        redis.id[me] = UNKNOWN;

        if
        :: broken(NO_FLOOR)
        :: else -> raise_floor(me)
        fi;

        check()
    }

    :: d_step {
        serves && redis.id[me] == NONE ->
        redis.id[me] = UNKNOWN
    }

    :: d_step {
        (serves && redis.fact[me] != UNKNOWN
         && (redis.fact_at[me] == 0 || forgettable(redis.fact_at[me]))) ->

        redis.fact[me] = UNKNOWN;
        redis.fact_at[me] = 0
    }
#endif
    od
}


inline forget_conversation(r)
{
    r.held = false;
    r.has = 0;
    r.hot = 0;
    r.floor = 0;

    for (i : 1 .. MESSAGES) {
        r.id[i] = UNKNOWN;
        r.fact[i] = UNKNOWN;
        r.fact_at[i] = 0
    }
}


inline copy_redis(to, from)
{
    to.identity = from.identity;
    to.generation = from.generation;
    to.fence = from.fence;
    to.stored = from.stored;
    to.last = from.last;
    to.log = from.log;
    to.held = from.held;
    to.has = from.has;
    to.hot = from.hot;
    to.floor = from.floor;

    for (i : 1 .. MESSAGES) {
        to.id[i] = from.id[i];
        to.fact[i] = from.fact[i];
        to.fact_at[i] = from.fact_at[i]
    }
}


inline empty_redis()
{
    redis.identity = 0;
    redis.generation = 0;
    redis.fence = 0;
    redis.stored = 0;
    redis.last = 0;
    redis.log = 0;
    forget_conversation(redis)
}


/* what is neither stored nor in the log any more may be lost, unless a holder
   has read it */

inline restarted()
{
    process++;
    restarts++;
    excused = excused | (((1 << events) - 1) & ~(redis.log | stored));
    check()
}


proctype life()
{
end:
    do
    :: d_step {
        restarts < RESTARTS ->
        restarted()
    }

#if EMPTY
    :: d_step {
        restarts < RESTARTS ->
        empty_redis();
        restarted()
    }
#endif

#if COPIES > 0
    :: d_step {
        restarts < RESTARTS && copies < COPIES ->
        copy_redis(copy, redis);
        copies++
    }

    :: d_step {
        restarts < RESTARTS && copies > 0 ->
        copy_redis(redis, copy);
        restarted()
    }
#endif

#if FORGETS
    /* hot drops its oldest event */

    :: d_step {
        serves && redis.hot != 0 ->
        k = 1;

        do
        :: !in(redis.hot, k) -> k++
        :: else -> break
        od;

        if
        :: forgettable(k) -> redis.hot = redis.hot & ~set_of(k)
        :: else
        fi;

        check()
    }
#endif
    od
}
