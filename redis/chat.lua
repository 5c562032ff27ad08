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
--   <prefix>marks       hash: "<tenant>/<id> <user>" -> "<read> <delivered>",
--                       marks that wait to be stored
--   <base>              channel: "<revision> <sequence> <what> <event>"
--   <base>:meta         hash, see below
--   <base>:members      hash: user -> "<role> <read> <delivered>", followed by
--                       " <ms>" of the last message where slow mode is on
--   <base>:hot          stream keyed <revision>-0: e the event as clients get
--                       it, h its head, see below
--   <base>:ids          hash of what was asked lately about
--                       client ids, "c<user>/<client id>" -> "<revision>
--                         <sequence> <message id> <time> <place in log> <id's
--                         time or ->", or "-<ms>": known not to exist until
--                         then;
--                       messages, "m<message id>" -> a fact, see fact_read(),
--                         or "-<ms>" likewise;
--                       reactions of those messages, "r<message id> <n>" ->
--                         "<user> <emoji>" and "s<message id> <user> <emoji>"
--                         -> n;
--                       "#<n>": the first two in the order of arrival
--
-- What tells a node what to do with an event besides handing it out: "." no
-- more than that; "-<user>" that user is out; "!" the conversation is deleted.
--
-- Fields of meta: type, key (the conversation's key in PostgreSQL), seq, rev,
-- gens ("gen:rev,gen:rev,": last surviving revision of past generations),
-- name, desc, by, at (creator, ms), ro ("1": read-only), slow (seconds), owners
-- (how many), last (place in the log of the last change), hfrom and hseq (hot
-- holds every event above this revision and every message above this
-- sequence), hn and hbytes (entries and bytes of events in hot), ihead and
-- itail (order of ids), floor and ahead (see duplicate()).  gone: it is
-- deleted.  A meta with the field none alone, which expires, says that there
-- is no such conversation.
--
-- The head of an event in hot: "<kind> <place in log> <sequence>[ <more>]",
-- the sequence being that of the message concerned or 0.  Kinds:
--   c  message.created      more: lengths of pre, content and post
--   u  message.updated      the same
--   d  message.deleted
--   r  a reaction           more: "+" or "-", message id, user, emoji
--   -  somebody is out      more: user
--   !  conversation.deleted
--   .  all else
--
-- A revision is generation * 2^32 + n; numbers stay below 2^53, so Lua's
-- doubles hold them exactly.  num() prints them: tostring() would give 1e+14.
-- Functions have no rollback: no check after the first write.
-- cjson never touches an event: it rounds numbers.
--
-- Every function answers with an array whose first element is one of
--
--   ok          done; what follows is told at each function
--   need        Redis lacks what a check needs; the second element says what:
--               "conversation", "client id", "message" (the third is its id),
--               "range".  Nothing was changed.
--   error       refused: code as clients get it, message, perhaps seconds
--               after which it may be tried again.  Nothing was changed.
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
local IDS_MAX = 1024                    -- ids and facts per conversation
local NONE_MS = 10000                   -- "there is none" is believed so long
local GONE_MS = 60000                   -- a deleted conversation is told
local AHEAD_MS = 300000                 -- an id's time may be so far ahead
local RECEIPTS_MAX = 100                -- members, where receipts are told
local MESSAGE_DATA = #'{"type":"message.created","data":'
local MESSAGE_ID = MESSAGE_DATA + #'{"id":"'


-- Who may do what -----------------------------------------------------------
--
-- docs/roles.md is this table for people.  A role has a rank:

local RANK = {
    operator = 5,                       -- chatctl
    owner = 4,
    admin = 3,
    moderator = 2,
    member = 1,
    [''] = 0,                           -- reads a channel, is no member
    blocked = -1                        -- to whom the conversation is none
}

-- and a request needs one at least: least; in a conversation that is
-- read-only; where it concerns another's message; in a dm.  What is not given
-- asks for no more than least.  Members have rules of their own besides, see
-- member_may().

local REQUESTS = {
    ['message.send']        = { least = 0, read_only = 2 },
    ['message.edit']        = { least = 0, read_only = 2, others = 5 },
    ['message.delete']      = { least = 0, others = 2 },
    ['reaction.add']        = { least = 0 },
    ['reaction.remove']     = { least = 0 },
    ['conversation.update'] = { least = 3, dm = 5 },
    ['conversation.delete'] = { least = 4, dm = 5 },
    ['member.add']          = { least = 0, dm = 5 },
    ['member.update']       = { least = 0 },
    ['member.remove']       = { least = 0, dm = 5 }
}

local SLOW_MODE = 1                     -- holds up to this rank


local function failure(code, message, retry)
    return {'error', code, message, retry}
end


-- nil, or why this role may not

local function forbidden(request, meta, role)
    local needs, rank = REQUESTS[request], RANK[role]

    if rank < needs.least then
        return failure('forbidden', 'your role does not allow this')
    end

    if meta.type == 'dm' and needs.dm and rank < needs.dm then
        return failure('forbidden', 'not in a dm')
    end

    if meta.read_only and needs.read_only and rank < needs.read_only then
        return failure('forbidden', 'the conversation is read-only')
    end

    return nil
end


local function forbidden_author(request, role, user, author)
    local needs = REQUESTS[request]

    if user ~= author and RANK[role] < (needs.others or 0) then
        return failure('forbidden', 'the message is of another user')
    end

    return nil
end


-- Whether the actor may make the target, who has the role old ('' none), one
-- with the role new; nil, or why not.
--
-- In a dm each may block the other and end that.  Elsewhere one may leave and
-- lower oneself, join a channel, and otherwise, as a moderator or above, do
-- what neither takes from nor gives to one's own rank; an owner may that too.

local function member_may(request, meta, actor, target, role, old, new)
    local no = failure('forbidden', 'your role does not allow this')
    local rank = RANK[role]

    if role == 'operator' then
        return nil
    end

    if meta.type == 'dm' then
        local other = target ~= actor and RANK[old] ~= 0
        local block = new == 'blocked' or new == 'member'

        return not (other and block) and failure('forbidden', 'not in a dm')
               or nil
    end

    if target == actor then
        if request == 'member.remove' then
            return nil
        end

        if request == 'member.add' and meta.type == 'channel'
            and new == 'member'
        then
            return nil
        end

        if request == 'member.update' then
            local lowers = new ~= 'blocked' and RANK[new] <= rank and rank > 0
            return not lowers and no or nil
        end
    end

    if rank < RANK.moderator then
        return no
    end

    if role ~= 'owner' and (RANK[old] >= rank or RANK[new] >= rank) then
        return no
    end

    return nil
end


-- Small things --------------------------------------------------------------

local function num(n)
    return string.format('%d', n)       -- of 64 bits in Redis' Lua
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


-- what of arguments is empty is none

local function given(s)
    return s ~= nil and s ~= '' and s or nil
end


-- "<tenant>/<id>"

local function name_of(prefix, base)
    return string.sub(base, #prefix + 3)
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
        prefix = prefix,
        generation = tonumber(v[2]),
        stored = v[3],
        backlog = tonumber(v[5])
    }
end


local function part_busy(part)
    return redis.call('XLEN', part.prefix .. 'log') >= part.backlog
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


-- The conversation, or nil and the answer; if it is deleted, nil, the answer,
-- and what is left of it.

local function meta_get(base)
    local v = redis.call('HMGET', base .. ':meta', 'type', 'seq', 'rev', 'key',
                         'gens', 'hfrom', 'hseq', 'hbytes', 'hn', 'ihead',
                         'itail', 'ro', 'slow', 'owners', 'last', 'none',
                         'gone', 'floor', 'ahead')
    local meta

    if v[16] then
        return nil, {'not_found'}
    end

    if not v[1] then
        return nil, {'need', 'conversation'}
    end

    meta = {
        type = v[1],
        seq = tonumber(v[2]),
        rev = tonumber(v[3]),
        key = v[4],
        gens = v[5] or '',
        hfrom = tonumber(v[6]),
        hseq = tonumber(v[7]),
        hbytes = tonumber(v[8]),
        hn = tonumber(v[9]),
        ihead = tonumber(v[10]),
        itail = tonumber(v[11]),
        read_only = v[12] == '1',
        slow = tonumber(v[13]),
        owners = tonumber(v[14]),
        last = v[15],
        floor = tonumber(v[18] or 0),
        ahead = tonumber(v[19] or 0)
    }

    if v[17] then
        return nil, {'not_found'}, meta
    end

    return meta
end


-- Members -------------------------------------------------------------------

-- What is kept of a user: role, last read and delivered sequence, and, with
-- slow mode, the time (ms) of the last message.  nil: no member.

local function member_get(base, user)
    local v = redis.call('HGET', base .. ':members', user)
    local role, read, delivered, sent

    if not v then
        return nil
    end

    role, read, delivered, sent =
        string.match(v, '^(%S+) (%d+) (%d+) ?(%d*)$')

    return {
        role = role,
        read = tonumber(read),
        delivered = tonumber(delivered),
        sent = tonumber(sent)
    }
end


local function member_set(base, user, member)
    redis.call('HSET', base .. ':members', user,
               member.role .. ' ' .. num(member.read) .. ' '
               .. num(member.delivered)
               .. (member.sent and ' ' .. num(member.sent) or ''))
end


-- The same of one who may see the conversation, or nil.  Every user of the
-- tenant may see a channel: role "" if no member.  The operator is nobody.

local function viewer_get(base, meta, user)
    local member

    if user == '' then
        return { role = 'operator', read = 0, delivered = 0 }
    end

    member = member_get(base, user)

    if member then
        return member.role ~= 'blocked' and member or nil
    end

    if meta.type == 'channel' then
        return { role = '', read = 0, delivered = 0 }
    end

    return nil
end


-- Partition open, conversation here, and the user may see it; or nil and the
-- answer.  What most functions begin with.

local function look(prefix, base, identity, partitions, user)
    local part, meta, answer, viewer

    part, answer = part_open(prefix, identity, partitions)
    if not part then
        return nil, answer
    end

    meta, answer = meta_get(base)
    if not meta then
        return nil, answer
    end

    viewer = viewer_get(base, meta, user)
    if not viewer then
        return nil, {'not_found'}
    end

    return {
        part = part, prefix = prefix, base = base, meta = meta, user = user,
        viewer = viewer, role = viewer.role
    }
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


-- Hot events ----------------------------------------------------------------

local function head_read(head)
    local kind, place, seq, more =
        string.match(head, '^(%S) (%S+) (%d+) ?(.*)$')

    return kind, place, tonumber(seq), more
end


-- what a node has to do with an event

local function what_of(head)
    local kind = string.sub(head, 1, 1)

    if kind == '-' then
        return '-' .. string.match(head, '(%S+)$')
    end

    return kind == '!' and '!' or '.'
end


-- Events above a revision, as far as they fit: what follows in an answer is
-- complete (1 or 0), how far they reach, then revision, what and event in
-- turn.

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
            answer[#answer + 1] = what_of(entry[2][4])
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


-- Drops the oldest events, as many as are too many, and a few more so that not
-- every event has to drop one; one that is not stored yet stays, and all after
-- it.

local function hot_trim(base, part, meta)
    local hot = base .. ':hot'
    local entries = redis.call('XRANGE', hot, '-', '+', 'COUNT', 1)
    local last
    local _, oldest = head_read(entries[1][2][4])

    if id_above(oldest, part.stored) then
        return                          -- the usual end while a backlog lasts
    end

    entries = redis.call('XRANGE', hot, '-', '+', 'COUNT', TRIM)

    for _, entry in ipairs(entries) do
        local _, at, seq = head_read(entry[2][4])

        if (meta.hn <= HOT_MAX and meta.hbytes <= HOT_BYTES_LOW)
            or id_above(at, part.stored)
        then
            break
        end

        last = string.match(entry[1], '^%d+')
        meta.hn = meta.hn - 1
        meta.hseq = math.max(meta.hseq, seq)
        meta.hbytes = meta.hbytes - #entry[2][2]
    end

    if last then
        meta.hfrom = tonumber(last)
        redis.call('XTRIM', hot, 'MINID', last .. '-1')
        redis.call('HSET', base .. ':meta', 'hfrom', last, 'hseq',
                   num(meta.hseq))
    end
end


-- Goes through hot from the newest event back, calls f(id, event, kind, seq,
-- more, place) until that returns true.  Returns whether it came to an end:
-- nil if there is more than one call should walk (limit, of entries).

local function hot_walk(base, limit, step, f)
    local to = '+'

    for _ = 1, limit, step do
        local entries = redis.call('XREVRANGE', base .. ':hot', to, '-',
                                   'COUNT', step)

        for _, entry in ipairs(entries) do
            local kind, place, seq, more = head_read(entry[2][4])

            if f(entry[1], entry[2][2], kind, seq, more, place) then
                return true
            end
        end

        if #entries < step then
            return true
        end

        to = '(' .. entries[#entries][1]
    end

    return nil
end


-- The content of a message leaves hot: it was deleted.  However long hot is
-- while a backlog lasts, all of it is looked through.

local function hot_erase(base, meta, id)
    local gone = {}

    hot_walk(base, math.huge, 4 * TRIM, function(entry, event, kind)
        if (kind == 'c' or kind == 'u')
            and string.sub(event, MESSAGE_ID + 1, MESSAGE_ID + #id) == id
        then
            gone[#gone + 1] = entry
            meta.hbytes = meta.hbytes - #event
            meta.hn = meta.hn - 1
        end

        return kind == 'c' and #gone > 0 and gone[#gone] == entry
    end)

    for _, entry in ipairs(gone) do
        redis.call('XDEL', base .. ':hot', entry)
    end
end


-- What was asked lately ----------------------------------------------------

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
-- change, number of reactions, and what stands before and after the content in
-- its events.

local function fact_text(fact)
    return num(fact.seq) .. ' ' .. fact.author .. ' '
           .. (fact.live and 'l' or 'd') .. ' ' .. fact.at .. ' '
           .. num(fact.n) .. ' ' .. num(#fact.pre) .. ' ' .. fact.pre
           .. fact.post
end


local function fact_read(text)
    local seq, author, live, at, n, length, from =
        string.match(text, '^(%d+) (%S+) (%a) (%S+) (%d+) (%d+) ()')

    length = tonumber(length)

    return {
        seq = tonumber(seq),
        author = author,
        live = live == 'l',
        at = at,
        n = tonumber(n),
        pre = string.sub(text, from, from + length - 1),
        post = string.sub(text, from + length)
    }
end


local function reaction_field(id, user, emoji)
    return 's' .. id .. ' ' .. user .. ' ' .. emoji
end


local function reaction_add(ids, id, fact, user, emoji)
    fact.n = fact.n + 1
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
                local at, time = string.match(value, '(%S+) (%S+)$')

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
                     author = '-', pre = '', post = '' }
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

    return num(meta.rev)
end


local function log_add(l, kind, ...)
    return redis.call('XADD', l.prefix .. 'log', '*', 'k', kind, 'c',
                      name_of(l.prefix, l.base), 'v', l.meta.key, 'r',
                      num(l.meta.rev), 'u', l.user, 't', l.time, ...)
end


-- The end of every change: the event into hot, the counters, the publish.
-- head is what follows kind and place there.  The answer.

local function change_end(l, event, kind, at, seq, more)
    local base, meta = l.base, l.meta
    local rev = num(meta.rev)
    local head = kind .. ' ' .. at .. ' ' .. num(seq)

    if more then
        head = head .. ' ' .. more
    end

    redis.call('XADD', base .. ':hot', rev .. '-0', 'e', event, 'h', head)

    meta.hn = meta.hn + 1
    meta.hbytes = meta.hbytes + #event

    if meta.hbytes > HOT_BYTES or meta.hn >= HOT_MAX + TRIM then
        hot_trim(base, l.part, meta)
    end

    redis.call('HSET', base .. ':meta', 'rev', rev, 'seq', num(meta.seq),
               'hn', num(meta.hn), 'hbytes', num(meta.hbytes), 'ihead',
               num(meta.ihead), 'last', at)
    redis.call('PUBLISH', base, rev .. ' ' .. num(seq) .. ' '
               .. what_of(head) .. ' ' .. event)

    return {'ok', meta.rev, seq > 0 and seq or meta.seq, at,
            l.part.generation}
end


-- The answer of what changes nothing: the state that it found may have to be
-- stored yet.

local function unchanged(l, seq)
    local at = l.meta.last

    if not at or at == '' or not id_above(at, l.part.stored) then
        at = ''
    end

    return {'ok', l.meta.rev, seq or l.meta.seq, at, l.part.generation}
end


local function position(seq, rev)
    return '"sequenceNumber":' .. num(seq) .. ',"revision":' .. rev .. '}}'
end


-- The user has got as far as this: merged by maximum; true if that moved
-- anything.  Reading is being delivered, too.

local function marks_raise(member, kind, seq)
    local read, delivered = member.read, member.delivered

    if kind == 'read' then
        member.read = math.max(read, seq)
    end

    member.delivered = math.max(delivered, seq)

    return member.read > read or member.delivered > delivered
end


local function marks_wait(l, member)
    redis.call('HSET', l.prefix .. 'marks',
               name_of(l.prefix, l.base) .. ' ' .. l.user,
               num(member.read) .. ' ' .. num(member.delivered))
end


-- Messages ------------------------------------------------------------------

-- The seconds that the user has to wait before the next message, or nil.

local function slow_wait(l)
    local sent, left = l.viewer.sent, nil

    if l.meta.slow == 0 or RANK[l.role] > SLOW_MODE then
        return nil
    end

    l.now = now_ms()
    left = sent and sent + l.meta.slow * 1000 - l.now or 0

    return left > 0 and math.ceil(left / 1000) or nil
end


-- The first answer to a client id that is known; if it must be looked up, the
-- answer that says so.

local function message_again(l, client_id, id_time)
    local known, rev, seq, id, time, at

    if client_id == '' then
        return nil
    end

    known = duplicate(l.base, l.meta, l.user, client_id, id_time)

    if known == 'new' then
        return nil
    end

    if known == 'need' then
        return {'need', 'client id'}
    end

    rev, seq, id, time, at =
        string.match(known, '^(%d+) (%d+) (%S+) (%d+) (%S+)')

    if not id_above(at, l.part.stored) then
        at = ''
    end

    return {'ok', tonumber(rev), tonumber(seq), at, l.part.generation, id,
            tonumber(time)}
end


-- nil, or why the message may not be sent

local function message_refused(l, reply_to)
    local answer = forbidden('message.send', l.meta, l.role)
    local fact, wait

    if answer then
        return answer
    end

    if reply_to then
        fact, answer = fact_get(l, reply_to)

        if not fact and answer[1] == 'need' then
            return answer
        end

        if not fact or not fact.live then
            return failure('not_found', 'replyTo: no such message')
        end
    end

    wait = slow_wait(l)

    if wait then
        return failure('rate_limited', 'slow mode is on', wait)
    end

    return nil
end


-- the log entry; p, m and f only where they are given

local function message_log(l, seq, id, client_id, content, extra)
    local more = {}

    for _, field in ipairs({'p', 'm', 'f'}) do
        if extra[field] then
            more[#more + 1] = field
            more[#more + 1] = extra[field]
        end
    end

    return log_add(l, 'message', 'q', num(seq), 'i', id, 'x', client_id, 'b',
                   content, 'j', l.role == '' and '1' or '0', unpack(more))
end


-- message.send: client id or "", its time in ms or "", message id, pre (of the
-- event's data, up to the content), content, post (after it), id of the message
-- that it replies to or "", "user,user" who are mentioned or "", attachments or
-- "".
--
-- ok, revision, sequence, place in the log ("" if that is stored), generation;
-- of a duplicate these of the first one, its id and its time (ms).

local function message_send(l, a)
    local client_id, id_time, id = a[6], a[7], a[8]
    local pre, content, post = a[9], a[10], a[11]
    local meta, member = l.meta, l.viewer
    local answer, rev, seq, at

    if l.user == '' then
        return failure('bad_request', 'a message needs a sender')
    end

    answer = message_again(l, client_id, id_time)
             or message_refused(l, given(a[12]))

    if answer then
        return answer
    end

    rev = revision_next(l.base, l.part, meta)
    seq = meta.seq + 1
    meta.seq = seq

    at = message_log(l, seq, id, client_id, content,
                     { p = given(a[12]), m = given(a[13]), f = given(a[14]) })

    if l.role == '' then
        member.role = 'member'
    end

    member.read, member.delivered = seq, seq
    member.sent = l.now                 -- nil unless slow mode is on
    member_set(l.base, l.user, member)
    marks_wait(l, member)

    if client_id ~= '' then
        ids_add(l.base, l.part, meta, 'c' .. l.user .. '/' .. client_id,
                rev .. ' ' .. num(seq) .. ' ' .. id .. ' ' .. l.time .. ' '
                .. at .. ' ' .. (id_time == '' and '-' or id_time))
    end

    return change_end(l, '{"type":"message.created","data":' .. pre .. content
                      .. post .. position(seq, rev), 'c', at, seq,
                      #pre .. ' ' .. #content .. ' ' .. #post .. ' '
                      .. l.user)
end


-- message.edit: message id, content, "editedAt" and its comma.

local function message_edit(l, a)
    local id, content = a[6], a[7]
    local fact, answer, rev, at

    fact, answer = fact_get(l, id)

    if not fact then
        return answer
    end

    if not fact.live then
        return failure('not_found', 'no such message')
    end

    answer = forbidden_author('message.edit', l.role, l.user, fact.author)
    if answer then
        return answer
    end

    rev = revision_next(l.base, l.part, l.meta)
    at = log_add(l, 'edit', 'i', id, 'q', num(fact.seq), 'b', content)

    fact.at = at
    fact_set(l.base, id, fact)

    return change_end(l, '{"type":"message.updated","data":' .. fact.pre
                      .. content .. fact.post .. a[8]
                      .. position(fact.seq, rev), 'u', at, fact.seq,
                      #fact.pre .. ' ' .. #content .. ' ' .. #fact.post .. ' '
                      .. fact.author)
end


-- message.delete: message id, head of the event.  What is deleted already may
-- be deleted again: nothing happens.

local function message_delete(l, a)
    local id = a[6]
    local fact, answer, rev, at

    fact, answer = fact_get(l, id)

    if not fact then
        return answer
    end

    if not fact.live then
        return unchanged(l, fact.seq)
    end

    answer = forbidden_author('message.delete', l.role, l.user, fact.author)
    if answer then
        return answer
    end

    rev = revision_next(l.base, l.part, l.meta)
    at = log_add(l, 'delete', 'i', id, 'q', num(fact.seq))

    hot_erase(l.base, l.meta, id)
    reactions_forget(l.base .. ':ids', id, fact)
    fact.at, fact.live, fact.pre, fact.post = at, false, '', ''
    fact_set(l.base, id, fact)

    return change_end(l, a[7] .. position(fact.seq, rev), 'd', at, fact.seq)
end


-- reaction.add: message id, emoji, head of the event, reactions at the most.
-- reaction.remove: the first three.  Once per user and emoji; what is so
-- already stays so.

local function reaction_change(l, a, adds)
    local id, emoji, ids = a[6], a[7], l.base .. ':ids'
    local fact, answer, has, rev, at

    if l.user == '' then
        return failure('bad_request', 'a reaction needs a user')
    end

    fact, answer = fact_get(l, id)

    if not fact then
        return answer
    end

    if not fact.live then
        return failure('not_found', 'no such message')
    end

    has = redis.call('HEXISTS', ids, reaction_field(id, l.user, emoji)) == 1

    if has == adds then
        return unchanged(l, fact.seq)
    end

    if adds and fact.n >= tonumber(a[9]) then
        return failure('too_large', 'the message has too many reactions')
    end

    rev = revision_next(l.base, l.part, l.meta)
    at = log_add(l, adds and 'react' or 'unreact', 'i', id, 'q',
                 num(fact.seq), 'y', emoji)

    if adds then
        reaction_add(ids, id, fact, l.user, emoji)
    else
        reaction_remove(ids, id, fact, l.user, emoji)
    end

    fact.at = at
    fact_set(l.base, id, fact)

    return change_end(l, a[8] .. '"revision":' .. rev .. '}}', 'r', at,
                      fact.seq, (adds and '+ ' or '- ') .. id .. ' ' .. l.user
                      .. ' ' .. emoji)
end


-- Conversations -------------------------------------------------------------

-- What a creation finds: nil if it may go on, with what is left of a deleted
-- one of that id; or the answer.

local function create_found(base, user, fresh)
    local meta, answer, left = meta_get(base)
    local viewer, v

    if meta then
        viewer = viewer_get(base, meta, user)

        if not viewer then
            return {'not_found'}
        end

        v = redis.call('HMGET', base .. ':meta', 'name', 'by', 'at')

        return {'exists', meta.type, viewer.role, meta.rev, meta.seq, v[1],
                v[2], tonumber(v[3])}
    end

    if answer[1] == 'need' and not fresh then
        return answer
    end

    return nil, left
end


-- conversation.create: type, name, key, "1" if the id was made just now and
-- cannot exist, head of the event, then user and role in turn.
--
-- As message.send; or "exists", type, role of the user or "", revision,
-- sequence, name, creator, time in ms.  Who may not see it gets not_found: the
-- caller decides what that means.

local function conversation_create(l, a)
    local base, kind, name, key = l.base, a[6], a[7], a[8]
    local answer, left = create_found(base, l.user, a[9] == '1')
    local members, meta, rev, at = {}, nil, nil, nil

    if answer then
        return answer
    end

    redis.call('DEL', base .. ':meta', base .. ':members', base .. ':hot',
               base .. ':ids')

    meta = { seq = 0, rev = 0, key = key, gens = '', hfrom = 0, hbytes = 0,
             hn = 0, ihead = 0, owners = 0 }

    if left then
        meta.rev, meta.gens, meta.hfrom = left.rev, left.gens, left.rev
        redis.call('HSET', base .. ':meta', 'gens', left.gens)
    end

    l.meta = meta
    rev = revision_next(base, l.part, meta)

    for i = 11, #a, 2 do
        redis.call('HSET', base .. ':members', a[i], a[i + 1] .. ' 0 0')
        members[#members + 1] = a[i] .. ' ' .. a[i + 1]
        meta.owners = meta.owners + (a[i + 1] == 'owner' and 1 or 0)
    end

    redis.call('HSET', base .. ':meta', 'type', kind, 'key', key, 'name', name,
               'desc', '', 'by', l.user, 'at', l.time, 'ro', '0', 'slow', '0',
               'hfrom', num(meta.hfrom), 'hseq', '0', 'itail', '0', 'owners',
               num(meta.owners))

    at = log_add(l, 'create', 'y', kind, 'n', name, 'm',
                 table.concat(members, ','))

    return change_end(l, a[10] .. position(0, rev), '.', at, 0)
end


-- conversation.update: head of the event, then name and value in turn.

local SETTINGS = {
    name = 'name', description = 'desc', readOnly = 'ro', slowMode = 'slow'
}

local function conversation_update(l, a)
    local key = l.base .. ':meta'
    local v = redis.call('HMGET', key, 'name', 'desc', 'ro', 'slow')
    local now = { name = v[1], desc = v[2], ro = v[3], slow = v[4] }
    local changed, rev, at = false, nil, nil

    for i = 7, #a, 2 do
        local field = SETTINGS[a[i]]

        changed = changed or now[field] ~= a[i + 1]
        now[field] = a[i + 1]
    end

    if not changed then
        return unchanged(l)
    end

    rev = revision_next(l.base, l.part, l.meta)
    at = log_add(l, 'update', 'n', now.name, 'd', now.desc, 'o', now.ro, 'w',
                 now.slow)

    redis.call('HSET', key, 'name', now.name, 'desc', now.desc, 'ro', now.ro,
               'slow', now.slow)

    return change_end(l, a[6] .. '"revision":' .. rev .. '}}', '.', at, 0)
end


-- conversation.delete: head of the event.  What is left tells nodes that missed
-- it, and an id made again where to go on counting.

local function conversation_delete(l, a)
    local base, meta = l.base, l.meta
    local before = meta.rev
    local rev, at, answer

    rev = revision_next(base, l.part, meta)
    at = log_add(l, 'close')

    redis.call('DEL', base .. ':members', base .. ':hot', base .. ':ids')
    meta.hbytes, meta.hn, meta.ihead = 0, 0, 0

    redis.call('HSET', base .. ':meta', 'gone', '1', 'name', '', 'desc', '',
               'hfrom', num(before), 'hseq', num(meta.seq))
    answer = change_end(l, a[6] .. '"revision":' .. rev .. '}}', '!', at, 0)

    redis.call('PEXPIRE', base .. ':meta', GONE_MS)
    redis.call('PEXPIRE', base .. ':hot', GONE_MS)

    return answer
end


-- Changing members ----------------------------------------------------------

-- nil if the change may be made; else the answer, which is ok if there is
-- nothing to change.  old and new are roles; old nil: no member.

local function member_refused(l, request, target, old, new, max)
    local meta = l.meta
    local answer = member_may(request, meta, l.user, target, l.role,
                              old or '', new)

    if answer then
        return answer
    end

    if request == 'member.add' then

        if old and old ~= new then
            return failure('conflict', 'the user is already ' .. old)
        end

    elseif not old and not (new == 'blocked' and meta.type == 'channel') then
        return failure('not_found', 'no such member')
    end

    if old == new then
        return unchanged(l)
    end

    if old == 'owner' and meta.owners == 1 then
        return failure('conflict', 'the last owner')
    end

    if not old and meta.type == 'group'
        and redis.call('HLEN', l.base .. ':members') >= tonumber(max)
    then
        return failure('too_large', 'the conversation has too many members')
    end

    return nil
end


-- new: '' if the target is out

local function member_change(l, request, target, new, head, max)
    local base, meta = l.base, l.meta
    local member = member_get(base, target)
    local old = member and member.role
    local out = new == '' or new == 'blocked'
    local joins = not out and (not old or old == 'blocked')
    local answer, rev, at, event

    answer = member_refused(l, request, target, old, new, max)
    if answer then
        return answer
    end

    rev = revision_next(base, l.part, meta)
    at = log_add(l, 'member', 'g', target, 'y', new, 'j', joins and '1' or '0',
                 'q', num(meta.seq))

    if new == '' then
        redis.call('HDEL', base .. ':members', target)

    else
        if not member or joins then
            member = { read = meta.seq, delivered = meta.seq }
        end

        member.role = new
        member_set(base, target, member)
    end

    meta.owners = meta.owners + (new == 'owner' and 1 or 0)
                  - (old == 'owner' and 1 or 0)
    redis.call('HSET', base .. ':meta', 'owners', num(meta.owners))

    event = '{"type":"member.' .. (out and 'left' or joins and 'joined'
                                   or 'updated')
            .. '","data":' .. head .. '"role":'
            .. (new == '' and 'null' or '"' .. new .. '"') .. ',"revision":'
            .. rev .. '}}'

    return change_end(l, event, out and '-' or '.', at, 0, out and target)
end


-- member.add, member.update: user, role, head of the event's data, members at
-- the most.  member.remove: user, head.

local function member_add(l, a)
    return member_change(l, 'member.add', a[6], a[7], a[8], a[9])
end


local function member_update(l, a)
    return member_change(l, 'member.update', a[6], a[7], a[8], a[9])
end


local function member_remove(l, a)
    return member_change(l, 'member.remove', a[6], '', a[7], 0)
end


local function reaction_new(l, a)
    return reaction_change(l, a, true)
end


local function reaction_undo(l, a)
    return reaction_change(l, a, false)
end


local OPERATIONS = {
    ['message.send'] = message_send,
    ['message.edit'] = message_edit,
    ['message.delete'] = message_delete,
    ['reaction.add'] = reaction_new,
    ['reaction.remove'] = reaction_undo,
    ['conversation.update'] = conversation_update,
    ['conversation.delete'] = conversation_delete,
    ['member.add'] = member_add,
    ['member.update'] = member_update,
    ['member.remove'] = member_remove
}


-- append: the one door.  ARGV: identity, partitions, operation, user ("" is
-- the operator), time in ms, ...
--
-- A send judges for itself: a message that was sent already has been allowed.

local function append(keys, a)
    local prefix, base, request = keys[1], keys[2], a[3]
    local l, part, answer

    if request == 'conversation.create' then
        part, answer = part_open(prefix, a[1], a[2])
        l = { part = part, prefix = prefix, base = base, user = a[4] }
    else
        l, answer = look(prefix, base, a[1], a[2], a[4])
        part = l and l.part
    end

    if not part then
        return answer
    end

    if part_busy(part) then
        return {'busy'}
    end

    l.time = a[5]

    if request == 'conversation.create' then
        return conversation_create(l, a)
    end

    answer = request ~= 'message.send' and forbidden(request, l.meta, l.role)

    return answer or OPERATIONS[request](l, a)
end


-- Marks ---------------------------------------------------------------------

-- A mark makes who reads a channel a member: that is to be stored, but clients
-- are not told, so it is no revision.

local function mark_join(l)
    l.viewer.role = 'member'

    redis.call('HSET', l.base .. ':meta', 'last',
               log_add(l, 'join', 'g', l.user, 'q', '0'))
end


-- mark: identity, partitions, user, time in ms, "read" or "delivered",
-- sequence, head of the receipt.  A sequence beyond the last is the last.
--
-- ok

local function mark(keys, a)
    local l, answer = look(keys[1], keys[2], a[1], a[2], a[3])
    local member, seq

    if not l then
        return answer
    end

    if l.user == '' then
        return failure('bad_request', 'a mark needs a user')
    end

    member = l.viewer
    seq = math.min(tonumber(a[6]), l.meta.seq)

    if not marks_raise(member, a[5], seq) and l.role ~= '' then
        return {'ok'}
    end

    if l.role == '' then
        if part_busy(l.part) then
            return {'busy'}
        end

        l.time = a[4]
        mark_join(l)
    end

    member_set(l.base, l.user, member)
    marks_wait(l, member)

    if redis.call('HLEN', l.base .. ':members') <= RECEIPTS_MAX then
        redis.call('PUBLISH', l.base, '0 0 . ' .. a[7] .. '"sequenceNumber":'
                   .. num(seq) .. '}}')
    end

    return {'ok'}
end


-- members: identity, partitions, user, cursor ("0": from the start), limit.
--
-- ok, next cursor ("0": the end), number of members, then user and what is
-- kept of each in turn.  Who is blocked is told to those who may end that.

local function members(keys, a)
    local l, answer = look(keys[1], keys[2], a[1], a[2], a[3])
    local page, found

    if not l then
        return answer
    end

    page = redis.call('HSCAN', l.base .. ':members', a[4], 'COUNT', a[5])
    found = page[2]
    answer = {'ok', page[1], redis.call('HLEN', l.base .. ':members')}

    for i = 1, #found, 2 do
        if RANK[l.role] >= RANK.moderator
            or string.sub(found[i + 1], 1, 8) ~= 'blocked '
        then
            answer[#answer + 1] = found[i]
            answer[#answer + 1] = found[i + 1]
        end
    end

    return answer
end


-- Reading -------------------------------------------------------------------

-- open: identity, partitions, user, revision that the client has or "", bytes
-- of events at the most.
--
-- ok, generation, role ("" for who is no member), last read, sequence,
-- revision, reset (1 or 0), then as events_add() tells.

local function open(keys, a)
    local base = keys[2]
    local l, answer = look(keys[1], base, a[1], a[2], a[3])
    local after, meta

    if not l then
        return answer
    end

    meta = l.meta
    answer = {'ok', l.part.generation, l.role, l.viewer.read, meta.seq,
              meta.rev, 0}

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
-- or 0 for each.  A deleted conversation is compared as long as it is known:
-- who missed its end is told.

local function compare(keys, a)
    local base = keys[2]
    local part, answer = part_open(keys[1], a[1], a[2])
    local meta, lowest, left

    if not part then
        return answer
    end

    meta, answer, left = meta_get(base)
    meta = meta or left
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


-- History: what hot tells of the messages from first to last.  Going back, the
-- newest state of each comes first and counts; its reactions are collected and
-- applied the other way round.

local function reactions_text(ops)
    local order, users, place, parts = {}, {}, {}, {}

    for i = #ops, 1, -1 do
        local op = ops[i]

        if op.sign == '+' then
            order[#order + 1] = op
        else
            for k, other in ipairs(order) do
                if other.user == op.user and other.emoji == op.emoji then
                    table.remove(order, k)
                    break
                end
            end
        end
    end

    for _, op in ipairs(order) do
        if not place[op.emoji] then
            parts[#parts + 1] = op.emoji
            place[op.emoji] = #parts
            users[#parts] = {}
        end

        table.insert(users[place[op.emoji]], '"' .. op.user .. '"')
    end

    for i, emoji in ipairs(parts) do
        parts[i] = '{"emoji":"' .. emoji .. '","userIds":['
                   .. table.concat(users[i], ',') .. ']}'
    end

    return #parts > 0 and ',"reactions":[' .. table.concat(parts, ',') .. ']'
           or ''
end


-- The data of each message from first to last by sequence, or nil if they lie
-- further back than one call should walk: while a backlog lasts hot is as long
-- as it.

local function history_find(base, first, last)
    local found, ops = {}, {}
    local step = math.min(last - first + 2, TRIM)

    local ended = hot_walk(base, WALK, step, function(_, event, kind, seq,
                                                      more)
        if kind == 'c' and seq < first then
            return true
        end

        if seq < first or seq > last then
            return false
        end

        if kind == 'r' then
            local sign, user, emoji = string.match(more,
                                                   '^(.) %S+ (%S+) (.+)$')
            ops[seq] = ops[seq] or {}
            table.insert(ops[seq], { sign = sign, user = user, emoji = emoji })

        elseif not found[seq] then
            found[seq] = { string.sub(event, MESSAGE_DATA + 1, -3), kind }
        end

        return false
    end)

    if not ended then
        return nil
    end

    for seq = first, last do
        local f = found[seq]

        if not f then
            return nil
        end

        found[seq] = f[1] .. (ops[seq] and f[2] ~= 'd'
                              and reactions_text(ops[seq]) or '') .. '}'
    end

    return found
end


-- history: identity, partitions, user, "before" or "after", sequence (of
-- before: "" is the end), messages at the most, bytes at the most.
--
-- ok, complete (1 if there is nothing beyond in that direction), then
-- sequence and data of the message in turn, the lowest sequence first.

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

-- hold: fence, backlog.  Takes a partition over, or looks at it again.
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

    redis.call('DEL', prefix .. 'log', prefix .. 'need', prefix .. 'marks')
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

    if redis.call('HEXISTS', meta, 'type') == 1 then
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
-- message.send), then user and emoji of each reaction in turn; or nothing: it
-- is no message of this conversation.

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
              at = '0-0', n = 0, pre = a[10], post = a[11] }

        for i = 12, #a, 2 do
            reaction_add(base .. ':ids', id, f, a[i], a[i + 1])
        end

        value = fact_text(f)
    end

    ids_note(base, part_stored(prefix), meta, 'm' .. id, value)

    return loaded(prefix, base, a[4])
end


-- marks: fence, identity, generation, about how many.  Identity and generation
-- are "" where the partition is not open (any more): what waits is stored
-- before it is opened again.
--
-- ok, then "<tenant>/<id> <user>" and "<read> <delivered>" in turn

local function marks(keys, a)
    local answer = fence_pass(keys[1], a[1], given(a[2]), a[3])
    local found

    if answer then
        return answer
    end

    found = redis.call('HSCAN', keys[1] .. 'marks', '0', 'COUNT', a[4])[2]

    return {'ok', unpack(found, 1, math.min(#found, 2000))}
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
register('mark', mark)
register('members', members, 'no-writes')
register('hold', hold, 'allow-oom')
register('drop', drop, 'allow-oom')
register('rewind', rewind, 'allow-oom')
register('reopen', reopen, 'allow-oom')
register('stored', stored, 'allow-oom')
register('load', load)
register('fact', fact)
register('message_fact', message_fact)
register('marks', marks, 'allow-oom')
register('marked', marked, 'allow-oom')
register('answer', answer_node, 'allow-oom')
