-- The partition, the conversation and its members, as every function finds
-- them.

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
                         'stored', 'partitions', 'backlog', 'unread')

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
        backlog = tonumber(v[5]),
        unread = tonumber(v[6] or 0)
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
-- and what is left of it.  What version 0.1 left in Redis has no hn: it is
-- loaded again, once all of it is stored.

local function meta_get(base)
    local v = redis.call('HMGET', base .. ':meta', 'type', 'seq', 'rev', 'key',
                         'gens', 'hfrom', 'hseq', 'hbytes', 'hn', 'ihead',
                         'itail', 'ro', 'slow', 'owners', 'last', 'none',
                         'gone', 'floor', 'ahead')
    local meta

    if v[16] then
        return nil, {'not_found'}
    end

    if not v[9] then
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
