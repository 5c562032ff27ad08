-- What nodes call.

-- Moves the end of a node's lease.  False: it has ended.

local function lease_renew(part, incarnation, ms)
    if not redis.call('ZSCORE', part.prefix .. 'nodes', incarnation) then
        return false
    end

    redis.call('ZADD', part.prefix .. 'nodes', num(part.now + tonumber(ms)),
               incarnation)

    return true
end


-- report: partitions, incarnation, lease (ms), then user, sessions, active
-- sessions of each; no sessions: none there any more.  Renews the lease.
--
-- ok, then the choice of each in one string, as a capital where there is a
-- text; lost

local function report(keys, a)
    local part, answer = part_read(keys[1], a[1])
    local names, users, joins, parts, choices = {}, nil, {}, {}, {}

    if not part then
        return answer
    end

    if not lease_renew(part, a[2], a[3]) then
        return {'lost'}
    end

    for i = 4, #a, 3 do
        names[#names + 1] = a[i]
    end

    users = users_read(part, names)

    for i, name in ipairs(names) do
        local n, active = a[3 * i + 2], a[3 * i + 3]
        local r = users[name]

        if r or n ~= '0' then
            r = r or record_new(0)
            users[name] = r

            if sessions_change(part, r, a[2], n, active, part.now) then
                local list = n ~= '0' and joins or parts

                list[#list + 1] = name
            end
        end

        choices[i] = r and r.known and (r.text ~= '' and string.upper(r.choice)
                                        or r.choice) or '?'
    end

    call_in_chunks('SADD', part.prefix .. 'at:' .. a[2], joins, CHUNK)
    call_in_chunks('SREM', part.prefix .. 'at:' .. a[2], parts, CHUNK)
    users_write(part, users)

    return {'ok', table.concat(choices)}
end


-- renew: partitions, incarnation, lease (ms), 1 to begin it.
--
-- ok, number of users there, epoch, n, 1 if it has settled; lost

local function renew(keys, a)
    local part, answer = part_read(keys[1], a[1])
    local prefix = keys[1]

    if not part then
        return answer
    end

    if a[4] == '1' then
        if #a[2] > INCARNATION_MAX or not string.find(a[2], INCARNATION) then
            return {'refused', 'malformed incarnation'}
        end

        if redis.call('ZSCORE', prefix .. 'ended', a[2]) then
            return {'lost'}
        end

        redis.call('ZADD', prefix .. 'nodes', 'NX', num(part.now), a[2])
    end

    if not lease_renew(part, a[2], a[3]) then
        return {'lost'}
    end

    return {'ok', redis.call('SCARD', prefix .. 'at:' .. a[2]), part.epoch,
            part.n, part.settles <= part.now and 1 or 0}
end


-- Takes up to so many users from one that has ended; returns how many are left.

local function ended_take(part, incarnation, at, limit)
    local set = part.prefix .. 'at:' .. incarnation
    local names = redis.call('SPOP', set, limit)
    local users = users_read(part, names)
    local left = redis.call('SCARD', set)

    for _, r in pairs(users) do
        sessions_change(part, r, incarnation, '0', '0', at)
    end

    users_write(part, users)

    if left == 0 then
        redis.call('ZREM', part.prefix .. 'ended', incarnation)
    end

    return left, #names
end


-- end: partitions, incarnation, users at most in this call.
--
-- ok, how many are left

local function end_node(keys, a)
    local part, answer = part_read(keys[1], a[1])
    local prefix = keys[1]

    if not part then
        return answer
    end

    if redis.call('ZREM', prefix .. 'nodes', a[2]) == 1 then
        redis.call('ZADD', prefix .. 'ended', num(part.now), a[2])

    elseif not redis.call('ZSCORE', prefix .. 'ended', a[2]) then
        return {'ok', 0}
    end

    return {'ok', (ended_take(part, a[2], part.now, tonumber(a[3])))}
end


local function tell_self(name, r)
    redis.call('PUBLISH', 'chat:user:' .. name,
               'self ' .. r.choice .. ' ' .. r.text)
end


local function unstored_mark(part, name, r)
    redis.call('HSET', part.prefix .. 'unstored', name,
               num(r.version) .. ' ' .. num(r.last))
end


-- set: partitions, user, choice, text.

local function set(keys, a)
    local part, answer = part_read(keys[1], a[1])
    local name, users, r, was

    if not part then
        return answer
    end

    if not string.find(a[3], '^[oabi]$') or #a[4] > TEXT_MAX
        or string.find(a[4], '\n', 1, true)
    then
        return {'refused', 'malformed choice'}
    end

    name = a[2]
    users = users_read(part, { name })
    r = users[name] or record_new(part.now)
    users[name] = r
    was = seen_as(r)

    r.known, r.choice, r.text, r.left = true, a[3], a[4], 0
    r.version = math.max(part.now, r.version + 1)

    if seen_as(r) ~= 'f' then
        r.ends, r.due = 0, part.now
    elseif was ~= 'f' and r.told ~= 'f' then
        vanish(part, r, part.now)
    elseif r.ends == 0 then
        r.due = part.now
    end

    users_write(part, users)
    unstored_mark(part, name, r)
    tell_self(name, r)

    return {'ok'}
end


-- own: partitions, user.
--
-- ok, choice, text, then incarnation, sessions, active sessions of each node

local function own(keys, a)
    local part, answer = part_read(keys[1], a[1])
    local r

    if not part then
        return answer
    end

    r = users_read(part, { a[2] })[a[2]]

    if not r then
        return {'ok', '?', ''}
    end

    answer = {'ok', r.known and r.choice or '?', r.known and r.text or ''}

    for _, s in ipairs(r.sessions) do
        for i = 1, 3 do
            answer[#answer + 1] = s[i]
        end
    end

    return answer
end


-- Whether one who is invisible would have been forgotten by now, had it left:
-- to be loaded takes a moment, by which nobody is to tell the two apart.

local function is_forgotten(part, r)
    return r.known and r.choice == 'i' and #r.sessions ~= 0 and r.told == 'f'
           and r.ends == 0 and part.now >= r.idle + part.forget
end


-- read: partitions, identity, users.
--
-- ok, epoch, n, then of each "<state> <last seen> <text>" as it was told up to
-- n, or "" where it is not loaded: that will be published

local function read(keys, a)
    local part, answer = part_read(keys[1], a[1], a[2])
    local names, users = {}, nil

    if not part then
        return answer
    end

    for i = 3, #a do
        names[#names + 1] = a[i]
    end

    users = users_read(part, names)
    answer = {'ok', part.epoch, part.n}

    for i, name in ipairs(names) do
        local r = users[name]
        local state = ''

        if not r then
            r = record_new(part.now)
            r.due = part.now
            users[name] = r

        elseif is_forgotten(part, r) then
            r.known, r.loaded = false, false
            r.due, r.idle = part.now, part.now

        elseif r.known then
            state = r.told .. ' ' .. num(r.told == 'f' and r.last or 0) .. ' '
                    .. r.shown
        else
            r.due = part.now

            if part.now >= r.idle + part.forget then
                r.idle = part.now       -- or else it would be at once again
            end
        end

        answer[i + 3] = state
    end

    users_write(part, users)

    return answer
end


-- count: partitions, identity, users.
--
-- ok, how many of them are seen

local function count(keys, a)
    local part, answer = part_read(keys[1], a[1], a[2])
    local n = 0

    if not part then
        return answer
    end

    for i = 3, #a, CHUNK do
        local found = redis.call('HMGET', keys[1] .. 'users',
                                 unpack(a, i, math.min(i + CHUNK - 1, #a)))

        for _, value in ipairs(found) do
            if value and string.sub(value, 1, 1) ~= 'f'
                and string.match(value, '^.... (%d+)') == part.epoch
            then
                n = n + 1
            end
        end
    end

    return {'ok', n}
end
