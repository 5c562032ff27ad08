-- Messages and reactions.

-- The seconds that the user has to wait before the next message, or nil.

local function slow_wait(l)
    local sent, left = l.viewer.sent, nil

    if l.meta.slow == 0 or RANK[l.role] > SLOW_MODE then
        return nil
    end

    l.now = now_ms()
    left = sent and sent + l.meta.slow * 1000 - l.now or 0

    return left > 0 and math.ceil(left / 1000) or nil
end


-- The first answer to a client id that is known; if it must be looked up, the
-- answer that says so.

local function message_again(l, client_id, id_time)
    local known, rev, seq, id, time, at

    if client_id == '' then
        return nil
    end

    known = duplicate(l.base, l.meta, l.user, client_id, id_time)

    if known == 'new' then
        return nil
    end

    if known == 'need' then
        return {'need', 'client id'}
    end

    rev, seq, id, time, at =
        string.match(known, '^(%d+) (%d+) (%S+) (%d+) (%S+)')

    if not id_above(at, l.part.stored) then
        at = ''
    end

    return {'ok', tonumber(rev), tonumber(seq), at, l.part.generation, id,
            tonumber(time)}
end


-- nil, or why the message may not be sent

local function message_refused(l, reply_to)
    local answer = forbidden('message.send', l.meta, l.role)
    local fact, wait

    if answer then
        return answer
    end

    if reply_to then
        fact, answer = fact_get(l, reply_to)

        if not fact and answer[1] == 'need' then
            return answer
        end

        if not fact or not fact.live then
            return failure('not_found', 'replyTo: no such message')
        end
    end

    wait = slow_wait(l)

    if wait then
        return failure('rate_limited', 'slow mode is on', wait)
    end

    return nil
end


-- the log entry; p, m and f only where they are given

local function message_log(l, seq, id, client_id, content, extra)
    local more = {}

    for _, field in ipairs({'p', 'm', 'f'}) do
        if extra[field] then
            more[#more + 1] = field
            more[#more + 1] = extra[field]
        end
    end

    return log_add(l, 'message', 'q', num(seq), 'i', id, 'x', client_id, 'b',
                   content, 'j', l.role == '' and '1' or '0', unpack(more))
end


-- message.send: client id or "", its time in ms or "", message id, pre (of the
-- event's data, up to the content), content, post (after it), id of the message
-- that it replies to or "", "user,user" who are mentioned or "", attachments or
-- "".
--
-- ok, revision, sequence, place in the log ("" if that is stored), generation;
-- of a duplicate these of the first one, its id and its time (ms).

local function message_send(l, a)
    local client_id, id_time, id = a[6], a[7], a[8]
    local pre, content, post = a[9], a[10], a[11]
    local meta, member = l.meta, l.viewer
    local answer, rev, seq, at

    if l.user == '' then
        return failure('bad_request', 'a message needs a sender')
    end

    answer = message_again(l, client_id, id_time)
             or message_refused(l, given(a[12]))

    if answer then
        return answer
    end

    rev = revision_next(l.base, l.part, meta)
    seq = meta.seq + 1
    meta.seq = seq

    at = message_log(l, seq, id, client_id, content,
                     { p = given(a[12]), m = given(a[13]), f = given(a[14]) })

    if l.role == '' then
        member.role = 'member'
    end

    member.read, member.delivered = seq, seq
    member.sent = l.now                 -- nil unless slow mode is on
    member_set(l.base, l.user, member)
    marks_wait(l, member)

    if client_id ~= '' then
        ids_add(l.base, l.part, meta, 'c' .. l.user .. '/' .. client_id,
                rev .. ' ' .. num(seq) .. ' ' .. id .. ' ' .. l.time .. ' '
                .. at .. ' ' .. (id_time == '' and '-' or id_time))
    end

    unread_note(l)

    if given(a[13]) then
        tell_mentioned(l, a[13], id, seq)
    end

    return change_end(l, '{"type":"message.created","data":' .. pre .. content
                      .. post .. position(seq, rev), 'c', at, seq,
                      #pre .. ' ' .. #content .. ' ' .. #post .. ' '
                      .. l.user)
end


-- message.edit: message id, content, "editedAt" and its comma.

local function message_edit(l, a)
    local id, content = a[6], a[7]
    local fact, answer, rev, at

    fact, answer = fact_get(l, id)

    if not fact then
        return answer
    end

    if not fact.live then
        return failure('not_found', 'no such message')
    end

    answer = forbidden_author('message.edit', l.role, l.user, fact.author)
    if answer then
        return answer
    end

    rev = revision_next(l.base, l.part, l.meta)
    at = log_add(l, 'edit', 'i', id, 'q', num(fact.seq), 'b', content)

    fact.at = at
    fact_set(l.base, id, fact)

    return change_end(l, '{"type":"message.updated","data":' .. fact.pre
                      .. content .. fact.post .. a[8]
                      .. position(fact.seq, rev), 'u', at, fact.seq,
                      #fact.pre .. ' ' .. #content .. ' ' .. #fact.post .. ' '
                      .. fact.author)
end


-- message.delete: message id, head of the event.  What is deleted already may
-- be deleted again: nothing happens.

local function message_delete(l, a)
    local id = a[6]
    local fact, answer, rev, at

    fact, answer = fact_get(l, id)

    if not fact then
        return answer
    end

    if not fact.live then
        return unchanged(l, fact.seq)
    end

    answer = forbidden_author('message.delete', l.role, l.user, fact.author)
    if answer then
        return answer
    end

    rev = revision_next(l.base, l.part, l.meta)
    at = log_add(l, 'delete', 'i', id, 'q', num(fact.seq))

    hot_erase(l.base, l.meta, id)
    reactions_forget(l.base .. ':ids', id, fact)
    fact.at, fact.live, fact.pre, fact.post = at, false, '', ''
    fact_set(l.base, id, fact)

    return change_end(l, a[7] .. position(fact.seq, rev), 'd', at, fact.seq)
end


-- reaction.add: message id, emoji, head of the event, reactions at the most.
-- reaction.remove: the first three.  Once per user and emoji; what is so
-- already stays so.
--
-- PostgreSQL remembers reactions that were removed, for those who were away.
-- So how often one may be added to a message has a bound, too.

local function reaction_change(l, a, adds)
    local id, emoji, ids = a[6], a[7], l.base .. ':ids'
    local fact, answer, has, rev, at

    if l.user == '' then
        return failure('bad_request', 'a reaction needs a user')
    end

    fact, answer = fact_get(l, id)

    if not fact then
        return answer
    end

    if not fact.live then
        return failure('not_found', 'no such message')
    end

    has = redis.call('HEXISTS', ids, reaction_field(id, l.user, emoji)) == 1

    if has == adds then
        return unchanged(l, fact.seq)
    end

    if adds and fact.n >= tonumber(a[9]) then
        return failure('too_large', 'the message has too many reactions')
    end

    if adds and fact.used >= REACTIONS_EVER * tonumber(a[9]) then
        return failure('too_large', 'reactions were changed too often')
    end

    rev = revision_next(l.base, l.part, l.meta)
    at = log_add(l, adds and 'react' or 'unreact', 'i', id, 'q',
                 num(fact.seq), 'y', emoji)

    if adds then
        reaction_add(ids, id, fact, l.user, emoji)
    else
        reaction_remove(ids, id, fact, l.user, emoji)
    end

    fact.at = at
    fact_set(l.base, id, fact)

    return change_end(l, a[8] .. '"revision":' .. rev .. '}}', 'r', at,
                      fact.seq, (adds and '+ ' or '- ') .. id .. ' ' .. l.user
                      .. ' ' .. emoji)
end
