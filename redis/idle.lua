-- Conversations that nobody uses leave Redis.

-- The keys of conversations of which marks wait, or nil if these are many.

local function marks_few(prefix)
    local keys = {}

    if redis.call('HLEN', prefix .. 'marks') > MARKS_FEW then
        return nil
    end

    for _, field in ipairs(redis.call('HKEYS', prefix .. 'marks')) do
        keys[string.match(field, '^%S+')] = true
    end

    return keys
end


-- Whether marks of a conversation wait; also if that is too much to look for.

local function marks_wait_of(prefix, base, key, few)
    if few then
        return few[key]
    end

    if redis.call('HLEN', base .. ':members') > MARKS_FEW then
        return true
    end

    for _, user in ipairs(redis.call('HKEYS', base .. ':members')) do
        if redis.call('HEXISTS', prefix .. 'marks', key .. ' ' .. user) == 1
        then
            return true
        end
    end

    return false
end


-- Whether somebody may have to wait in slow mode, which is known here alone:
-- nobody has sent anything after the last change.

local function slow_waits(seconds, last)
    return tonumber(seconds) > 0 and last ~= ''
           and now_ms() < tonumber(string.match(last, '^%d+'))
                          + tonumber(seconds) * 1000
end


-- Whether nobody has asked for it for so long, and all that it says is in
-- PostgreSQL too.  Everything that concerns a conversation reads its meta, so
-- that tells how long ago that was; reading it here begins anew, so it comes
-- after that, and nothing else depends on how long ago it was.  What is left of
-- one that was deleted, and "there is none", expire by themselves.

local function idle_may_go(base, seconds, stored)
    local idle = redis.call('OBJECT', 'IDLETIME', base .. ':meta')
    local v

    if not idle or idle < seconds then
        return false
    end

    v = redis.call('HMGET', base .. ':meta', 'hn', 'gone', 'slow', 'last',
                   'key')

    if not v[1] or v[2] or slow_waits(v[3], v[4])
        or (v[4] ~= '' and id_above(v[4], stored))
    then
        return false
    end

    return true, v[5]
end


local function idle_drop(base)
    redis.call('UNLINK', base .. ':meta', base .. ':members', base .. ':hot',
               base .. ':ids')
end


-- idle: fence, identity, generation, seconds.  Drops those of the conversations
-- KEYS[2] and on that nobody has used for so long, as far as they can be loaded
-- again as they are.
--
-- ok, how many were dropped

local function idle(keys, a)
    local prefix, dropped = keys[1], 0
    local answer = fence_pass(prefix, a[1], a[2], a[3])
    local stored, few

    if answer then
        return answer
    end

    stored = redis.call('HGET', prefix .. 'part', 'stored')
    few = marks_few(prefix)

    for i = 2, #keys do
        local base = keys[i]
        local may, key = idle_may_go(base, tonumber(a[4]), stored)

        if may and not marks_wait_of(prefix, base, key, few) then
            idle_drop(base)
            dropped = dropped + 1
        end
    end

    return {'ok', dropped}
end


-- forget: fence, identity, generation.  What PostgreSQL has of a conversation
-- is about to change: whoever asks for it afterwards has it loaded.  It goes
-- however lately it was used; who has to wait in slow mode is let off.
--
-- ok, 1: Redis does not hold it, nor believe that there is none; or 0: not yet,
-- something of it waits to be stored, or its deletion is still told

local function forget(keys, a)
    local prefix, base = keys[1], keys[2]
    local answer = fence_pass(prefix, a[1], a[2], a[3])
    local v

    if answer then
        return answer
    end

    v = redis.call('HMGET', base .. ':meta', 'none', 'gone', 'last', 'key')

    if not v[1] and (v[2]
        or (given(v[3]) and id_above(v[3], redis.call('HGET', prefix .. 'part',
                                                      'stored')))
        or (v[4] and marks_wait_of(prefix, base, v[4], marks_few(prefix))))
    then
        return {'ok', 0}
    end

    idle_drop(base)

    return {'ok', 1}
end
