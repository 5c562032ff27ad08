-- What a holder (chat-persist) calls.

-- hold: fence, backlog.  Takes a partition over, or looks at it again; what was
-- needed long ago nobody waits for any more.
--
-- ok, identity, generation, stored, last id of the log ("" where there is
-- none; "0-0" for a stored that is not known)

local function hold(keys, a)
    local prefix = keys[1]
    local answer = fence_pass(prefix, a[1])
    local v, last

    if answer then
        return answer
    end

    v = redis.call('HMGET', prefix .. 'part', 'identity', 'generation',
                   'stored', 'backlog')
    last = ''

    if v[4] and v[4] ~= a[2] then
        redis.call('HSET', prefix .. 'part', 'backlog', a[2])
    end

    redis.call('XTRIM', prefix .. 'need', 'MINID', '~', num(now_ms() - NEED_MS))

    if redis.call('EXISTS', prefix .. 'log') == 1 then
        local info = redis.call('XINFO', 'STREAM', prefix .. 'log')

        for i = 1, #info, 2 do
            if info[i] == 'last-generated-id' then
                last = info[i + 1]
            end
        end
    end

    return {'ok', v[1] or '', v[2] or '0', v[3] or '0-0', last}
end


-- drop: fence, identity of the caller's link.  Deletes keys of conversations,
-- KEYS[2] and on, after a loss; refused while the partition is open.

local function drop(keys, a)
    local prefix = keys[1]
    local answer = fence_pass(prefix, a[1])

    if answer then
        return answer
    end

    if redis.call('HGET', prefix .. 'part', 'identity') == a[2] then
        return {'refused', 'the partition is open'}
    end

    for i = 2, #keys do
        redis.call('UNLINK', keys[i])
    end

    return {'ok'}
end


-- rewind: fence, identity, a log id beyond everything stored.  Ends a drop: an
-- empty log that goes on from there, and no marks.

local function rewind(keys, a)
    local prefix = keys[1]
    local answer = fence_pass(prefix, a[1])

    if answer then
        return answer
    end

    if redis.call('HGET', prefix .. 'part', 'identity') == a[2] then
        return {'refused', 'the partition is open'}
    end

    redis.call('DEL', prefix .. 'log', prefix .. 'marks',
               prefix .. 'unread', prefix .. 'unread:taken')
    redis.call('XADD', prefix .. 'log', a[3], 'k', 'none')
    redis.call('XTRIM', prefix .. 'log', 'MAXLEN', 0)

    return {'ok'}
end


-- reopen: fence, identity, generation, stored position, partitions, backlog.
-- A generation is opened once: a call that comes late is refused.

local function reopen(keys, a)
    local prefix = keys[1]
    local answer = fence_pass(prefix, a[1])
    local generation

    if answer then
        return answer
    end

    generation = redis.call('HGET', prefix .. 'part', 'generation')

    if generation and tonumber(generation) >= tonumber(a[3]) then
        return {'refused', 'generation is ' .. generation}
    end

    redis.call('HSET', prefix .. 'part', 'identity', a[2], 'generation', a[3],
               'stored', a[4], 'partitions', a[5], 'backlog', a[6])
    redis.call('PUBLISH', 'chat:nodes', 'open ' .. prefix .. ' ' .. a[3])

    return {'ok'}
end


-- stored: fence, identity, generation, position.  Everything up to there is
-- committed.  Merged by maximum; may be repeated.

local function stored(keys, a)
    local prefix, at = keys[1], a[4]
    local answer = fence_pass(prefix, a[1], a[2], a[3])
    local ms, n

    if answer then
        return answer
    end

    if id_above(at, redis.call('HGET', prefix .. 'part', 'stored')) then
        redis.call('HSET', prefix .. 'part', 'stored', at)
    end

    ms, n = string.match(at, '^(%d+)-(%d+)$')

    redis.call('XTRIM', prefix .. 'log', 'MINID',
               ms .. '-' .. num(tonumber(n) + 1))
    redis.call('PUBLISH', 'chat:nodes',
               'stored ' .. prefix .. ' ' .. a[3] .. ' ' .. at)

    return {'ok'}
end


-- the node that asked looks again, whatever came of it

local function loaded(prefix, base, node)
    redis.call('PUBLISH', 'chat:node:' .. node,
               'loaded ' .. name_of(prefix, base))

    return {'ok'}
end


-- the members of a load, from a[i] on; returns how many of them are owners

local function load_members(base, a, i)
    local owners = 0

    for k = i, #a, 200 do               -- Lua's stack is small
        redis.call('HSET', base .. ':members',
                   unpack(a, k, math.min(k + 199, #a)))
    end

    for k = i + 1, #a, 2 do
        if string.sub(a[k], 1, 6) == 'owner ' then
            owners = owners + 1
        end
    end

    return owners
end


-- load: fence, identity, generation, node, then
--
--   "1", type, key, sequence, revision, gens, name, creator, time, floor,
--        ahead, description, read-only ("1" or "0"), slow mode (seconds); then
--        user and "<role> <read> <delivered>" in turn
--   "2", key, revision, gens: it is deleted
--   "0"  there is none
--
-- What is there meanwhile stays.  The node is told either way.

local function load(keys, a)
    local prefix, base, node = keys[1], keys[2], a[4]
    local meta = base .. ':meta'
    local answer = fence_pass(prefix, a[1], a[2], a[3])

    if answer then
        return answer
    end

    if redis.call('HEXISTS', meta, 'hn') == 1 then
        return loaded(prefix, base, node)
    end

    redis.call('DEL', meta, base .. ':members', base .. ':hot', base .. ':ids')

    if a[5] == '1' then
        redis.call('HSET', meta, 'type', a[6], 'key', a[7], 'seq', a[8],
                   'rev', a[9], 'gens', a[10], 'name', a[11], 'by', a[12],
                   'at', a[13], 'floor', a[14], 'ahead', a[15], 'desc', a[16],
                   'ro', a[17], 'slow', a[18], 'hfrom', a[9], 'hseq', a[8],
                   'hbytes', '0', 'hn', '0', 'ihead', '0', 'itail', '0',
                   'last', '', 'owners', num(load_members(base, a, 19)))

    elseif a[5] == '2' then
        redis.call('HSET', meta, 'gone', '1', 'type', 'group', 'key', a[6],
                   'seq', '0', 'rev', a[7], 'gens', a[8], 'hfrom', a[7],
                   'hseq', '0', 'hbytes', '0', 'hn', '0', 'ihead', '0',
                   'itail', '0', 'slow', '0', 'owners', '0', 'last', '')
        redis.call('PEXPIRE', meta, GONE_MS)

    else
        redis.call('HSET', meta, 'none', '1')
        redis.call('PEXPIRE', meta, NONE_MS)
    end

    return loaded(prefix, base, node)
end


-- What PostgreSQL says in a snapshot is still so if everything that happened
-- since then is in hot.  A holder that was stopped between the snapshot and its
-- call could otherwise bring back what was changed, stored and forgotten
-- meanwhile.  The conversation, or nil: let the node ask again.

local function fresh(base, revision)
    local meta = meta_get(base)

    return meta and tonumber(revision) >= meta.hfrom and meta or nil
end


local function unknown(base, field)
    local value = redis.call('HGET', base .. ':ids', field)

    return not value or string.sub(value, 1, 1) == '-'
end


-- enough of part for what trims

local function part_stored(prefix)
    return { stored = redis.call('HGET', prefix .. 'part', 'stored') }
end


-- fact: fence, identity, generation, node, revision of the conversation in the
-- snapshot that was read, user, client id; then either revision, sequence,
-- message id, time and the id's time or "-", or nothing: there is no such
-- message.

local function fact(keys, a)
    local prefix, base = keys[1], keys[2]
    local answer = fence_pass(prefix, a[1], a[2], a[3])
    local meta, field, value

    if answer then
        return answer
    end

    meta = fresh(base, a[5])
    field = 'c' .. a[6] .. '/' .. a[7]

    if meta and unknown(base, field) then
        if a[8] then
            value = a[8] .. ' ' .. a[9] .. ' ' .. a[10] .. ' ' .. a[11]
                    .. ' 0-0 ' .. a[12]
        else
            value = '-' .. num(now_ms() + NONE_MS)
        end

        ids_note(base, part_stored(prefix), meta, field, value)
    end

    return loaded(prefix, base, a[4])
end


-- whether a message was changed above a revision, as hot tells

local function changed_since(base, id, revision)
    local changed = false

    hot_walk(base, math.huge, TRIM, function(entry, event, kind, _, more)
        if tonumber(string.match(entry, '^%d+')) <= revision then
            return true
        end

        if kind == 'r' then
            changed = changed or string.match(more, '^. (%S+)') == id
        elseif kind == 'u' or kind == 'd' then
            changed = changed or string.sub(event, MESSAGE_ID + 1,
                                            MESSAGE_ID + #id) == id
        end

        return changed
    end)

    return changed
end


-- message_fact: fence, identity, generation, node, revision as in fact, message
-- id; then either sequence, author, "live" or "deleted", pre, post (see
-- message.send), number of reactions that there are or were, then user and
-- emoji of each that there is in turn; or nothing: it is no message of this
-- conversation.

local function message_fact(keys, a)
    local prefix, base, id = keys[1], keys[2], a[6]
    local answer = fence_pass(prefix, a[1], a[2], a[3])
    local meta, value, f

    if answer then
        return answer
    end

    meta = fresh(base, a[5])

    if not meta or not unknown(base, 'm' .. id)
        or changed_since(base, id, tonumber(a[5]))
    then
        return loaded(prefix, base, a[4])
    end

    value = '-' .. num(now_ms() + NONE_MS)

    if a[7] then
        f = { seq = tonumber(a[7]), author = a[8], live = a[9] == 'live',
              at = '0-0', n = 0, used = 0, pre = a[10], post = a[11] }

        for i = 13, #a, 2 do
            reaction_add(base .. ':ids', id, f, a[i], a[i + 1])
        end

        f.used = tonumber(a[12])
        value = fact_text(f)
    end

    ids_note(base, part_stored(prefix), meta, 'm' .. id, value)

    return loaded(prefix, base, a[4])
end


-- marks: fence, identity, generation, how many (1,000 at the most, for Lua's
-- stack is small).  Identity and generation are "" where the partition is not
-- open (any more): what waits is stored before it is opened again.
--
-- ok, then "<key> <user>" and "<read> <delivered>" in turn

local function marks(keys, a)
    local answer = fence_pass(keys[1], a[1], given(a[2]), a[3])
    local found

    if answer then
        return answer
    end

    -- any of them: a scan from the start would not get beyond what it emptied

    found = redis.call('HRANDFIELD', keys[1] .. 'marks', a[4], 'WITHVALUES')

    return {'ok', unpack(found)}
end


-- marked: fence, identity, generation as in marks, then field and value in turn
-- as marks gave them: stored.  What has moved on since then stays.

local function marked(keys, a)
    local key = keys[1] .. 'marks'
    local answer = fence_pass(keys[1], a[1], given(a[2]), a[3])

    if answer then
        return answer
    end

    for i = 4, #a, 2 do
        if redis.call('HGET', key, a[i]) == a[i + 1] then
            redis.call('HDEL', key, a[i])
        end
    end

    return {'ok'}
end


-- answer: fence, identity, generation, node, payload.  A range of history for
-- one node, from one snapshot.

local function answer_node(keys, a)
    local answer = fence_pass(keys[1], a[1], a[2], a[3])

    if answer then
        return answer
    end

    redis.call('PUBLISH', 'chat:node:' .. a[4], a[5])

    return {'ok'}
end
