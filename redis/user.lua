-- What users are told beside conversations: hints for those of their sessions
-- that have not joined the one concerned.
--
-- What is published on the channel of a user, chat:user:<tenant>/<user>:
--
--   event <base> <event>      for sessions that have not joined that one
--   unread\n<base> <sequence> <unread>\n ...       likewise, of several
--
-- A hint has no revision: it moves nobody's position, and is lost if nobody
-- listens.  It is published before the conversation's own event, so a session
-- that has joined and is put out has not been put out when the hint comes, and
-- is told once.

local DELETED_MEMBERS = 1000           -- who are told that it is deleted
local UNREAD_MEMBERS = 100              -- where unread is told
local UNREAD_WAITING = 10000            -- conversations of which it waits
local UNREAD_TAKEN_MS = 60000           -- for so long who takes is believed to


local function tenant_of(prefix, base)
    return string.match(name_of(prefix, base), '^[^/]+')
end


local function user_publish(tenant, user, payload)
    redis.call('PUBLISH', 'chat:user:' .. tenant .. '/' .. user, payload)
end


local function tell_user(l, user, event)
    user_publish(tenant_of(l.prefix, l.base), user,
                 'event ' .. l.base .. ' ' .. event)
end


local function conversation_id(l)
    return string.match(name_of(l.prefix, l.base), '/(.+)$')
end


-- to all members of one that is deleted

local function tell_deleted(l)
    local key, members = l.base .. ':members', nil
    local event = '{"type":"conversation.deleted","data":{"conversationId":"'
                  .. conversation_id(l) .. '"}}'

    if redis.call('HLEN', key) > DELETED_MEMBERS then
        return
    end

    members = redis.call('HGETALL', key)

    for i = 1, #members, 2 do
        if string.sub(members[i + 1], 1, 8) ~= 'blocked ' then
            tell_user(l, members[i], event)
        end
    end
end


-- Nodes are told who may not know any more whether others are there: who is out
-- of a dm or a group, and who was in one that is deleted ("*": they are many).

local function tell_out(l, user)
    redis.call('PUBLISH', 'chat:nodes',
               'out ' .. tenant_of(l.prefix, l.base) .. '/' .. user)
end


local function tell_gone(l)
    local key, tenant = l.base .. ':members', tenant_of(l.prefix, l.base)
    local names

    if l.meta.type == 'channel' then
        return
    end

    if redis.call('HLEN', key) > DELETED_MEMBERS then
        names = { '*' }

    else
        names = redis.call('HKEYS', key)

        for i = 1, #names do
            names[i] = tenant .. '/' .. names[i]
        end
    end

    redis.call('PUBLISH', 'chat:nodes', 'gone ' .. table.concat(names, ' '))
end


-- mentioned: "user,user"; only who may see the message

local function tell_mentioned(l, mentioned, message, seq)
    local event = '{"type":"notification","data":{"kind":"mention",'
                  .. '"conversationId":"' .. conversation_id(l)
                  .. '","messageId":"' .. message .. '","senderId":"'
                  .. l.user .. '","sequenceNumber":' .. num(seq) .. '}}'

    for user in string.gmatch(mentioned, '[^,]+') do
        if user ~= l.user and viewer_get(l.base, l.meta, user) then
            tell_user(l, user, event)
        end
    end
end


-- Unread ---------------------------------------------------------------------

-- Conversations with new messages wait in a set until somebody takes them, once
-- a second or so: however many messages there are, members are told once.
-- Where nobody takes, nothing is collected.

local function unread_note(l)
    local key = l.prefix .. 'unread'

    if tonumber(l.time) > l.part.unread
        or redis.call('HLEN', l.base .. ':members') > UNREAD_MEMBERS
    then
        return
    end

    if redis.call('SADD', key, l.base) == 1
        and redis.call('SCARD', key) > UNREAD_WAITING
    then
        redis.call('SREM', key, l.base)
    end
end


local function unread_line(base, seq, read)
    return base .. ' ' .. num(seq) .. ' ' .. num(seq - read) .. '\n'
end


-- a user's own mark: for the other devices

local function unread_tell(l, member)
    user_publish(tenant_of(l.prefix, l.base), l.user,
                 'unread\n' .. unread_line(l.base, l.meta.seq, member.read))
end


-- adds the lines of a conversation to those of its members; how many these are

local function unread_add(prefix, base, lines)
    local key, tenant = base .. ':members', tenant_of(prefix, base)
    local v = redis.call('HMGET', base .. ':meta', 'seq', 'hn', 'gone')
    local n, members = redis.call('HLEN', key), nil

    if not v[2] or v[3] or n > UNREAD_MEMBERS then
        return 0                        -- it has gone, or grown
    end

    members = redis.call('HGETALL', key)

    for i = 1, #members, 2 do
        local user = tenant .. '/' .. members[i]
        local role, read = string.match(members[i + 1], '^(%S+) (%d+)')

        if role ~= 'blocked' then
            lines[user] = (lines[user] or 'unread\n')
                          .. unread_line(base, tonumber(v[1]), tonumber(read))
        end
    end

    return n
end


-- Somebody takes: sends go on collecting.

local function unread_taken(prefix, part)
    local now = now_ms()

    if part.unread < now + UNREAD_TAKEN_MS / 2 then
        redis.call('HSET', prefix .. 'part', 'unread',
                   num(now + UNREAD_TAKEN_MS))
    end
end


-- unread: identity, partitions, members at the most, "1" to begin with what has
-- come since the last time.  Tells the members of conversations with new
-- messages how many they have not read, each user once.
--
-- ok, 1 if there is more of the same or 0, how many were told

local function unread(keys, a)
    local prefix, left, told = keys[1], tonumber(a[3]), 0
    local part, answer = part_open(prefix, a[1], a[2])
    local key, lines, base = prefix .. 'unread:taken', {}, nil

    if not part then
        return answer
    end

    unread_taken(prefix, part)

    if a[4] == '1' and redis.call('EXISTS', key) == 0
        and redis.call('EXISTS', prefix .. 'unread') == 1
    then
        redis.call('RENAME', prefix .. 'unread', key)
    end

    repeat
        base = redis.call('SPOP', key)
        left = base and left - 1 - unread_add(prefix, base, lines) or 0
    until left <= 0

    for tenant_user, text in pairs(lines) do
        redis.call('PUBLISH', 'chat:user:' .. tenant_user, text)
        told = told + 1
    end

    return {'ok', base and redis.call('EXISTS', key) or 0, told}
end
