-- Marks, and who is in a conversation.

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
