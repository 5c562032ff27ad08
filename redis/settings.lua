-- Creating, changing and deleting conversations.

-- What a creation finds: nil if it may go on, with what is left of a deleted
-- one of that id; or the answer.

local function create_found(l, fresh)
    local meta, answer, left = meta_get(l.base)
    local viewer, v, state

    if meta then
        viewer = viewer_get(l.base, meta, l.user)

        if not viewer then
            return {'not_found'}
        end

        v = redis.call('HMGET', l.base .. ':meta', 'name', 'by', 'at')
        l.meta = meta
        state = unchanged(l)

        return {'exists', meta.type, viewer.role, meta.rev, meta.seq, v[1],
                v[2], tonumber(v[3]), state[4], state[5]}
    end

    if answer[1] == 'need' and not fresh then
        return answer
    end

    return nil, left
end


-- conversation.create: type, name, key, "1" if the id was made just now and
-- cannot exist, head of the event, then user and role in turn.
--
-- As message.send; or "exists", type, role of the user or "", revision,
-- sequence, name, creator, time in ms, and place and generation as there.  Who
-- may not see it gets not_found: the caller decides what that means.

local function conversation_create(l, a)
    local base, kind, name, key = l.base, a[6], a[7], a[8]
    local answer, left = create_found(l, a[9] == '1')
    local members, meta, rev, at = {}, nil, nil, nil

    if answer then
        return answer
    end

    redis.call('DEL', base .. ':meta', base .. ':members', base .. ':hot',
               base .. ':ids')

    meta = { seq = 0, rev = 0, key = key, gens = '', hfrom = 0, hbytes = 0,
             hn = 0, ihead = 0, owners = 0 }

    if left then
        meta.rev, meta.gens, meta.hfrom = left.rev, left.gens, left.rev
        redis.call('HSET', base .. ':meta', 'gens', left.gens)
    end

    l.meta = meta
    rev = revision_next(base, l.part, meta)

    for i = 11, #a, 2 do
        redis.call('HSET', base .. ':members', a[i], a[i + 1] .. ' 0 0')
        members[#members + 1] = a[i] .. ' ' .. a[i + 1]
        meta.owners = meta.owners + (a[i + 1] == 'owner' and 1 or 0)
    end

    redis.call('HSET', base .. ':meta', 'type', kind, 'key', key, 'name', name,
               'desc', '', 'by', l.user, 'at', l.time, 'ro', '0', 'slow', '0',
               'hfrom', num(meta.hfrom), 'hseq', '0', 'itail', '0', 'owners',
               num(meta.owners))

    at = log_add(l, 'create', 'y', kind, 'n', name, 'm',
                 table.concat(members, ','))

    for i = 11, #a, 2 do
        tell_user(l, a[i], a[10] .. '"role":"' .. a[i + 1]
                  .. '","sequenceNumber":0}}')
    end

    return change_end(l, a[10] .. position(0, rev), '.', at, 0)
end


-- conversation.update: head of the event, then name and value in turn.

local SETTINGS = {
    name = 'name', description = 'desc', readOnly = 'ro', slowMode = 'slow'
}

local function conversation_update(l, a)
    local key = l.base .. ':meta'
    local v = redis.call('HMGET', key, 'name', 'desc', 'ro', 'slow')
    local now = { name = v[1], desc = v[2], ro = v[3], slow = v[4] }
    local changed, rev, at = false, nil, nil

    for i = 7, #a, 2 do
        local field = SETTINGS[a[i]]

        changed = changed or now[field] ~= a[i + 1]
        now[field] = a[i + 1]
    end

    if not changed then
        return unchanged(l)
    end

    rev = revision_next(l.base, l.part, l.meta)
    at = log_add(l, 'update', 'n', now.name, 'd', now.desc, 'o', now.ro, 'w',
                 now.slow)

    redis.call('HSET', key, 'name', now.name, 'desc', now.desc, 'ro', now.ro,
               'slow', now.slow)

    return change_end(l, a[6] .. '"revision":' .. rev .. '}}', '.', at, 0)
end


-- conversation.delete: head of the event.  What is left tells nodes that missed
-- it, and an id made again where to go on counting.

local function conversation_delete(l, a)
    local base, meta = l.base, l.meta
    local before = meta.rev
    local rev, at, answer

    rev = revision_next(base, l.part, meta)
    at = log_add(l, 'close')
    tell_deleted(l)
    tell_gone(l)

    redis.call('DEL', base .. ':members', base .. ':hot', base .. ':ids')
    meta.hbytes, meta.hn, meta.ihead = 0, 0, 0

    redis.call('HSET', base .. ':meta', 'gone', '1', 'name', '', 'desc', '',
               'hfrom', num(before), 'hseq', num(meta.seq))
    answer = change_end(l, a[6] .. '"revision":' .. rev .. '}}', '!', at, 0)

    redis.call('PEXPIRE', base .. ':meta', GONE_MS)
    redis.call('PEXPIRE', base .. ':hot', GONE_MS)

    return answer
end
