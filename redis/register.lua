-- The functions, as Redis knows them.

-- What frees memory, or says that it may be freed, must go on when Redis has
-- none left (allow-oom).

local function register(name, callback, ...)
    redis.register_function{
        function_name = 'chat_v1_' .. name,
        callback = callback,
        flags = { ... }
    }
end


register('append', append)
register('open', open, 'no-writes')
register('compare', compare, 'no-writes')
register('revisions', revisions, 'no-writes')
register('history', history, 'no-writes')
register('mark', mark)
register('members', members, 'no-writes')
register('typing', typing)
register('audience', audience, 'allow-oom')
register('counts', counts, 'allow-oom')
register('counted', counted, 'allow-oom')
register('unread', unread, 'allow-oom')
register('hold', hold, 'allow-oom')
register('drop', drop, 'allow-oom')
register('rewind', rewind, 'allow-oom')
register('reopen', reopen, 'allow-oom')
register('stored', stored, 'allow-oom')
register('load', load)
register('fact', fact)
register('message_fact', message_fact)
register('marks', marks, 'allow-oom')
register('marked', marked, 'allow-oom')
register('answer', answer_node, 'allow-oom')
register('idle', idle, 'allow-oom')
register('forget', forget, 'allow-oom')
register('revoked_add', revoked_add, 'allow-oom')
register('revoked_check', revoked_check, 'allow-oom')
register('revoked_sync', revoked_sync, 'allow-oom')
register('revoked_reset', revoked_reset, 'allow-oom')
register('revoked_read', revoked_read, 'no-writes')
