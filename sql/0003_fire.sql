-- 0003: under fire.
--
-- Several chat-persists share the partitions evenly; dead letters can be tried
-- again.

BEGIN;

INSERT INTO chat.schema_version (version) VALUES (3);


-- Who could hold partitions at this moment: every chat-persist that reaches
-- PostgreSQL and Redis writes its row anew all the time.

CREATE TABLE chat.holder (
    name         text         COLLATE "C" NOT NULL,
    alive_until  timestamptz  NOT NULL,

    CONSTRAINT holder_pk  PRIMARY KEY (name)
) WITH (fillfactor = 20);


-- How many partitions each of them should hold.  Whoever comes takes from none
-- more than it has to give, and whoever goes leaves the shares of others no
-- smaller, so partitions move only to who is new or from who is gone.

CREATE VIEW chat.holder_share AS
SELECT name, ((partitions - place + n - 1) / n)::integer AS share
  FROM (SELECT name, row_number() OVER (ORDER BY name) - 1 AS place,
               count(*) OVER () AS n
          FROM chat.holder
         WHERE alive_until > clock_timestamp()) h,
       (SELECT count(*) AS partitions FROM chat.partition) t;


-- That of one of them.  Who is not among them should hold none, unless nobody
-- is: then each keeps what it has, or takes what is free.

CREATE FUNCTION chat.partition_share(holder text)
RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT share FROM chat.holder_share
                      WHERE name = partition_share.holder),
                    CASE WHEN EXISTS (SELECT FROM chat.holder_share)
                         THEN 0
                         ELSE (SELECT count(*)::integer FROM chat.partition)
                    END)
$$;


-- Dead letters that an operator has had tried again.  The holder of the
-- partition does it.

ALTER TABLE chat.dead_letter
    ADD COLUMN retry_at  timestamptz;       -- since when it is to be tried

CREATE INDEX dead_letter_retry ON chat.dead_letter (p, retry_at, id)
    WHERE retry_at IS NOT NULL;


-- What is to become of an event that comes late, when others that followed it
-- are stored: NULL: it is to be stored; 'late': nothing, since what it changed
-- was changed again, or is gone; otherwise why not yet.

CREATE FUNCTION chat.dead_letter_fate(p smallint, kind text, key uuid,
    message uuid, revision bigint, user_id text, emoji text, at timestamptz,
    tenant_id text, conversation_id text)
RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    c  chat.conversation;
    m  chat.message;
    u  chat.member;
BEGIN
    SELECT * INTO c FROM chat.conversation t
     WHERE t.conversation_key = dead_letter_fate.key;

    IF kind = 'create' THEN
        RETURN CASE
            WHEN c.conversation_key IS NOT NULL
                 OR EXISTS (SELECT FROM chat.erasure t
                             WHERE t.p = dead_letter_fate.p
                               AND t.conversation_key = dead_letter_fate.key)
                THEN 'late'
            WHEN EXISTS (SELECT FROM chat.conversation t
                          WHERE t.tenant_id = dead_letter_fate.tenant_id
                            AND t.conversation_id
                                = dead_letter_fate.conversation_id
                            AND (t.deleted_at IS NULL
                                 OR t.revision >= dead_letter_fate.revision))
                THEN 'another conversation of that name came after it'
            WHEN EXISTS (SELECT FROM chat.message t
                          WHERE t.p = dead_letter_fate.p
                            AND t.conversation_key = dead_letter_fate.key)
                 OR EXISTS (SELECT FROM chat.member t
                             WHERE t.conversation_key = dead_letter_fate.key)
                THEN 'later events of the conversation are stored already'
        END;
    END IF;

    -- made again since: what is left of its former life is erased

    IF kind = 'close' AND c.conversation_key IS NULL THEN
        RETURN CASE
            WHEN EXISTS (SELECT FROM chat.erasure t
                          WHERE t.p = dead_letter_fate.p
                            AND t.conversation_key = dead_letter_fate.key)
                THEN 'late'
        END;
    END IF;

    IF c.conversation_key IS NULL
        AND EXISTS (SELECT FROM chat.dead_letter d
                     WHERE d.conversation_key = dead_letter_fate.key
                       AND d.fields ->> 'k' = 'create')
    THEN
        RETURN 'the creation of the conversation is a dead letter itself';
    END IF;

    IF c.conversation_key IS NULL OR c.deleted_at IS NOT NULL THEN
        RETURN 'late';
    END IF;

    IF kind IN ('message', 'edit', 'delete', 'react', 'unreact') THEN
        SELECT * INTO m FROM chat.message t
         WHERE t.p = dead_letter_fate.p AND t.id = dead_letter_fate.message;

        IF kind = 'message' THEN
            RETURN CASE WHEN m.id IS NOT NULL THEN 'late' END;
        END IF;

        IF m.id IS NULL
            AND EXISTS (SELECT FROM chat.dead_letter d
                         WHERE d.message_id = dead_letter_fate.message
                           AND d.fields ->> 'k' = 'message')
        THEN
            RETURN 'the message is a dead letter itself';
        END IF;

        RETURN CASE
            WHEN m.id IS NULL OR m.deleted_at IS NOT NULL THEN 'late'
            WHEN kind = 'edit' AND m.revision > dead_letter_fate.revision
                THEN 'late'
            WHEN kind IN ('react', 'unreact') AND EXISTS (
                    SELECT FROM chat.reaction r
                     WHERE r.p = dead_letter_fate.p
                       AND r.conversation_key = dead_letter_fate.key
                       AND r.message_id = m.id
                       AND r.user_id = dead_letter_fate.user_id
                       AND r.emoji = dead_letter_fate.emoji
                       AND r.revision > dead_letter_fate.revision)
                THEN 'late'
        END;
    END IF;

    SELECT * INTO u FROM chat.member t
     WHERE t.conversation_key = dead_letter_fate.key
       AND t.user_id = dead_letter_fate.user_id;

    RETURN CASE
        WHEN kind = 'update'
             AND c.settings_revision > dead_letter_fate.revision THEN 'late'
        WHEN kind = 'member' AND (u.revision > dead_letter_fate.revision
             OR (u.silent AND u.joined_at > dead_letter_fate.at)) THEN 'late'
        WHEN kind = 'join' AND (u.role IS NOT NULL
             OR u.revision > dead_letter_fate.revision) THEN 'late'
    END;
END
$$;


-- As chat.conversation_made_again(timestamptz); the deletion may be a dead
-- letter.

CREATE FUNCTION chat.conversation_made_again(deleted_at timestamptz, key uuid)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RETURN EXISTS (SELECT FROM chat.dead_letter d
                    WHERE d.conversation_key = key
                      AND d.fields ->> 'k' = 'close')
           OR chat.conversation_made_again(deleted_at);
END
$$;

COMMIT;
