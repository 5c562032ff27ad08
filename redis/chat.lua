#!lua name=chat_v1
-- version 1
--
-- The version grows when a function is added, or takes or answers more than
-- before.  What callers of an older one rely on stays, or the name changes: so
-- programs of two versions work with the newer library, which is the one that
-- Redis keeps (workers/lib/redis_library.c).
--
-- The rules of a conversation, in one place.  Everything that changes durable
-- state goes through append; a holder (chat-persist) brings in what Redis does
-- not hold and says what is stored.  Nothing else writes these keys.
--
-- KEYS[1] is always the prefix of a partition, "chat:{p07}:"; where a function
-- concerns a conversation, KEYS[2] is its base, "chat:{p07}:c:<tenant>/<id>".
-- The other keys are made of these two: all share the tag, hence the slot.
--
--   <prefix>log         stream of durable events until they are stored
--   <prefix>need        stream of what a node needs loaded (nodes write it);
--                       fields: docs/architecture.md, "Needs"
--   <prefix>part        hash: identity, generation, fence, stored, partitions,
--                       backlog, unread (ms: until then unread is collected)
--   <prefix>marks       hash: "<key> <user>" -> "<read> <delivered>", marks
--                       that wait to be stored; by the conversation's key, so
--                       that those of one that was deleted reach no other
--   <prefix>unread      set of bases with messages that members were not told
--                       the number of; unread:taken: those being told
--   <base>              channel: "<revision> <sequence> <what> <event>"
--   <base>:meta         hash, see below
--   <base>:members      hash: user -> "<role> <read> <delivered>", followed by
--                       " <ms>" of the last message where slow mode is on
--   <base>:hot          stream keyed <revision>-0: e the event as clients get
--                       it, h its head, see below
--   <base>:ids          hash of what was asked lately about
--                       client ids, "c<user>/<client id>" -> "<revision>
--                         <sequence> <message id> <time> <place in log> <id's
--                         time or ->", or "-<ms>": known not to exist until
--                         then;
--                       messages, "m<message id>" -> a fact, see fact_read(),
--                         or "-<ms>" likewise;
--                       reactions of those messages, "r<message id> <n>" ->
--                         "<user> <emoji>" and "s<message id> <user> <emoji>"
--                         -> n;
--                       "#<n>": the first two in the order of arrival
--   <prefix>counts      sorted set of bases: those of which somebody wants to
--                       know how many are there -> ms when to count next
--   <base>:online       hash, expires: until (ms: wanted so long), n (so many
--                       were there), at (ms: counted then), every (ms: until
--                       the next time)
--
-- What tells a node what to do with an event besides handing it out: "." no
-- more than that; "-<user>" that user is out; "!" the conversation is deleted.
-- Of an event without a revision: its kind, "r" a receipt, "t<session>" typing,
-- which that session is not told.
--
-- Fields of meta: type, key (the conversation's key in PostgreSQL), seq, rev,
-- gens ("gen:rev,gen:rev,": last surviving revision of past generations),
-- name, desc, by, at (creator, ms), ro ("1": read-only), slow (seconds), owners
-- (how many), last (place in the log of the last change), hfrom and hseq (hot
-- holds every event above this revision and every message above this
-- sequence), hn and hbytes (entries and bytes of events in hot), ihead and
-- itail (order of ids), floor and ahead (see duplicate()).  gone: it is
-- deleted.  A meta with the field none alone, which expires, says that there
-- is no such conversation.
--
-- The head of an event in hot: "<kind> <place in log> <sequence>[ <more>]",
-- the sequence being that of the message concerned or 0.  Kinds:
--   c  message.created      more: lengths of pre, content and post
--   u  message.updated      the same
--   d  message.deleted
--   r  a reaction           more: "+" or "-", message id, user, emoji
--   -  somebody is out      more: user
--   !  conversation.deleted
--   .  all else
--
-- A revision is generation * 2^32 + n; numbers stay below 2^53, so Lua's
-- doubles hold them exactly.  num() prints them: tostring() would give 1e+14.
-- Functions have no rollback: no check after the first write.
-- cjson never touches an event: it rounds numbers.
--
-- Every function answers with an array whose first element is one of
--
--   ok          done; what follows is told at each function
--   need        Redis lacks what a check needs; the second element says what:
--               "conversation", "client id", "message" (the third is its id),
--               "range".  Nothing was changed.
--   error       refused: code as clients get it, message, perhaps seconds
--               after which it may be tried again.  Nothing was changed.
--   closed      the partition is not open for the caller's Redis identity
--   busy        the log holds more than the declared backlog
--   not_found   no such conversation, or the user may not see it
--   refused     a holder with an old fence or generation
--   bad         the caller and Redis disagree (number of partitions)

local GENERATION = 4294967296           -- 2^32
local HOT_MAX = 256                     -- events kept per conversation
local HOT_BYTES = 1048576
local HOT_BYTES_LOW = 786432            -- what trimming for bytes leaves
local TRIM = 32                         -- read or trimmed at once
local WALK = 1024                       -- events one call looks back at most
local IDS_MAX = 1024                    -- ids and facts per conversation
local NONE_MS = 10000                   -- "there is none" is believed so long
local NEED_MS = 60000                   -- what was asked for is kept so long
local GONE_MS = 60000                   -- a deleted conversation is told
local AHEAD_MS = 300000                 -- an id's time may be so far ahead
local RECEIPTS_MAX = 100                -- members, where receipts are told
local REACTIONS_EVER = 50               -- times those that a message may have
local SORTED_MAX = 1000                 -- members, where they are listed so
local MARKS_FEW = 64                    -- may be looked through
local COUNTS_MAX = 1000                 -- conversations counted, a partition
local COUNTS_OLD = 3                    -- a count is believed so many times
local COUNTS_RETRY = 10                 -- seconds, where there are too many
local WANTED_MS = 30000                 -- a count is wanted so long
local MESSAGE_DATA = #'{"type":"message.created","data":'
local MESSAGE_ID = MESSAGE_DATA + #'{"id":"'


-- Who may do what -----------------------------------------------------------
--
-- docs/roles.md is this table for people.  A role has a rank:

local RANK = {
    operator = 5,                       -- chatctl
    owner = 4,
    admin = 3,
    moderator = 2,
    member = 1,
    [''] = 0,                           -- reads a channel, is no member
    blocked = -1                        -- to whom the conversation is none
}

-- and a request needs one at least: least; in a conversation that is
-- read-only; where it concerns another's message; in a dm.  What is not given
-- asks for no more than least.  Members have rules of their own besides, see
-- member_may().

local REQUESTS = {
    ['message.send']        = { least = 0, read_only = 2 },
    ['message.edit']        = { least = 0, read_only = 2, others = 5 },
    ['message.delete']      = { least = 0, others = 2 },
    ['reaction.add']        = { least = 0 },
    ['reaction.remove']     = { least = 0 },
    ['conversation.update'] = { least = 3, dm = 5 },
    ['conversation.delete'] = { least = 4, dm = 5 },
    ['member.add']          = { least = 0, dm = 5 },
    ['member.update']       = { least = 0 },
    ['member.remove']       = { least = 0, dm = 5 }
}

local SLOW_MODE = 1                     -- holds up to this rank


local function failure(code, message, retry)
    return {'error', code, message, retry}
end


-- nil, or why this role may not

local function forbidden(request, meta, role)
    local needs, rank = REQUESTS[request], RANK[role]

    if rank < needs.least then
        return failure('forbidden', 'your role does not allow this')
    end

    if meta.type == 'dm' and needs.dm and rank < needs.dm then
        return failure('forbidden', 'not in a dm')
    end

    if meta.read_only and needs.read_only and rank < needs.read_only then
        return failure('forbidden', 'the conversation is read-only')
    end

    return nil
end


local function forbidden_author(request, role, user, author)
    local needs = REQUESTS[request]

    if user ~= author and RANK[role] < (needs.others or 0) then
        return failure('forbidden', 'the message is of another user')
    end

    return nil
end


-- Whether the actor may make the target, who has the role old ('' none), one
-- with the role new; nil, or why not.
--
-- In a dm each may block the other and end that.  Elsewhere one may leave and
-- lower oneself, join a channel, and otherwise, as a moderator or above, do
-- what neither takes from nor gives to one's own rank; an owner may that too.

local function member_may(request, meta, actor, target, role, old, new)
    local no = failure('forbidden', 'your role does not allow this')
    local rank = RANK[role]

    if role == 'operator' then
        return nil
    end

    if meta.type == 'dm' then
        local other = target ~= actor and RANK[old] ~= 0
        local block = new == 'blocked' or new == 'member'

        return not (other and block) and failure('forbidden', 'not in a dm')
               or nil
    end

    if target == actor then
        if request == 'member.remove' then
            return nil
        end

        if request == 'member.add' and meta.type == 'channel'
            and new == 'member'
        then
            return nil
        end

        if request == 'member.update' then
            local lowers = new ~= 'blocked' and RANK[new] <= rank and rank > 0
            return not lowers and no or nil
        end
    end

    if rank < RANK.moderator then
        return no
    end

    if role ~= 'owner' and (RANK[old] >= rank or RANK[new] >= rank) then
        return no
    end

    return nil
end
