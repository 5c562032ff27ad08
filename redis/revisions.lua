-- What a node asks regularly about the conversations that its sessions have
-- joined.

-- revisions: KEYS[1] the prefix, then bases of conversations; identity,
-- partitions.
--
-- ok, generation, stored, then the revision of each, or -1 where Redis does
-- not hold it.  Reading counts as use, so what somebody listens to is not
-- idle.

local function revisions(keys, a)
    local part, answer = part_open(keys[1], a[1], a[2])

    if not part then
        return answer
    end

    answer = {'ok', part.generation, part.stored}

    for i = 2, #keys do
        answer[i + 2] = tonumber(redis.call('HGET', keys[i] .. ':meta', 'rev'))
                        or -1
    end

    return answer
end
