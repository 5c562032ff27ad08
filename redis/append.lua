-- What is asked of append.

local OPERATIONS = {
    ['message.send'] = message_send,
    ['message.edit'] = message_edit,
    ['message.delete'] = message_delete,
    ['reaction.add'] = reaction_new,
    ['reaction.remove'] = reaction_undo,
    ['conversation.update'] = conversation_update,
    ['conversation.delete'] = conversation_delete,
    ['member.add'] = member_add,
    ['member.update'] = member_update,
    ['member.remove'] = member_remove
}


-- append: the one door.  ARGV: identity, partitions, operation, user ("" is
-- the operator), time in ms, ...
--
-- A send judges for itself: a message that was sent already has been allowed.

local function append(keys, a)
    local prefix, base, request = keys[1], keys[2], a[3]
    local l, part, answer

    if request ~= 'conversation.create' and not OPERATIONS[request] then
        return {'bad', 'no such operation'}
    end

    if request == 'conversation.create' then
        part, answer = part_open(prefix, a[1], a[2])
        l = { part = part, prefix = prefix, base = base, user = a[4] }
    else
        l, answer = look(prefix, base, a[1], a[2], a[4])
        part = l and l.part
    end

    if not part then
        return answer
    end

    if part_busy(part) then
        return {'busy'}
    end

    l.time = a[5]

    if request == 'conversation.create' then
        return conversation_create(l, a)
    end

    answer = request ~= 'message.send' and forbidden(request, l.meta, l.role)

    return answer or OPERATIONS[request](l, a)
end
