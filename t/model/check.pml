/* What must hold after every step. */


/* revision_good() of the library, for a client that has seen event k last */

inline revision_good()
{
    last_of(redis.has);

    if
    :: generation[k] > redis.generation ->
        good = false

    :: generation[k] == redis.generation || generation[k] == generation[last] ->
        good = (generation[k] < generation[last]
                || generation[k] == generation[last]
                   && count[k] <= count[last])

    :: else ->
        last = EVENTS;

        do
        :: last > 0 && !(in(redis.has, last)
                         && generation[last] == generation[k]) -> last--
        :: else -> break
        od;

        good = last != 0 && count[k] <= count[last]
    fi
}


inline check_log()
{
    /* what survives: what is stored, and what the log has beyond that */

    set = stored;

    for (k : 1 .. events) {
        if
        :: in(redis.log, k) && position[k] > row.stored -> set = set | set_of(k)
        :: else
        fi
    }

    for (k : 1 .. events) {

        /* what was accepted survives, unless Redis has lost it */

        assert(in(excused | set, k));

        /* who finds that the log is stored so far in this generation may
           believe it */

        assert(in(stored, k) || redis.stored < position[k]
               || redis.generation != generation[k]
                  && !broken(ACK_ANY_GENERATION))
    }
}


inline check_revisions()
{
    for (k : 1 .. events) {
        i = k;
        k = (broken(ROOM_RESET) -> events : k);
        revision_good();
        k = i;

        /* who has seen what is lost starts over, and nobody else does */

        assert(good == in(set, k));

        /* a change of a former generation that is found good is stored */

        assert(!good || generation[k] == redis.generation || in(stored, k))
    }
}


#define taken_for_new(m) \
    (redis.id[m] == NONE || redis.id[m] == UNKNOWN && m > redis.floor)

inline check_messages()
{
    for (i : 1 .. MESSAGES) {
        last_about(set, i);

        assert(last == 0 || !taken_for_new(i));

        assert(redis.id[i] <= KNOWN
               || in(set, redis.id[i] - KNOWN)
                  && message[redis.id[i] - KNOWN] == i);

        assert(redis.fact[i] == UNKNOWN
               || last != 0 && redis.fact[i] == (deletion[last] -> DELETED
                                                                : LIVE))
    }
}


inline check()
{
    check_log();

    if
    :: serves ->

        /* it knows of all that survives, and what it cannot tell any more can
           be had from PostgreSQL */

        assert(redis.has == set);
        assert((redis.has & ~(redis.hot | stored)) == 0);

        check_revisions();
        check_messages()

    :: else
    fi
}
