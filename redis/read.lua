-- What nodes read: where a client stands, what it missed, history.

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
