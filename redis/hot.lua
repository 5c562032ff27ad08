-- The hot history: the last events of a conversation.

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


-- Events above a revision, as far as they fit, one at least unless there is no
-- room at all: what follows in an answer is complete (1 or 0), how far they
-- reach, then revision, what and event in turn.

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

            if bytes + #event > max_bytes
                and (bytes > 0 or max_bytes == 0)
            then
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


-- The content of a message and its reactions leave hot: it was deleted.
-- However long hot is while a backlog lasts, all of it is looked through.

local function hot_erase(base, meta, id)
    local gone = {}

    hot_walk(base, math.huge, 4 * TRIM, function(entry, event, kind, _, more)
        local concerns = kind == 'r' and string.match(more, '^. (%S+)') == id
                         or (kind == 'c' or kind == 'u')
                         and string.sub(event, MESSAGE_ID + 1,
                                        MESSAGE_ID + #id) == id

        if concerns then
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
