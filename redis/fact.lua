-- What was asked lately: client ids, and facts about messages.

-- What is known of a client id: "new", "need", or its first answer.
--
-- An id that was trimmed has raised floor to its time, so whatever is above
-- floor was never accepted.  Ids without a time, or with one too far ahead of
-- the clock to be believed, set floor to 1 and ahead to that time: then only
-- what is above both is known to be new.

local function duplicate(base, meta, user, client_id, id_time)
    local value = redis.call('HGET', base .. ':ids',
                             'c' .. user .. '/' .. client_id)

    if value and string.sub(value, 1, 1) ~= '-' then
        return value
    end

    if value and now_ms() < tonumber(string.sub(value, 2)) then
        return 'new'
    end

    if id_time == '' then
        return meta.floor == 0 and 'new' or 'need'
    end

    id_time = tonumber(id_time)

    return id_time > meta.floor and id_time > meta.ahead and 'new' or 'need'
end


-- A fact is what an edit, a deletion, a reaction or a reply has to know of a
-- message: sequence, author, whether it is live, place in the log of its last
-- change, number of reactions, how many there ever were, and what stands before
-- and after the content in its events.

local function fact_text(fact)
    return num(fact.seq) .. ' ' .. fact.author .. ' '
           .. (fact.live and 'l' or 'd') .. ' ' .. fact.at .. ' '
           .. num(fact.n) .. ' ' .. num(fact.used) .. ' ' .. num(#fact.pre)
           .. ' ' .. fact.pre .. fact.post
end


local function fact_read(text)
    local seq, author, live, at, n, used, length, from =
        string.match(text, '^(%d+) (%S+) (%a) (%S+) (%d+) (%d+) (%d+) ()')

    length = tonumber(length)

    return {
        seq = tonumber(seq),
        author = author,
        live = live == 'l',
        at = at,
        n = tonumber(n),
        used = tonumber(used),
        pre = string.sub(text, from, from + length - 1),
        post = string.sub(text, from + length)
    }
end


local function reaction_field(id, user, emoji)
    return 's' .. id .. ' ' .. user .. ' ' .. emoji
end


local function reaction_add(ids, id, fact, user, emoji)
    fact.n, fact.used = fact.n + 1, fact.used + 1
    redis.call('HSET', ids, 'r' .. id .. ' ' .. num(fact.n),
               user .. ' ' .. emoji, reaction_field(id, user, emoji),
               num(fact.n))
end


-- the last one takes the place of the one that goes

local function reaction_remove(ids, id, fact, user, emoji)
    local field = reaction_field(id, user, emoji)
    local place = redis.call('HGET', ids, field)
    local last = 'r' .. id .. ' ' .. num(fact.n)
    local other

    if tonumber(place) ~= fact.n then
        other = redis.call('HGET', ids, last)
        redis.call('HSET', ids, 'r' .. id .. ' ' .. place, other,
                   's' .. id .. ' ' .. other, place)
    end

    redis.call('HDEL', ids, field, last)
    fact.n = fact.n - 1
end


local function reactions_forget(ids, id, fact)
    for i = 1, fact.n do
        local field = 'r' .. id .. ' ' .. num(i)
        local value = redis.call('HGET', ids, field)

        redis.call('HDEL', ids, field, 's' .. id .. ' ' .. value)
    end

    fact.n = 0
end


-- an id that goes leaves its time in floor and ahead

local function floor_raise(meta, time, now)
    time = tonumber(time)

    if not time then
        meta.floor = math.max(meta.floor, 1)
    elseif time > now + AHEAD_MS then
        meta.floor = math.max(meta.floor, 1)
        meta.ahead = math.max(meta.ahead, time)
    else
        meta.floor = math.max(meta.floor, time)
    end
end


-- Forgets the oldest ids and facts beyond the bound, some at a time, since
-- many can have waited to be stored; one whose event is not stored yet stays,
-- and all after it.

local function ids_trim(base, part, meta)
    local ids, now = base .. ':ids', now_ms()
    local last = math.min(meta.ihead - IDS_MAX + TRIM, meta.itail + 2 * TRIM)

    while meta.itail < last do
        local field = redis.call('HGET', ids, '#' .. num(meta.itail + 1))
        local value = field and redis.call('HGET', ids, field)

        if value and string.sub(value, 1, 1) ~= '-' then

            if string.sub(field, 1, 1) == 'm' then
                local fact = fact_read(value)

                if id_above(fact.at, part.stored) then
                    break
                end

                reactions_forget(ids, string.sub(field, 2), fact)

            else
                local at, time = string.match(value, '^.* (%S+) (%S+)$')

                if id_above(at, part.stored) then
                    break
                end

                floor_raise(meta, time, now)
            end
        end

        meta.itail = meta.itail + 1
        redis.call('HDEL', ids, field or '#', '#' .. num(meta.itail))
    end

    redis.call('HSET', base .. ':meta', 'itail', num(meta.itail), 'floor',
               num(meta.floor), 'ahead', num(meta.ahead))
end


-- The caller writes ihead.

local function ids_add(base, part, meta, field, value)
    meta.ihead = meta.ihead + 1

    redis.call('HSET', base .. ':ids', field, value, '#' .. num(meta.ihead),
               field)

    if meta.ihead - meta.itail > IDS_MAX then
        ids_trim(base, part, meta)
    end
end


-- the same of a function that changes nothing else of meta

local function ids_note(base, part, meta, field, value)
    ids_add(base, part, meta, field, value)
    redis.call('HSET', base .. ':meta', 'ihead', num(meta.ihead))
end


-- What hot tells of a message: a fact and the reactions, nil if nothing, and
-- whether that is all there is to know: hot was walked to its end and holds
-- every event of the conversation.

local function fact_find(base, meta, id)
    local fact, ops, begun = nil, {}, false

    local ended = hot_walk(base, WALK, TRIM,
                           function(_, event, kind, seq, more, place)
        local lengths, from

        if kind == 'r' then
            local sign, of, user, emoji =
                string.match(more, '^(.) (%S+) (%S+) (.+)$')

            if of == id then
                ops[#ops + 1] = { sign, user, emoji, place }
            end

            return false
        end

        if (kind ~= 'c' and kind ~= 'u' and kind ~= 'd')
            or string.sub(event, MESSAGE_ID + 1, MESSAGE_ID + #id) ~= id
        then
            return false
        end

        if not fact then
            fact = { seq = seq, at = place, live = kind ~= 'd', n = 0,
                     used = 0, author = '-', pre = '', post = '' }
        end

        if kind == 'd' then
            begun = true                -- nothing before it matters
            return true
        end

        if fact.pre == '' then
            lengths = { string.match(more, '^(%d+) (%d+) (%d+) (%S+)$') }
            from = MESSAGE_DATA + 1
            fact.pre = string.sub(event, from, from + lengths[1] - 1)
            from = from + lengths[1] + lengths[2]
            fact.post = string.sub(event, from, from + lengths[3] - 1)
            fact.author = lengths[4]
        end

        begun = kind == 'c'

        return begun
    end)

    if begun then
        if ops[1] and id_above(ops[1][4], fact.at) then
            fact.at = ops[1][4]
        end

        return fact, ops
    end

    return nil, nil, ended and meta.hseq == 0
end


-- The fact about a message, found or kept; nil and the answer if it must be
-- loaded or there is none.  What is found is kept: a hint, no change, so it
-- may come before other checks.

local function fact_get(l, id)
    local ids = l.base .. ':ids'
    local value = redis.call('HGET', ids, 'm' .. id)
    local none = failure('not_found', 'no such message')
    local fact, ops, all

    if value and string.sub(value, 1, 1) ~= '-' then
        return fact_read(value)
    end

    if value and now_ms() < tonumber(string.sub(value, 2)) then
        return nil, none
    end

    fact, ops, all = fact_find(l.base, l.meta, id)

    if not fact then
        return nil, all and none or {'need', 'message', id}
    end

    for i = #ops, 1, -1 do
        local op = ops[i]

        if op[1] == '+' then
            reaction_add(ids, id, fact, op[2], op[3])
        else
            reaction_remove(ids, id, fact, op[2], op[3])
        end
    end

    ids_note(l.base, l.part, l.meta, 'm' .. id, fact_text(fact))

    return fact
end


local function fact_set(base, id, fact)
    redis.call('HSET', base .. ':ids', 'm' .. id, fact_text(fact))
end
