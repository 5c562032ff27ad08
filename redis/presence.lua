#!lua name=chat_presence_v1
-- version 1
--
-- Who is there.  A second library beside chat_v1, loaded by chat-presence:
-- nothing of a conversation is known here, and nothing of this there.  When its
-- version grows is told in chat.lua.
--
-- Users lie in partitions as conversations do, by "<tenant>/<user>".  KEYS[1]
-- is always the prefix of a partition, "chat:{p07}:presence:"; all other keys
-- are made of it:
--
--   <prefix>part      hash: identity (of the Redis for which it is open), epoch
--                     (another one each time it is opened for another Redis),
--                     n (of the last publish), settles (ms: until then nobody
--                     goes offline), opens (ms: until then nothing is read),
--                     taken (ms, of the last look), holder, until, partitions,
--                     grace and forget (ms), seen (users who are not offline)
--   <prefix>nodes     zset: incarnation of a node -> ms, the end of its lease
--   <prefix>ended     zset: those that have ended -> ms when that was; their
--                     users are still being taken from them
--   <prefix>at:<incarnation>   set of <tenant>/<user>: who has sessions there
--   <prefix>users     hash: <tenant>/<user> -> a record, see record_read()
--   <prefix>due       zset: <tenant>/<user> -> ms when to look at it
--   <prefix>unstored  hash: <tenant>/<user> -> "<version> <last seen>" of what
--                     waits for PostgreSQL
--
-- Channels: the prefix without its last colon, "<epoch> <n>\n" and a line for
-- each user whose state has changed, "<tenant>/<user> <state> <last seen>
-- <text>\n" (in ms, or 0); and chat:user:<tenant>/<user>, "self <choice>
-- <text>".
--
-- States and choices are letters: o online, a away, b busy, f offline (a state
-- only), i invisible (a choice only); ? is a choice that is not loaded yet.
-- A text is the inside of a JSON string, so it has no line end.
--
-- What others see of a user is made of the choice and the sessions, by a holder
-- (chat-presence) that looks at those which are due: that alone is published,
-- kept as what was told, and read.  Everything before that only makes users
-- due.  All calls commute and may be repeated: choices are merged by version,
-- last seen by maximum.  So two holders do no harm, nor one that was stopped.
--
-- Every function answers with an array whose first element is one of
--
--   ok          done; what follows is told at each function
--   lost        there is no such incarnation: it has ended
--   closed      no holder has opened the partition, or not for this Redis
--   refused     another holds it, or an argument makes no sense
--   bad         the caller and Redis disagree (number of partitions)

local CHUNK = 100                       -- users in a command: Lua's stack
local TEXT_MAX = 2048                   -- bytes
local INCARNATION = '^[%w_.:-]+$'
local INCARNATION_MAX = 64
local RECORD = '^(.)(.)(.)(.) (%d+) (%d+) (%d+) (%d+) (%d+) (%d+) (%S+) '
               .. '(%d+) ()'
