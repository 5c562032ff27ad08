-- Whose presence may be seen in a conversation: its members where they are
-- few, and how many of them are there where they are many.  Those are counted
-- by chat-presence, as long as somebody asks.

-- Whatever has a later revision happened afterwards: what was lost when this
-- generation began is told no more.

local function audience_revision(l)
    return math.max(l.meta.rev, l.part.generation * GENERATION)
end


-- The answer for one that has more members than are listed.  When it is to be
-- counted next stands in <prefix>counts, the result in <base>:online.

local function audience_counted(l, size)
    local counts, online = l.prefix .. 'counts', l.base .. ':online'
    local now = now_ms()
    local v, n, at, every

    if not redis.call('ZSCORE', counts, l.base) then

        if redis.call('ZCARD', counts) >= COUNTS_MAX then
            redis.call('ZREMRANGEBYSCORE', counts, '-inf',
                       num(now - WANTED_MS))
        end

        if redis.call('ZCARD', counts) >= COUNTS_MAX then
            return failure('unavailable', 'too many conversations are counted',
                           COUNTS_RETRY)
        end

        redis.call('ZADD', counts, num(now), l.base)
    end

    v = redis.call('HMGET', online, 'n', 'at', 'every')
    n, at, every = tonumber(v[1]), tonumber(v[2]), tonumber(v[3])

    redis.call('HSET', online, 'until', num(now + WANTED_MS))
    redis.call('PEXPIRE', online, 2 * WANTED_MS)

    if not n or now > at + COUNTS_OLD * every or at > now + every then
        n, at, every = -1, now, 0
    end

    return {'ok', l.meta.type, size, n, math.max(at + every - now, 0),
            audience_revision(l)}
end


-- audience: identity, partitions, user, members at the most.
--
-- ok, type, number of members, how many of them are there (-1: not counted),
-- ms until it is counted again, the revision as of which that is right; then,
-- if there are no more than that and it is no channel, each member.  Who is
-- blocked is none.

local function audience(keys, a)
    local l, answer = look(keys[1], keys[2], a[1], a[2], a[3])
    local key = keys[2] .. ':members'
    local size, v

    if not l then
        return answer
    end

    size = redis.call('HLEN', key)

    if size > tonumber(a[4]) then
        return audience_counted(l, size)
    end

    answer = {'ok', l.meta.type, size, -1, 0, audience_revision(l)}

    if l.meta.type == 'channel' then
        return answer                   -- it entitles nobody
    end

    v = redis.call('HGETALL', key)

    for i = 1, #v, 2 do
        if string.sub(v[i + 1], 1, 8) ~= 'blocked ' then
            answer[#answer + 1] = v[i]
        end
    end

    answer[3] = #answer - 6

    return answer
end


-- Called by chat-presence ---------------------------------------------------

-- Those that are due; or else those that will not be for longer than that, as
-- Redis' clock was set back.

local function counts_due(key, now, every, limit)
    local due = redis.call('ZRANGEBYSCORE', key, '-inf', num(now), 'LIMIT', '0',
                           limit)

    if #due ~= 0 then
        return due
    end

    return redis.call('ZRANGEBYSCORE', key, num(now + every + 1), '+inf',
                      'LIMIT', '0', limit)
end


-- counts: identity, partitions, conversations at the most, ms until each is to
-- be counted again.
--
-- ok, then the base of each that is to be counted now.

local function counts(keys, a)
    local key = keys[1] .. 'counts'
    local part, answer = part_open(keys[1], a[1], a[2])
    local now = now_ms()

    if not part then
        return answer
    end

    answer = {'ok'}

    for _, base in ipairs(counts_due(key, now, tonumber(a[4]), a[3])) do
        local wanted = redis.call('HGET', base .. ':online', 'until')

        if wanted and tonumber(wanted) >= now then
            redis.call('ZADD', key, num(now + tonumber(a[4])), base)
            answer[#answer + 1] = base
        else
            redis.call('ZREM', key, base)
            redis.call('DEL', base .. ':online')
        end
    end

    return answer
end


-- counted: identity, partitions, how many are there, ms until the next time.
--
-- ok

local function counted(keys, a)
    local part, answer = part_open(keys[1], a[1], a[2])
    local online = keys[2] .. ':online'

    if not part then
        return answer
    end

    if redis.call('EXISTS', online) == 1 then
        redis.call('HSET', online, 'n', a[3], 'at', num(now_ms()), 'every',
                   a[4])
    end

    return {'ok'}
end
