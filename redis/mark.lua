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
    local member, seq, read

    if not l then
        return answer
    end

    if l.user == '' then
        return failure('bad_request', 'a mark needs a user')
    end

    member = l.viewer
    read = member.read
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
        redis.call('PUBLISH', l.base, '0 0 r ' .. a[7] .. '"sequenceNumber":'
                   .. num(seq) .. '}}')

        if member.read > read then
            unread_tell(l, member)
        end
    end

    return {'ok'}
end


-- The list of members ------------------------------------------------------

-- In the order of their ids behind one of them; the cursor names the last.

local function members_sorted(key, behind, limit, all)
    local v, users, state, count = redis.call('HGETALL', key), {}, {}, 0
    local answer

    for i = 1, #v, 2 do
        local blocked = string.sub(v[i + 1], 1, 8) == 'blocked '

        count = count + (blocked and 0 or 1)

        if v[i] > behind and (all or not blocked) then
            users[#users + 1] = v[i]
            state[v[i]] = v[i + 1]
        end
    end

    table.sort(users)
    limit = math.min(limit, #users)
    answer = {'ok', limit < #users and 'u' .. users[limit] or '0', count}

    for i = 1, limit do
        answer[#answer + 1] = users[i]
        answer[#answer + 1] = state[users[i]]
    end

    return answer
end


-- In no order; one may come twice if others come and go meanwhile.

local function members_scanned(key, cursor, limit, all)
    local page = redis.call('HSCAN', key, cursor, 'COUNT', limit)
    local found = page[2]
    local answer = {'ok', page[1], redis.call('HLEN', key)}

    for i = 1, #found, 2 do
        if all or string.sub(found[i + 1], 1, 8) ~= 'blocked ' then
            answer[#answer + 1] = found[i]
            answer[#answer + 1] = found[i + 1]
        end
    end

    return answer
end


-- members: identity, partitions, user, cursor ("0": from the start), limit;
-- where there are many, about so many come.
--
-- ok, next cursor ("0": the end), number of members, then user and what is
-- kept of each in turn.  Who is blocked is told to those who may end that.

local function members(keys, a)
    local l, answer = look(keys[1], keys[2], a[1], a[2], a[3])
    local key, cursor, limit = keys[2] .. ':members', a[4], tonumber(a[5])
    local scans, all

    if not l then
        return answer
    end

    all = RANK[l.role] >= RANK.moderator
    scans = string.match(cursor, '^[1-9]')

    if not scans and redis.call('HLEN', key) <= SORTED_MAX then
        return members_sorted(key, string.sub(cursor, 2), limit, all)
    end

    return members_scanned(key, scans and cursor or '0', limit, all)
end
