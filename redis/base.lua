-- What both libraries need.

local function num(n)
    return string.format('%d', n)       -- of 64 bits in Redis' Lua
end


local function now_ms()
    local t = redis.call('TIME')
    return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end
