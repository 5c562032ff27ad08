-- What all changes have in common: revision, log, publish.

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


local function marks_field(l, user)
    return l.meta.key .. ' ' .. user
end


local function marks_wait(l, member)
    redis.call('HSET', l.prefix .. 'marks', marks_field(l, l.user),
               num(member.read) .. ' ' .. num(member.delivered))
end
