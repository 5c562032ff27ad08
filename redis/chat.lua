#!lua name=chat_v1
--
-- The rules of a conversation, in one place.  Everything that changes durable
-- state goes through append; a holder (chat-persist) brings in what Redis does
-- not hold and says what is stored.  Nothing else writes these keys.
--
-- KEYS[1] is always the prefix of a partition, "chat:{p07}:"; where a function
-- concerns a conversation, KEYS[2] is its base, "chat:{p07}:c:<tenant>/<id>".
-- The other keys are made of these two: all share the tag, hence the slot.
--
--   <prefix>log         stream of durable events until they are stored
--   <prefix>need        stream of what a node needs loaded (nodes write it);
--                       fields: docs/architecture.md, "Needs"
--   <prefix>part        hash: identity, generation, fence, stored, partitions,
--                       backlog
--   <base>              channel: "<revision> <sequence> <event>"
--   <base>:meta         hash, see below
--   <base>:members      hash: user -> "<role> <read> <delivered>"
--   <base>:hot          stream keyed <revision>-0: e the event as clients get
--                       it, q the message's sequence or 0, l its place in log
--   <base>:ids          hash: "c<user>/<client id>" -> "<revision> <sequence>
--                       <message id> <time> <place in log> <id's time or ->",
--                       or "-<ms>": known not to exist until then;
--                       "#<n>": the same in the order of arrival
--
-- Fields of meta: type, key (the conversation's key in PostgreSQL), seq, rev,
-- gens ("gen:rev,gen:rev,": last surviving revision of past generations),
-- name, by, at (creator, ms), hfrom and hseq (hot holds every event above this
-- revision and every message above this sequence), hbytes, ihead and itail
-- (order of ids), floor and ahead (see duplicate()).  A meta with the field
-- none alone, which expires, says that there is no such conversation.
--
-- A revision is generation * 2^32 + n; numbers stay below 2^53, so Lua's
-- doubles hold them exactly.  They are printed with %.0f: tostring() would
-- give 1e+14.  Functions have no rollback: no check after the first write.
-- cjson never touches an event: it rounds numbers.
--
-- Every function answers with an array whose first element is one of
--
--   ok          done; what follows is told at each function
--   need        Redis lacks what a check needs; the second element says what:
--               "conversation", "client id", "range".  Nothing was changed.
--   closed      the partition is not open for the caller's Redis identity
--   busy        the log holds more than the declared backlog
--   not_found   no such conversation, or the user may not see it
--   refused     a holder with an old fence or generation
--   bad         the caller and Redis disagree (number of partitions)

local GENERATION = 4294967296           -- 2^32
local HOT_MAX = 256                     -- events kept per conversation
local HOT_BYTES = 1048576
local HOT_BYTES_LOW = 786432            -- what trimming for bytes leaves
local TRIM = 32                         -- read or trimmed at once
local WALK = 1024                       -- events one call looks back at most
local IDS_MAX = 1024                    -- client ids kept per conversation
local NONE_MS = 10000                   -- "there is none" is believed so long
local AHEAD_MS = 300000                 -- an id's time may be so far ahead


local function num(n)
    return string.format('%.0f', n)
end


local function generation_of(revision)
    return math.floor(revision / GENERATION)
end


-- stream ids are "ms-seq"; true if a is above b

local function id_above(a, b)
    local am, as = string.match(a, '^(%d+)-(%d+)$')
    local bm, bs = string.match(b, '^(%d+)-(%d+)$')

    am, as, bm, bs = tonumber(am), tonumber(as), tonumber(bm), tonumber(bs)

    return am > bm or (am == bm and as > bs)
end


local function now_ms()
    local t = redis.call('TIME')
    return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end


-- The partition as a node sees it, or nil and the answer.  identity is what
-- the caller's link read when it connected.

local function part_open(prefix, identity, partitions)
    local v = redis.call('HMGET', prefix .. 'part', 'identity', 'generation',
                         'stored', 'partitions', 'backlog')

    if v[1] ~= identity or not v[2] then
        return nil, {'closed'}
    end

    if v[4] ~= partitions then
        return nil, {'bad', 'number of partitions is ' .. v[4]}
    end

    return {
        generation = tonumber(v[2]),
        stored = v[3],
        backlog = tonumber(v[5])
    }
end


-- Whether a holder's call may pass; the highest fence seen is kept.  Calls
-- that need an open partition also give identity and generation.

local function fence_pass(prefix, fence, identity, generation)
    local v = redis.call('HMGET', prefix .. 'part', 'fence', 'identity',
                         'generation')

    if v[1] and tonumber(fence) < tonumber(v[1]) then
        return {'refused', 'fence is ' .. v[1]}
    end

    if identity and (v[2] ~= identity or v[3] ~= generation) then
        return {'closed'}
    end

    if v[1] ~= fence then
        redis.call('HSET', prefix .. 'part', 'fence', fence)
    end

    return nil
end


-- The conversation, or nil and the answer.

local function meta_get(base)
    local v = redis.call('HMGET', base .. ':meta', 'type', 'seq', 'rev', 'key',
                         'gens', 'hfrom', 'hseq', 'hbytes', 'itail', 'none')

    if v[10] then
        return nil, {'not_found'}
    end

    if not v[1] then
        return nil, {'need', 'conversation'}
    end

    return {
        type = v[1],
        seq = tonumber(v[2]),
        rev = tonumber(v[3]),
        key = v[4],
        gens = v[5] or '',
        hfrom = tonumber(v[6]),
        hseq = tonumber(v[7]),
        hbytes = tonumber(v[8]),
        itail = tonumber(v[9] or 0)
    }
end


-- The role of a user and its last read sequence; nil if it may not see the
-- conversation.  Every user of the tenant may see a channel: role "" then.

local function role_get(base, meta, user)
    local v = redis.call('HGET', base .. ':members', user)

    if v then
        local role, read = string.match(v, '^(%S+) (%d+)')
        return role, tonumber(read)
    end

    if meta.type == 'channel' then
        return '', 0
    end

    return nil
end


-- Partition open, conversation here, and the user may see it; or nil and the
-- answer.  What open and history begin with.

local function look(prefix, base, identity, partitions, user)
    local part, meta, answer, role, read

    part, answer = part_open(prefix, identity, partitions)
    if not part then
        return nil, answer
    end

    meta, answer = meta_get(base)
    if not meta then
        return nil, answer
    end

    role, read = role_get(base, meta, user)
    if not role then
        return nil, {'not_found'}
    end

    return { part = part, meta = meta, role = role, read = read }
end


-- Whether a client that has seen this revision has seen only what survived.
-- The rule is in docs/architecture.md, "Generations".

local function revision_good(generation, meta, revision)
    local gen = generation_of(revision)

    if revision == 0 then
        return true
    end

    if gen == generation then
        return revision <= meta.rev
    end

    if gen > generation then
        return false
    end

    if gen == generation_of(meta.rev) then
        return revision <= meta.rev
    end

    for g, r in string.gmatch(meta.gens, '(%d+):(%d+),') do
        if tonumber(g) == gen then
            return revision <= tonumber(r)
        end
    end

    return false
end


-- Events above a revision, as far as they fit: what follows in an answer is
-- complete (1 or 0), how far they reach, then revision and event in turn.

local function events_add(answer, base, meta, after, max_bytes)
    local bytes, reach, complete = 0, after, 1
    local from = '(' .. num(after) .. '-0'
    local place = #answer

    answer[place + 1] = 1
    answer[place + 2] = 0

    while complete == 1 do
        local entries = redis.call('XRANGE', base .. ':hot', from, '+',
                                   'COUNT', TRIM)

        for _, entry in ipairs(entries) do
            local event = entry[2][2]

            if bytes > 0 and bytes + #event > max_bytes then
                complete = 0
                break
            end

            bytes = bytes + #event
            reach = tonumber(string.match(entry[1], '^%d+'))
            answer[#answer + 1] = reach
            answer[#answer + 1] = event
            from = '(' .. entry[1]
        end

        if #entries < TRIM then
            break
        end
    end

    if complete == 1 then
        reach = meta.rev
    end

    answer[place + 1] = complete
    answer[place + 2] = reach

    return answer
end


-- Client ids ----------------------------------------------------------------

-- What is known of a client id: "new", "need", or its first answer.
--
-- An id that was trimmed has raised floor to its time, so whatever is above
-- floor was never accepted.  Ids without a time, or with one too far ahead of
-- the clock to be believed, set floor to 1 and ahead to that time: then only
-- what is above both is known to be new.

local function duplicate(base, user, client_id, id_time)
    local value = redis.call('HGET', base .. ':ids',
                             'c' .. user .. '/' .. client_id)
    local v, floor, ahead

    if value and string.sub(value, 1, 1) ~= '-' then
        return value
    end

    if value and now_ms() < tonumber(string.sub(value, 2)) then
        return 'new'
    end

    v = redis.call('HMGET', base .. ':meta', 'floor', 'ahead')
    floor, ahead = tonumber(v[1] or 0), tonumber(v[2] or 0)

    if id_time == '' then
        return floor == 0 and 'new' or 'need'
    end

    id_time = tonumber(id_time)

    return id_time > floor and id_time > ahead and 'new' or 'need'
end


-- Forgets the oldest ids beyond the bound, some at a time, since many can have
-- waited to be stored; one whose event is not stored yet stays, and all after
-- it.

local function ids_trim(base, part, head, tail)
    local v = redis.call('HMGET', base .. ':meta', 'floor', 'ahead')
    local floor, ahead = tonumber(v[1] or 0), tonumber(v[2] or 0)
    local ids, now = base .. ':ids', now_ms()
    local last = math.min(head - IDS_MAX + TRIM, tail + 2 * TRIM)

    while tail < last do
        local field = redis.call('HGET', ids, '#' .. num(tail + 1))
        local value = field and redis.call('HGET', ids, field)

        if value and string.sub(value, 1, 1) ~= '-' then
            local at, time = string.match(value, '(%S+) (%S+)$')

            if id_above(at, part.stored) then
                break
            end

            time = tonumber(time)

            if not time then
                floor = math.max(floor, 1)
            elseif time > now + AHEAD_MS then
                floor = math.max(floor, 1)
                ahead = math.max(ahead, time)
            else
                floor = math.max(floor, time)
            end
        end

        tail = tail + 1
        redis.call('HDEL', ids, field or '#', '#' .. num(tail))
    end

    redis.call('HSET', base .. ':meta', 'itail', num(tail), 'floor',
               num(floor), 'ahead', num(ahead))
end


local function ids_add(base, part, tail, field, value)
    local head = redis.call('HINCRBY', base .. ':meta', 'ihead', 1)

    redis.call('HSET', base .. ':ids', field, value, '#' .. num(head), field)

    if head - tail > IDS_MAX then
        ids_trim(base, part, head, tail)
    end
end


-- Writing -------------------------------------------------------------------

-- The next revision; the first one of a generation leaves the last one of the
-- generation before in gens.

local function revision_next(base, part, meta)
    local n = meta.rev % GENERATION + 1

    if meta.rev > 0 and generation_of(meta.rev) ~= part.generation then
        meta.gens = meta.gens .. num(generation_of(meta.rev)) .. ':'
                    .. num(meta.rev) .. ','
        redis.call('HSET', base .. ':meta', 'gens', meta.gens)
    end

    meta.rev = part.generation * GENERATION + n

    return meta.rev
end


-- Drops the oldest events from hot, as many as are too many, and a few more so
-- that not every event has to drop one; one that is not stored yet stays, and
-- all after it.

local function hot_trim(base, part, meta, count)
    local hot = base .. ':hot'
    local entries = redis.call('XRANGE', hot, '-', '+', 'COUNT', 1)
    local last

    if id_above(entries[1][2][6], part.stored) then
        return                          -- the usual end while a backlog lasts
    end

    entries = redis.call('XRANGE', hot, '-', '+', 'COUNT', TRIM)

    for _, entry in ipairs(entries) do
        local f = entry[2]

        if (count <= HOT_MAX and meta.hbytes <= HOT_BYTES_LOW)
            or id_above(f[6], part.stored)
        then
            break
        end

        last = string.match(entry[1], '^%d+')
        count = count - 1
        meta.hseq = math.max(meta.hseq, tonumber(f[4]))
        meta.hbytes = meta.hbytes - #f[2]
    end

    if last then
        redis.call('XTRIM', hot, 'MINID', last .. '-1')
        redis.call('HSET', base .. ':meta', 'hfrom', last, 'hseq',
                   num(meta.hseq))
    end
end


-- The end of every change: the event into hot, the counters, the publish.

local function change_end(base, part, meta, event, seq, at)
    local rev = num(meta.rev)
    local count

    redis.call('XADD', base .. ':hot', rev .. '-0', 'e', event, 'q', num(seq),
               'l', at)

    meta.hbytes = meta.hbytes + #event
    count = redis.call('XLEN', base .. ':hot')

    if meta.hbytes > HOT_BYTES or count >= HOT_MAX + TRIM then
        hot_trim(base, part, meta, count)
    end

    redis.call('HSET', base .. ':meta', 'rev', rev, 'seq', num(meta.seq),
               'hbytes', num(meta.hbytes))
    redis.call('PUBLISH', base, rev .. ' ' .. num(seq) .. ' ' .. event)
end


local function position(seq, rev)
    return '"sequenceNumber":' .. num(seq) .. ',"revision":' .. num(rev)
           .. '}}'
end


-- append message: user, client id or "", the id's time in ms or "", message
-- id, time in ms, head of the event, content.
--
-- ok, revision, sequence, then if it is a duplicate the id and time (ms) of
-- the first one.

local function append_message(base, part, prefix, a)
    local user, client_id, id_time, id, time = a[4], a[5], a[6], a[7], a[8]
    local meta, answer = meta_get(base)
    local role, known, seq, rev, event, at

    if not meta then
        return answer
    end

    role = role_get(base, meta, user)
    if not role then
        return {'not_found'}
    end

    if client_id ~= '' then
        known = duplicate(base, user, client_id, id_time)

        if known == 'need' then
            return {'need', 'client id'}
        end

        if known ~= 'new' then
            local r, s, i, t = string.match(known, '^(%d+) (%d+) (%S+) (%d+)')
            return {'ok', tonumber(r), tonumber(s), i, tonumber(t)}
        end
    end

    rev = revision_next(base, part, meta)
    seq = meta.seq + 1
    meta.seq = seq
    event = a[9] .. position(seq, rev)

    if role == '' then
        redis.call('HSET', base .. ':members', user, 'member 0 0')
    end

    at = redis.call('XADD', prefix .. 'log', '*', 'k', 'message', 'c',
                    string.sub(base, #prefix + 3), 'v', meta.key, 'r',
                    num(rev), 'q', num(seq), 'i', id, 'u', user, 'x',
                    client_id, 't', time, 'b', a[10], 'j',
                    role == '' and '1' or '0')

    if client_id ~= '' then
        ids_add(base, part, meta.itail, 'c' .. user .. '/' .. client_id,
                num(rev) .. ' ' .. num(seq) .. ' ' .. id .. ' ' .. time
                .. ' ' .. at .. ' ' .. (id_time == '' and '-' or id_time))
    end

    change_end(base, part, meta, event, seq, at)

    return {'ok', rev, seq}
end


-- append create: user, type, name, key, time in ms, "1" if the id was made
-- just now and cannot exist, head of the event, then user and role in turn.
--
-- ok, revision, sequence; or "exists", type, role of the user or "", revision,
-- sequence, name, creator, time in ms.  Who may not see it gets not_found: the
-- caller decides what that means.

local function append_create(base, part, prefix, a)
    local user, kind, name, key, time = a[4], a[5], a[6], a[7], a[8]
    local meta, answer = meta_get(base)
    local members, rev, at = {}, nil, nil

    if meta then
        local role = role_get(base, meta, user)
        local v = redis.call('HMGET', base .. ':meta', 'name', 'by', 'at')

        if not role then
            return {'not_found'}
        end

        return {'exists', meta.type, role, meta.rev, meta.seq, v[1], v[2],
                tonumber(v[3])}
    end

    if answer[1] == 'need' and a[9] ~= '1' then
        return answer
    end

    redis.call('DEL', base .. ':meta')

    meta = { type = kind, seq = 0, rev = 0, key = key, gens = '', hfrom = 0,
             hseq = 0, hbytes = 0 }
    rev = revision_next(base, part, meta)

    redis.call('HSET', base .. ':meta', 'type', kind, 'key', key, 'name', name,
               'by', user, 'at', time, 'hfrom', '0', 'hseq', '0')

    for i = 11, #a, 2 do
        redis.call('HSET', base .. ':members', a[i], a[i + 1] .. ' 0 0')
        members[#members + 1] = a[i] .. ' ' .. a[i + 1]
    end

    at = redis.call('XADD', prefix .. 'log', '*', 'k', 'create', 'c',
                    string.sub(base, #prefix + 3), 'v', key, 'r', num(rev),
                    'y', kind, 'n', name, 'u', user, 't', time, 'm',
                    table.concat(members, ','))

    change_end(base, part, meta, a[10] .. position(0, rev), 0, at)

    return {'ok', rev, 0}
end


local operations = {
    message = append_message,
    create = append_create
}


-- append: the one door.  ARGV: identity, partitions, operation, ...

local function append(keys, a)
    local prefix, base = keys[1], keys[2]
    local part, answer = part_open(prefix, a[1], a[2])

    if not part then
        return answer
    end

    if redis.call('XLEN', prefix .. 'log') >= part.backlog then
        return {'busy'}
    end

    return operations[a[3]](base, part, prefix, a)
end


-- Reading -------------------------------------------------------------------

-- open: identity, partitions, user, revision that the client has or "", bytes
-- of events at the most.
--
-- ok, generation, role, last read, sequence, revision, reset (1 or 0), then
-- as events_add() tells.

local function open(keys, a)
    local base = keys[2]
    local l, answer = look(keys[1], base, a[1], a[2], a[3])
    local after, meta

    if not l then
        return answer
    end

    meta = l.meta
    answer = {'ok', l.part.generation, l.role, l.read, meta.seq, meta.rev, 0}

    if a[4] == '' then
        answer[8], answer[9] = 1, meta.rev
        return answer
    end

    after = tonumber(a[4])

    if not revision_good(l.part.generation, meta, after) then
        answer[7], answer[8], answer[9] = 1, 1, meta.rev
        return answer
    end

    if after < meta.hfrom then
        return {'need', 'range'}
    end

    return events_add(answer, base, meta, after, tonumber(a[5]))
end


-- compare: identity, partitions, bytes of events at the most, then the
-- revisions that sessions of a room have got.
--
-- ok, generation, sequence, revision, then 1 (good) or 0 for each revision
-- given; then, for the lowest good one, as events_add() tells.  If hot does
-- not reach back so far: need, range, the lowest good one, revision, then 1
-- or 0 for each.

local function compare(keys, a)
    local base = keys[2]
    local part, answer = part_open(keys[1], a[1], a[2])
    local meta, lowest

    if not part then
        return answer
    end

    meta, answer = meta_get(base)
    if not meta then
        return answer
    end

    answer = {'ok', part.generation, meta.seq, meta.rev}

    for i = 4, #a do
        local revision = tonumber(a[i])
        local good = revision_good(part.generation, meta, revision)

        answer[#answer + 1] = good and 1 or 0

        if good and (not lowest or revision < lowest) then
            lowest = revision
        end
    end

    if lowest and lowest < meta.hfrom then
        answer[1], answer[2], answer[3] = 'need', 'range', lowest
        return answer
    end

    return events_add(answer, base, meta, lowest or meta.rev, tonumber(a[3]))
end


-- The messages with a sequence from first to last, by sequence, or nil if they
-- lie further back than one call should walk: while a backlog lasts hot is as
-- long as it.

local function history_find(base, first, last)
    local found, seq, to = {}, nil, '+'
    local step = math.min(last - first + 2, TRIM)

    for _ = 1, WALK, step do
        local entries = redis.call('XREVRANGE', base .. ':hot', to, '-',
                                   'COUNT', step)

        for _, entry in ipairs(entries) do
            seq = tonumber(entry[2][4])

            if seq > 0 and seq < first then
                return found
            end

            if seq > 0 and seq <= last then
                found[seq] = entry[2][2]
            end
        end

        if #entries < step then
            return found
        end

        to = '(' .. entries[#entries][1]
    end

    return nil
end


-- history: identity, partitions, user, "before" or "after", sequence (of
-- before: "" is the end), messages at the most, bytes at the most.
--
-- ok, complete (1 if there is nothing beyond in that direction), then
-- sequence and event in turn, the lowest sequence first.

local function history(keys, a)
    local base = keys[2]
    local l, answer = look(keys[1], base, a[1], a[2], a[3])
    local before, limit = a[4] == 'before', tonumber(a[6])
    local left, seq = tonumber(a[7]), nil
    local present, first, last, found

    if not l then
        return answer
    end

    present = l.meta.seq

    if before then
        last = a[5] == '' and present or math.min(tonumber(a[5]) - 1, present)
        first = math.max(last - limit + 1, 1)
    else
        first = tonumber(a[5]) + 1
        last = math.min(first + limit - 1, present)
    end

    if first > last then
        return {'ok', 1}
    end

    found = first > l.meta.hseq and history_find(base, first, last)

    if not found then
        return {'need', 'range'}
    end

    -- as many as fit, from the end that was asked for; at least one

    seq = before and last or first

    while seq >= first and seq <= last do
        left = left - #found[seq]

        if left < 0 and seq ~= (before and last or first) then
            break
        end

        seq = seq + (before and -1 or 1)
    end

    if before then
        first = seq + 1
        answer = {'ok', first == 1 and 1 or 0}
    else
        last = seq - 1
        answer = {'ok', last == present and 1 or 0}
    end

    for i = first, last do
        answer[#answer + 1] = i
        answer[#answer + 1] = found[i]
    end

    return answer
end


-- What a holder calls -------------------------------------------------------

-- hold: fence.  Takes a partition over, or looks at it again.
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
                   'stored')
    last = ''

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
-- empty log that goes on from there.

local function rewind(keys, a)
    local prefix = keys[1]
    local answer = fence_pass(prefix, a[1])

    if answer then
        return answer
    end

    if redis.call('HGET', prefix .. 'part', 'identity') == a[2] then
        return {'refused', 'the partition is open'}
    end

    redis.call('DEL', prefix .. 'log', prefix .. 'need')
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


-- load: fence, identity, generation, node, "1" if there is one; then type,
-- key, sequence, revision, gens, name, creator, time, floor, ahead; then user
-- and "<role> <read> <delivered>" in turn.
--
-- What is there meanwhile stays.  The node is told either way.

local function load(keys, a)
    local prefix, base, node = keys[1], keys[2], a[4]
    local meta = base .. ':meta'
    local answer = fence_pass(prefix, a[1], a[2], a[3])
    local v

    if answer then
        return answer
    end

    v = redis.call('HMGET', meta, 'type', 'none')

    if not v[1] and a[5] ~= '1' then
        redis.call('HSET', meta, 'none', '1')
        redis.call('PEXPIRE', meta, NONE_MS)

    elseif not v[1] then
        redis.call('DEL', meta, base .. ':members', base .. ':hot',
                   base .. ':ids')
        redis.call('HSET', meta, 'type', a[6], 'key', a[7], 'seq', a[8],
                   'rev', a[9], 'gens', a[10], 'name', a[11], 'by', a[12],
                   'at', a[13], 'floor', a[14], 'ahead', a[15], 'hfrom', a[9],
                   'hseq', a[8], 'hbytes', '0')

        for i = 16, #a, 200 do          -- Lua's stack is small
            redis.call('HSET', base .. ':members',
                       unpack(a, i, math.min(i + 199, #a)))
        end
    end

    redis.call('PUBLISH', 'chat:node:' .. node,
               'loaded ' .. string.sub(base, #prefix + 3))

    return {'ok'}
end


-- fact: fence, identity, generation, node, user, client id; then either
-- revision, sequence, message id, time and the id's time or "-", or nothing:
-- there is no such message.

local function fact(keys, a)
    local prefix, base, node = keys[1], keys[2], a[4]
    local answer = fence_pass(prefix, a[1], a[2], a[3])
    local field = 'c' .. a[5] .. '/' .. a[6]
    local value

    if answer then
        return answer
    end

    value = redis.call('HGET', base .. ':ids', field)

    if redis.call('HEXISTS', base .. ':meta', 'type') == 1
        and (not value or string.sub(value, 1, 1) == '-')
    then
        if a[7] then
            value = a[7] .. ' ' .. a[8] .. ' ' .. a[9] .. ' ' .. a[10]
                    .. ' 0-0 ' .. a[11]
        else
            value = '-' .. num(now_ms() + NONE_MS)
        end

        local stored = redis.call('HGET', prefix .. 'part', 'stored')
        local tail = redis.call('HGET', base .. ':meta', 'itail')

        ids_add(base, { stored = stored }, tonumber(tail or 0), field, value)
    end

    redis.call('PUBLISH', 'chat:node:' .. node,
               'loaded ' .. string.sub(base, #prefix + 3))

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


-- What frees memory, or says that it may be freed, must go on when Redis has
-- none left (allow-oom).

local function register(name, callback, ...)
    redis.register_function{
        function_name = 'chat_v1_' .. name,
        callback = callback,
        flags = { ... }
    }
end


register('append', append)
register('open', open, 'no-writes')
register('compare', compare, 'no-writes')
register('history', history, 'no-writes')
register('hold', hold, 'allow-oom')
register('drop', drop, 'allow-oom')
register('rewind', rewind, 'allow-oom')
register('reopen', reopen, 'allow-oom')
register('stored', stored, 'allow-oom')
register('load', load)
register('fact', fact)
register('answer', answer_node, 'allow-oom')
