-- The functions, as Redis knows them.

-- What takes somebody away, or keeps what is there, must go on when Redis has
-- no memory left (allow-oom).

local function register(name, callback, ...)
    redis.register_function{
        function_name = 'chat_presence_v1_' .. name,
        callback = callback,
        flags = { ... }
    }
end


register('report', report, 'allow-oom')
register('renew', renew, 'allow-oom')
register('end', end_node, 'allow-oom')
register('set', set)
register('own', own, 'no-writes')
register('read', read)
register('count', count, 'no-writes')
register('holders', holders, 'allow-oom')
register('give', give, 'allow-oom')
register('take', take, 'allow-oom')
register('load', load, 'allow-oom')
register('unstored', unstored, 'allow-oom')
register('stored', stored, 'allow-oom')
