-- Changing members.

-- nil if the change may be made; else the answer, which is ok if there is
-- nothing to change.  old and new are roles; old nil: no member.

local function member_refused(l, request, target, old, new, max)
    local meta = l.meta
    local answer = member_may(request, meta, l.user, target, l.role,
                              old or '', new)

    if answer then
        return answer
    end

    if request == 'member.add' then

        if old and old ~= new then
            return failure('conflict', 'the user is already ' .. old)
        end

    elseif not old and not (new == 'blocked' and meta.type == 'channel') then
        return failure('not_found', 'no such member')
    end

    if old == new then
        return unchanged(l)
    end

    if old == 'owner' and meta.owners == 1 then
        return failure('conflict', 'the last owner')
    end

    if not old and meta.type == 'group'
        and redis.call('HLEN', l.base .. ':members') >= tonumber(max)
    then
        return failure('too_large', 'the conversation has too many members')
    end

    return nil
end


-- new: '' if the target is out

local function member_change(l, request, target, new, head, max)
    local base, meta = l.base, l.meta
    local member = member_get(base, target)
    local old = member and member.role
    local out = new == '' or new == 'blocked'
    local joins = not out and (not old or old == 'blocked')
    local answer, rev, at, event

    answer = member_refused(l, request, target, old, new, max)
    if answer then
        return answer
    end

    rev = revision_next(base, l.part, meta)
    at = log_add(l, 'member', 'g', target, 'y', new, 'j', joins and '1' or '0',
                 'q', num(meta.seq))

    if new == '' then
        redis.call('HDEL', base .. ':members', target)
        redis.call('HDEL', l.prefix .. 'marks', marks_field(l, target))

    else
        if not member or joins then
            member = { read = meta.seq, delivered = meta.seq }
        end

        member.role = new
        member_set(base, target, member)
    end

    meta.owners = meta.owners + (new == 'owner' and 1 or 0)
                  - (old == 'owner' and 1 or 0)
    redis.call('HSET', base .. ':meta', 'owners', num(meta.owners))

    event = '{"type":"member.' .. (out and 'left' or joins and 'joined'
                                   or 'updated')
            .. '","data":' .. head .. '"role":'
            .. (new == '' and 'null' or '"' .. new .. '"')

    if old ~= 'blocked' or joins then   -- who stays out is told nothing
        tell_user(l, target, event .. '}}')
    end

    event = event .. ',"revision":' .. rev .. '}}'

    if out and meta.type ~= 'channel' then
        tell_out(l, target)
    end

    return change_end(l, event, out and '-' or '.', at, 0, out and target)
end


-- member.add, member.update: user, role, head of the event's data, members at
-- the most.  member.remove: user, head.

local function member_add(l, a)
    return member_change(l, 'member.add', a[6], a[7], a[8], a[9])
end


local function member_update(l, a)
    return member_change(l, 'member.update', a[6], a[7], a[8], a[9])
end


local function member_remove(l, a)
    return member_change(l, 'member.remove', a[6], '', a[7], 0)
end


local function reaction_new(l, a)
    return reaction_change(l, a, true)
end


local function reaction_undo(l, a)
    return reaction_change(l, a, false)
end
