-- Who types.

-- typing: identity, partitions, user, members at the most, what, event or "".
-- Whoever may send a message there may type.
--
-- ok, 1 if the event was published

local function typing(keys, a)
    local l, answer = look(keys[1], keys[2], a[1], a[2], a[3])

    answer = answer or forbidden('message.send', l.meta, l.role)

    if answer then
        return answer
    end

    if a[6] == ''
        or redis.call('HLEN', l.base .. ':members') > tonumber(a[4])
    then
        return {'ok', 0}
    end

    redis.call('PUBLISH', l.base, '0 0 ' .. a[5] .. ' ' .. a[6])

    return {'ok', 1}
end
