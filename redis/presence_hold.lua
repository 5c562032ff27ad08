-- What a holder (chat-presence) calls.

local HOLDERS_TRUST = 2                 -- times a lease may be ahead of now
local LOAD_AGAIN = 1000                 -- ms until a user is asked for again
local LOAD_AWAY = 5000                  --   while nobody can load
local LOAD_LATE = 30000                 -- ms; what was read before is not taken
local NODES = 8                         -- that end in one call
local SET_BACK = 10000                  -- nodes, or users, that are moved then
local STANDSTILL = 3000                 -- ms without a look
local TAKEN = 1000                      -- ms between notes that it was taken
local LETTERS = { o = 1, a = 2, b = 3, f = 4 }


-- holders: KEYS[1] "chat:presence:holders", a zset of holder -> end of its
-- lease; holder, lease (ms; 0: it leaves).
--
-- ok, place of the holder among all of them (from 0), how many there are

local function holders(keys, a)
    local now, ms = now_ms(), tonumber(a[2])
    local key, all = keys[1], nil

    redis.call('ZREMRANGEBYSCORE', key, '-inf', num(now))
    redis.call('ZREMRANGEBYSCORE', key, num(now + HOLDERS_TRUST * ms + 1),
               '+inf')

    if ms == 0 then
        redis.call('ZREM', key, a[1])
        return {'ok', 0, redis.call('ZCARD', key)}
    end

    redis.call('ZADD', key, num(now + ms), a[1])
    all = redis.call('ZRANGE', key, 0, -1)
    table.sort(all)

    for i, name in ipairs(all) do
        if name == a[1] then
            return {'ok', i - 1, #all}
        end
    end
end


-- give: holder.  It does not hold the partition any more.

local function give(keys, a)
    if redis.call('HGET', keys[1] .. 'part', 'holder') == a[1] then
        redis.call('HDEL', keys[1] .. 'part', 'holder', 'until')
    end

    return {'ok'}
end


-- Redis' clock was set back, by so many ms: what was to be soon is to be soon
-- now.  What nodes and users have done since then is not touched.

local function set_back(prefix, now, back, o)
    local from = num(now + math.floor(back / 2))
    local ends = {
        nodes = '+inf',
        due = num(now + back + math.max(tonumber(o.grace), LOAD_LATE))
    }

    for name, to in pairs(ends) do
        local found = redis.call('ZRANGEBYSCORE', prefix .. name, from, to,
                                 'WITHSCORES', 'LIMIT', '0', SET_BACK)
        local moved = {}

        for i = 1, #found, 2 do
            moved[i] = num(tonumber(found[i + 1]) - back)
            moved[i + 1] = found[i]
        end

        call_in_chunks('ZADD', prefix .. name, moved, 2 * CHUNK)
    end

    for _, name in ipairs({ 'settles', 'opens' }) do
        redis.call('HINCRBY', prefix .. 'part', name, num(-back))
    end
end


-- Claims the partition, or keeps it; opens it for this Redis, or settles after
-- a standstill.  Nothing is written but once a second.  nil, or the answer.

local function hold(prefix, now, o)
    local key = prefix .. 'part'
    local v = redis.call('HMGET', key, 'identity', 'partitions', 'holder',
                         'until', 'taken', 'grace', 'forget', 'epoch')
    local ends, taken = tonumber(v[4] or '0'), tonumber(v[5] or '0')

    if v[3] and v[3] ~= o.holder and ends > now
        and ends < now + HOLDERS_TRUST * o.ttl
    then
        return {'refused', v[3], ends - now}
    end

    if v[2] and v[2] ~= o.partitions then
        return {'bad', 'number of partitions is ' .. v[2]}
    end

    if taken > now + TAKEN then
        set_back(prefix, now, taken - now, o)
    end

    if v[3] ~= o.holder or ends < now + o.ttl - TAKEN
        or ends > now + o.ttl or now > taken + TAKEN or taken > now + TAKEN
    then
        redis.call('HSET', key, 'holder', o.holder, 'until', num(now + o.ttl),
                   'taken', num(now), 'partitions', o.partitions)
    end

    if v[6] ~= o.grace or v[7] ~= o.forget then
        redis.call('HSET', key, 'grace', o.grace, 'forget', o.forget)
    end

    if v[1] ~= o.identity then
        redis.call('HSET', key, 'identity', o.identity,
                   'epoch', num(math.max(now, tonumber(v[8] or '0') + 1)),
                   'n', '0', 'seen', '0', 'settles', num(now + o.settle),
                   'opens', num(now + o.settle))

    elseif now > taken + STANDSTILL then
        redis.call('HSET', key, 'settles', num(now + o.standstill))
    end

    return nil
end


-- Looks at a user: what is to be told goes into lines, who is to be loaded into
-- loads, up to most of them.

local function look(part, name, r, out, most)
    local settled = part.settles <= part.now
    local again

    r.due = false
    r.ends = math.min(r.ends, part.now + part.grace)

    if r.ends ~= 0 and part.now >= r.ends and settled then
        r.ends = 0
    end

    if r.ends ~= 0 then
        r.due = math.max(r.ends, part.settles)

    elseif r.known then
        local is = seen_as(r)
        local text = is ~= 'f' and r.text or ''

        if is ~= r.told or r.news ~= '0' or text ~= r.shown then
            out.lines[#out.lines + 1] = name .. ' ' .. is .. ' '
                                        .. num(is == 'f' and r.last or 0)
                                        .. ' ' .. text
            out.told[LETTERS[is]] = out.told[LETTERS[is]] + 1
            out.seen = out.seen + (is ~= 'f' and 1 or 0)
                       - (r.told ~= 'f' and 1 or 0)

            if is == 'f' and r.news == '2' then
                unstored_mark(part, name, r)
            end

            r.told, r.shown, r.news = is, text, '0'
        end
    end

    if not r.loaded then
        local asked = #out.loads < most

        again = part.now + (asked and LOAD_AGAIN or LOAD_AWAY)
        r.due = r.due and math.min(r.due, again) or again
        out.loads[#out.loads + 1] = asked and name or nil

    elseif not r.due and #r.sessions == 0 then
        r.due = r.idle + part.forget
    end
end


-- Forgets those who are not there, and have been stored, for long enough.

local function forget(part, name, r)
    if #r.sessions ~= 0 or not r.loaded or r.ends ~= 0
        or r.told ~= 'f' or part.now < r.idle + part.forget
    then
        return false
    end

    if redis.call('HEXISTS', part.prefix .. 'unstored', name) == 1 then
        r.due = part.now + part.forget
        return false
    end

    redis.call('HDEL', part.prefix .. 'users', name)
    redis.call('ZREM', part.prefix .. 'due', name)

    return true
end


-- Those that are due, up to limit.

local function look_due(part, limit, most)
    local names = redis.call('ZRANGEBYSCORE', part.prefix .. 'due', '-inf',
                             num(part.now), 'LIMIT', 0, limit)
    local users = users_read(part, names)
    local out = { lines = {}, loads = {}, told = { 0, 0, 0, 0 }, seen = 0,
                  forgotten = 0, full = #names == limit }

    for _, name in ipairs(names) do
        local r = users[name]

        if not r then
            redis.call('ZREM', part.prefix .. 'due', name)
        else
            look(part, name, r, out, most)

            if forget(part, name, r) then
                users[name] = nil
                out.forgotten = out.forgotten + 1
            end
        end
    end

    users_write(part, users)

    return out
end


local function tell(part, out)
    if out.seen ~= 0 then
        redis.call('HINCRBY', part.prefix .. 'part', 'seen', out.seen)
    end

    if #out.lines ~= 0 then
        part.n = num(redis.call('HINCRBY', part.prefix .. 'part', 'n', 1))
        redis.call('PUBLISH', string.sub(part.prefix, 1, -2),
                   part.epoch .. ' ' .. part.n .. '\n'
                   .. table.concat(out.lines, '\n') .. '\n')
    end
end


-- Nodes whose lease has ended, and the users of those that have ended, up to
-- limit.  Returns how many nodes, users, and whether some are left.

local function sweep(part, limit)
    local prefix = part.prefix
    local nodes, users = 0, 0
    local over = redis.call('ZRANGEBYSCORE', prefix .. 'nodes', '-inf',
                            num(part.now), 'WITHSCORES', 'LIMIT', 0, NODES)

    for i = 1, #over, 2 do
        redis.call('ZREM', prefix .. 'nodes', over[i])
        redis.call('ZADD', prefix .. 'ended', over[i + 1], over[i])
        nodes = nodes + 1
    end

    for _ = 1, NODES do
        local ended = redis.call('ZRANGE', prefix .. 'ended', 0, 0,
                                 'WITHSCORES')
        local left, n

        if not ended[1] then
            return nodes, users, false
        end

        left, n = ended_take(part, ended[1],
                             math.min(tonumber(ended[2]), part.now),
                             limit - users)
        users = users + n

        if left ~= 0 then
            return nodes, users, true
        end
    end

    return nodes, users, true
end


-- take: partitions, identity, holder, its lease, grace, time to settle when the
-- partition is opened and after a standstill, when to forget who is gone (all
-- in ms); users to look at, to load, and to take from nodes, at most.
--
-- ok, epoch, 1 if there is more to do, how many were told as o, a, b and f,
-- nodes that ended, users taken from them, users forgotten, ms that the first
-- user who is due was late, nodes, users, those who are seen, those who wait to
-- be stored, now; then who is to be loaded.  refused, holder, ms: another holds
-- it for so long

local function take(keys, a)
    local prefix, now = keys[1], now_ms()
    local nodes, swept, rest = 0, 0, false
    local answer = hold(prefix, now, {
        partitions = a[1], identity = a[2], holder = a[3],
        ttl = tonumber(a[4]), grace = a[5], settle = tonumber(a[6]),
        standstill = tonumber(a[7]), forget = a[8]
    })
    local part, first, out

    if answer then
        return answer
    end

    part = part_read(prefix, a[1])
    part.now = now
    first = redis.call('ZRANGE', prefix .. 'due', 0, 0, 'WITHSCORES')

    if part.settles <= now then
        nodes, swept, rest = sweep(part, tonumber(a[11]))
    end

    out = look_due(part, tonumber(a[9]), tonumber(a[10]))
    tell(part, out)

    answer = {
        'ok', part.epoch, (rest or out.full) and 1 or 0, out.told[1],
        out.told[2], out.told[3], out.told[4], nodes, swept, out.forgotten,
        first[2] and math.max(now - tonumber(first[2]), 0) or 0,
        redis.call('ZCARD', prefix .. 'nodes'),
        redis.call('HLEN', prefix .. 'users'),
        tonumber(redis.call('HGET', prefix .. 'part', 'seen')),
        redis.call('HLEN', prefix .. 'unstored'), now
    }

    for _, name in ipairs(out.loads) do
        answer[#answer + 1] = name
    end

    return answer
end


-- What PostgreSQL knows of a user; choice "" if nothing.

local function load_user(part, r, version, choice, text, last)
    local newer = version > r.version

    if r.known then
        -- chosen here since the partition was opened, so that is the last word
        if newer then
            r.version = version + 1
        end

    elseif newer or r.choice == '?' then
        r.version = version
        r.choice = choice ~= '' and choice or 'o'
        r.text = text
    end

    r.known, r.loaded = true, true

    if r.news == '0' then
        r.news = '1'
    end

    if r.choice ~= 'i' and r.left > r.last then
        r.last = r.left
    end

    r.left = 0
    r.last = math.max(r.last, last)
    r.due = r.ends ~= 0 and r.ends or part.now

    return r.version > version or r.last > last
end


-- load: partitions, holder, epoch and now as take told them, then user,
-- version, choice ("": PostgreSQL knows nothing), text, last seen of each.
--
-- ok; refused: too late

local function load(keys, a)
    local prefix = keys[1]
    local part, answer = part_read(prefix, a[1])
    local names, users = {}, nil

    if not part then
        return answer
    end

    if part.epoch ~= a[3] or part.now > tonumber(a[4]) + LOAD_LATE
        or redis.call('HGET', prefix .. 'part', 'holder') ~= a[2]
    then
        return {'refused', 'that was read too long ago'}
    end

    for i = 5, #a, 5 do
        names[#names + 1] = a[i]
    end

    users = users_read(part, names)

    for i = 5, #a, 5 do
        local r = users[a[i]]

        if r and not r.loaded then
            local known = r.known

            if load_user(part, r, tonumber(a[i + 1]), a[i + 2], a[i + 3],
                         tonumber(a[i + 4]))
            then
                unstored_mark(part, a[i], r)
            end

            if not known and #r.sessions ~= 0 then
                tell_self(a[i], r)
            end
        end
    end

    users_write(part, users)

    return {'ok'}
end


-- unstored: partitions, users at most.
--
-- ok, then user, mark, version, choice, text, last seen of each

local function unstored(keys, a)
    local prefix = keys[1]
    local part, answer = part_read(prefix, a[1])
    local found, names, users

    if not part then
        return answer
    end

    found = redis.call('HRANDFIELD', prefix .. 'unstored', a[2], 'WITHVALUES')
    names = {}
    answer = {'ok'}

    for i = 1, #found, 2 do
        names[#names + 1] = found[i]
    end

    users = users_read(part, names)

    for i, name in ipairs(names) do
        local r = users[name]

        if not r or r.choice == '?' then
            redis.call('HDEL', prefix .. 'unstored', name)
        else
            local n = #answer

            answer[n + 1], answer[n + 2] = name, found[2 * i]
            answer[n + 3], answer[n + 4] = num(r.version), r.choice
            answer[n + 5], answer[n + 6] = r.text, num(r.last)
        end
    end

    return answer
end


-- stored: then user and mark of each.

local function stored(keys, a)
    local key = keys[1] .. 'unstored'

    for i = 1, #a, 2 do
        if redis.call('HGET', key, a[i]) == a[i + 1] then
            redis.call('HDEL', key, a[i])
        end
    end

    return {'ok'}
end
