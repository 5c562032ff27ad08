-- Revocations: tokens that are refused though they are good.  They stand in
-- PostgreSQL; here is a copy, which chatctl adds to and chat-persist completes.
--
-- KEYS of all of these: the three that follow.
--
--   chat:revoked          stream of what is revoked, an entry each: k kind
--                         (user, sid, jti), t tenant, v value, b before,
--                         u until
--   {chat:revoked}:state  hash: "<kind> <tenant> <value>" -> "<number> <id in
--                         the stream>"; mark: all changes up to this number are
--                         here; identity: the Redis for which chat-persist has
--                         said so; epoch: another one, another stream
--   {chat:revoked}:ends   sorted set of those names by when they end
--
-- before: tokens of the user that were issued up to then, in seconds, "*" all
-- (always so for sid and jti), "-" none: it was lifted.  until: when that ends,
-- in milliseconds, "" never.
--
-- Changes are numbered by PostgreSQL.  For each name the highest one counts, so
-- they may come twice, in any order and from anybody.

local REVOKED_TRIM = 500                -- that have ended, in one call


local function revoked_forget(keys, name)
    local known = redis.call('HGET', keys[2], name)

    if known then
        redis.call('XDEL', keys[1], string.match(known, ' (.+)$'))
        redis.call('HDEL', keys[2], name)
    end

    redis.call('ZREM', keys[3], name)
end


local function revoked_expire(keys)
    local ended = redis.call('ZRANGEBYSCORE', keys[3], '-inf', num(now_ms()),
                             'LIMIT', 0, REVOKED_TRIM)

    for _, name in ipairs(ended) do
        revoked_forget(keys, name)
    end
end


-- a change: number, kind, tenant, value, before and until, from a[i] on

local function revoked_put(keys, a, i)
    local name = a[i + 1] .. ' ' .. a[i + 2] .. ' ' .. a[i + 3]
    local known = redis.call('HGET', keys[2], name)
    local ends = a[i + 5]
    local id

    if known and tonumber(string.match(known, '^%d+')) >= tonumber(a[i]) then
        return
    end

    revoked_forget(keys, name)

    id = redis.call('XADD', keys[1], '*', 'k', a[i + 1], 't', a[i + 2],
                    'v', a[i + 3], 'b', a[i + 4], 'u', ends)
    redis.call('HSET', keys[2], name, a[i] .. ' ' .. id)
    redis.call('ZADD', keys[3], ends == '' and '+inf' or ends, name)
end


local function revoked_tell()
    return redis.call('PUBLISH', 'chat:nodes', 'revoked')
end


-- revoked_add: a change, by chatctl.
--
-- ok, how many nodes were told

local function revoked_add(keys, a)
    revoked_expire(keys)
    revoked_put(keys, a, 1)

    return {'ok', revoked_tell()}
end


-- revoked_check: identity.  What has ended is forgotten.
--
-- ok, mark, 1 if that was said for this identity or 0

local function revoked_check(keys, a)
    local v

    revoked_expire(keys)
    v = redis.call('HMGET', keys[2], 'mark', 'identity')

    return {'ok', v[1] or '0', v[2] == a[1] and 1 or 0}
end


-- revoked_sync: from, to, identity if that is all there is or "", then changes:
-- all that there are in PostgreSQL above from and up to to.

local function revoked_sync(keys, a)
    local v = redis.call('HMGET', keys[2], 'mark', 'identity')
    local mark = tonumber(v[1] or '0')

    if mark < tonumber(a[1]) then
        return {'refused', 'what is before that is not here'}
    end

    for i = 4, #a, 6 do
        revoked_put(keys, a, i)
    end

    if mark <= tonumber(a[2]) then
        redis.call('HSET', keys[2], 'mark', a[2])
    end

    if a[3] ~= '' and v[2] ~= a[3] then
        redis.call('HSET', keys[2], 'identity', a[3],
                   'epoch', num(now_ms()) .. ':' .. a[3])
    end

    revoked_tell()

    return {'ok'}
end


-- revoked_reset: a copy of another PostgreSQL, or of a later state of it.

local function revoked_reset(keys)
    redis.call('DEL', unpack(keys))

    return {'ok'}
end


-- revoked_read: identity, epoch and id in the stream up to which the node has
-- read, or "" and "", entries at the most.
--
-- ok, 1 if chat-persist says that this is complete or 0, epoch, 1 if this goes
-- on from where the node was or 0 if it is from the start, 1 if there is more
-- or 0, mark, id up to which this goes, then kind, tenant, value, before, until
-- of each

local function revoked_read(keys, a)
    local v = redis.call('HMGET', keys[2], 'identity', 'epoch', 'mark')
    local epoch = v[2] or ''
    local on = a[3] ~= '' and a[2] == epoch
    local found = redis.call('XRANGE', keys[1], on and '(' .. a[3] or '-', '+',
                             'COUNT', a[4])
    local answer = {'ok', v[1] == a[1] and 1 or 0, epoch, on and 1 or 0,
                    #found == tonumber(a[4]) and 1 or 0, v[3] or '0',
                    on and a[3] or ''}
    local n = #answer

    for _, entry in ipairs(found) do
        local f = entry[2]

        answer[7] = entry[1]

        for k = 2, 10, 2 do
            n = n + 1
            answer[n] = f[k]
        end
    end

    return answer
end
