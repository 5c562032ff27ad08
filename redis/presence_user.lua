-- Partitions and users, as every function finds them.

-- The partition, or nil and the answer.  identity: of the caller's link, where
-- only what was published counts.

local function part_read(prefix, partitions, identity)
    local v = redis.call('HMGET', prefix .. 'part', 'identity', 'epoch', 'n',
                         'partitions', 'settles', 'opens', 'grace', 'forget')
    local now

    if not v[1] or (identity and v[1] ~= identity) then
        return nil, {'closed'}
    end

    if v[4] ~= partitions then
        return nil, {'bad', 'number of partitions is ' .. v[4]}
    end

    now = now_ms()

    if identity and tonumber(v[6]) > now then
        return nil, {'closed'}
    end

    return {
        prefix = prefix,
        now = now,
        epoch = v[2],
        n = v[3],
        settles = tonumber(v[5]),
        grace = tonumber(v[7]),
        forget = tonumber(v[8])
    }
end


-- Records ------------------------------------------------------------------
--
-- "<told><choice><loaded><news> <epoch> <version> <ends> <last> <left> <idle>
-- <sessions> <length of shown> <shown><text>":
--
--   told      the state as others were told it; shown: the text, likewise
--   choice, text, version   of the choice: ms, or more where that is not enough
--   loaded    1: what PostgreSQL knows is in here
--   news      1: others are to be told though told is right, 2: and it is to be
--             stored when the user was last seen
--   epoch     for which choice and told are right.  Of another one they are
--             not known: what is in Redis may be an older copy
--   ends      ms when a user goes offline who has just left, or become
--             invisible; 0
--   last      ms when last seen; not told while the user is seen
--   left      ms when the last session ended while the choice was not known; 0
--   idle      ms since when nobody has seen the user, or, if that is longer
--             ago, when one who was forgotten was asked for; it does not count
--             while the user is seen.  What others can notice of a record is
--             the same whether there are sessions that they do not see or none
--   sessions  "<incarnation>,<sessions>,<active ones>;" of each node, or "-"

local function record_new(idle)
    return {
        told = 'f', choice = '?', loaded = false, news = '0', known = false,
        version = 0, ends = 0, last = 0, left = 0, idle = idle,
        sessions = {}, shown = '', text = ''
    }
end


local function record_read(part, value)
    local told, choice, loaded, news, epoch, version, ends, last, left, idle,
          sessions, length, from = string.match(value, RECORD)
    local r = {
        told = told,
        choice = choice,
        loaded = loaded == '1',
        news = news,
        known = epoch == part.epoch,
        version = tonumber(version),
        ends = tonumber(ends),
        last = tonumber(last),
        left = tonumber(left),
        idle = tonumber(idle),
        sessions = {},
        shown = string.sub(value, from, from + tonumber(length) - 1),
        text = string.sub(value, from + tonumber(length)),
        value = value
    }

    for name, n, active in string.gmatch(sessions, '([^,]+),(%d+),(%d+);') do
        r.sessions[#r.sessions + 1] = { name, n, active }
    end

    if not r.known then
        r.told, r.shown, r.loaded, r.ends = 'f', '', false, 0
    end

    return r
end


local function record_text(part, r)
    local sessions = {}

    for i, s in ipairs(r.sessions) do
        sessions[i] = s[1] .. ',' .. s[2] .. ',' .. s[3] .. ';'
    end

    return r.told .. r.choice .. (r.loaded and '1' or '0') .. r.news .. ' '
           .. (r.known and part.epoch or '0') .. ' ' .. num(r.version) .. ' '
           .. num(r.ends) .. ' ' .. num(r.last) .. ' ' .. num(r.left) .. ' '
           .. num(r.idle) .. ' '
           .. (sessions[1] and table.concat(sessions) or '-') .. ' '
           .. num(#r.shown) .. ' ' .. r.shown .. r.text
end


-- Several users.  Each function gets its records with users_read() and ends
-- with users_write(); due: when to look at it, false: not at all, nil: as it
-- was.

local function users_read(part, names)
    local users = {}

    for i = 1, #names, CHUNK do
        local to = math.min(i + CHUNK - 1, #names)
        local found = redis.call('HMGET', part.prefix .. 'users',
                                 unpack(names, i, to))

        for k = i, to do
            local value = found[k - i + 1]

            users[names[k]] = value and record_read(part, value) or nil
        end
    end

    return users
end


local function call_in_chunks(command, key, list, size)
    for i = 1, #list, size do
        redis.call(command, key, unpack(list, i,
                                        math.min(i + size - 1, #list)))
    end
end


local function users_write(part, users)
    local set, due, not_due = {}, {}, {}

    for name, r in pairs(users) do
        local value = record_text(part, r)

        if value ~= r.value then
            set[#set + 1] = name
            set[#set + 1] = value
        end

        if r.due then
            due[#due + 1] = num(r.due)
            due[#due + 1] = name
        elseif r.due == false then
            not_due[#not_due + 1] = name
        end
    end

    call_in_chunks('HSET', part.prefix .. 'users', set, 2 * CHUNK)
    call_in_chunks('ZADD', part.prefix .. 'due', due, 2 * CHUNK)
    call_in_chunks('ZREM', part.prefix .. 'due', not_due, CHUNK)
end


-- What changes a user ------------------------------------------------------

-- as which others are to see it

local function seen_as(r)
    if not r.known or r.choice == 'i' or #r.sessions == 0 then
        return 'f'
    end

    if r.choice ~= 'o' then
        return r.choice
    end

    for _, s in ipairs(r.sessions) do
        if s[3] ~= '0' then
            return 'o'
        end
    end

    return 'a'
end


-- The user was to be seen until then, and is not any more: the last session
-- ended, or it became invisible, which must look the same.

local function vanish(part, r, at)
    r.idle = part.now
    r.last = math.max(r.last, at)
    r.news = '2'
    r.ends = r.told ~= 'f' and part.now + part.grace or 0
    r.due = r.ends ~= 0 and r.ends or part.now
end


-- How many sessions the user has at a node now; at: when that came about.
-- Returns whether it is the first or last word of this node on that user.

local function sessions_set(r, incarnation, n, active)
    for i, s in ipairs(r.sessions) do
        if s[1] == incarnation then

            if n ~= '0' then
                s[2], s[3] = n, active
                return false
            end

            table.remove(r.sessions, i)
            return true
        end
    end

    if n == '0' then
        return false
    end

    r.sessions[#r.sessions + 1] = { incarnation, n, active }
    return true
end


local function sessions_change(part, r, incarnation, n, active, at)
    local was, had = seen_as(r), #r.sessions ~= 0
    local moved = sessions_set(r, incarnation, n, active)
    local is, has = seen_as(r), #r.sessions ~= 0

    if had and not has then
        r.left = not r.known and at or 0
    end

    if was ~= 'f' and is == 'f' then
        vanish(part, r, at)

    elseif is ~= 'f' and r.ends ~= 0 then
        r.ends, r.news, r.due = 0, '0', part.now

    elseif not r.loaded or is ~= r.told then
        r.due = r.ends ~= 0 and r.ends or part.now

    elseif had and not has and r.ends == 0 then
        r.due = math.max(part.now, r.idle + part.forget)
    end

    return moved
end
