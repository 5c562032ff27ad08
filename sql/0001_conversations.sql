-- 0001: partitions, conversations, members, messages.
--
-- chat-persist is the only writer of everything here but the first rows: it
-- copies the log of each partition out of Redis, in order and exactly once.
-- What makes it exactly once is chat.partition: lease and position in one row,
-- moved in the transaction that stores the events.
--
-- chat.partitions (a setting of the session that runs this) is the number of
-- partitions.  It is fixed from here on: it decides where every conversation
-- lies, in Redis and here.

BEGIN;

CREATE SCHEMA chat;

CREATE TABLE chat.schema_version (
    version     integer      NOT NULL,
    applied_at  timestamptz  NOT NULL DEFAULT now(),

    CONSTRAINT schema_version_pk  PRIMARY KEY (version)
);

INSERT INTO chat.schema_version (version) VALUES (1);


CREATE TABLE chat.setting (
    name   text  NOT NULL,
    value  text  NOT NULL,

    CONSTRAINT setting_pk  PRIMARY KEY (name)
);

INSERT INTO chat.setting (name, value)
VALUES ('partitions', current_setting('chat.partitions')::integer::text);


-- A holder may do anything only while the fence is the one that it got when
-- it took the partition.  generation and identity tell for which life of
-- which Redis the partition was opened; stored_id is the place in the log up
-- to which everything is stored.  Rows are updated every second: the free
-- space lets PostgreSQL do that in place.

CREATE TABLE chat.partition (
    p            smallint     NOT NULL,
    holder       text,
    lease_until  timestamptz,
    fence        bigint       NOT NULL DEFAULT 0,
    identity     text         NOT NULL DEFAULT '',
    generation   bigint       NOT NULL DEFAULT 0,
    stored_id    text         NOT NULL DEFAULT '0-0',
    stopped      text,        -- why the holder does nothing; for people

    CONSTRAINT partition_pk          PRIMARY KEY (p),
    CONSTRAINT partition_generation  CHECK (generation BETWEEN 0 AND 2097151)
) WITH (fillfactor = 20);


-- conversation_key is made by the node that creates the conversation, so that
-- a message can be stored without a look at this table.  A conversation that
-- is deleted keeps its row: made again under the same id, it goes on counting.
--
-- client_time is the largest time (ms) of the client ids that were stored,
-- client_time_ahead the same for those too far ahead of the clock to be
-- believed, client_other whether there were ids that tell no time.  Redis
-- needs them to know which client ids it has certainly never seen.

CREATE TABLE chat.conversation (
    conversation_key   uuid            NOT NULL,
    p                  smallint        NOT NULL,
    tenant_id          text            COLLATE "C" NOT NULL,
    conversation_id    text            COLLATE "C" NOT NULL,
    type               text            NOT NULL,
    name               text            NOT NULL,
    created_by         text            COLLATE "C" NOT NULL,
    created_at         timestamptz(3)  NOT NULL,
    created_revision   bigint          NOT NULL,
    last_sequence      bigint          NOT NULL,
    revision           bigint          NOT NULL,
    client_time        bigint          NOT NULL DEFAULT 0,
    client_time_ahead  bigint          NOT NULL DEFAULT 0,
    client_other       boolean         NOT NULL DEFAULT false,
    deleted_at         timestamptz(3),

    CONSTRAINT conversation_pk    PRIMARY KEY (conversation_key),
    CONSTRAINT conversation_id    UNIQUE (tenant_id, conversation_id),
    CONSTRAINT conversation_type  CHECK (type IN ('dm', 'group', 'channel'))
) WITH (fillfactor = 70);


-- The last revision that survived of each past generation in which the
-- conversation changed: a client that has seen a later one has seen what was
-- lost.  The current generation's is conversation.revision.

CREATE TABLE chat.conversation_generation (
    conversation_key  uuid    NOT NULL,
    generation        bigint  NOT NULL,
    last_revision     bigint  NOT NULL,

    CONSTRAINT conversation_generation_pk
        PRIMARY KEY (conversation_key, generation)
);


CREATE TABLE chat.member (
    conversation_key  uuid            NOT NULL,
    user_id           text            COLLATE "C" NOT NULL,
    tenant_id         text            COLLATE "C" NOT NULL,
    role              text            NOT NULL,
    joined_at         timestamptz(3)  NOT NULL,
    joined_revision   bigint          NOT NULL,
    last_read         bigint          NOT NULL DEFAULT 0,
    last_delivered    bigint          NOT NULL DEFAULT 0,

    CONSTRAINT member_pk  PRIMARY KEY (conversation_key, user_id)
) WITH (fillfactor = 80);

-- the conversations of a user
CREATE INDEX member_user ON chat.member (tenant_id, user_id);


-- content is json and not jsonb: it must come back byte for byte.  size is
-- its length in bytes, so that a reader can stop before it has read too much.
-- The partition's number is part of each key (and of the id, in six bits of
-- it): only so can they be unique.  Events of a conversation are found by
-- revision, history by sequence, the first answer to a client id by that.

CREATE TABLE chat.message (
    p                 smallint        NOT NULL,
    id                uuid            NOT NULL,
    conversation_key  uuid            NOT NULL,
    sequence          bigint          NOT NULL,
    revision          bigint          NOT NULL,
    sender_id         text            COLLATE "C" NOT NULL,
    client_id         text            COLLATE "C",
    content           json            NOT NULL,
    size              integer         NOT NULL,
    created_at        timestamptz(3)  NOT NULL,

    CONSTRAINT message_pk        PRIMARY KEY (p, id),
    CONSTRAINT message_sequence  UNIQUE (p, conversation_key, sequence),
    CONSTRAINT message_revision  UNIQUE (p, conversation_key, revision),
    CONSTRAINT message_client
        UNIQUE (p, conversation_key, sender_id, client_id)
) PARTITION BY LIST (p);


DO $$
DECLARE
    partitions  integer := current_setting('chat.partitions');
BEGIN
    IF partitions NOT BETWEEN 1 AND 64 THEN
        RAISE EXCEPTION 'number of partitions is not between 1 and 64';
    END IF;

    FOR i IN 0 .. partitions - 1 LOOP
        INSERT INTO chat.partition (p) VALUES (i);
        EXECUTE format('CREATE TABLE chat.message_p%s '
                       'PARTITION OF chat.message FOR VALUES IN (%s)',
                       to_char(i, 'FM00'), i);
    END LOOP;
END
$$;


-- What PostgreSQL refused, with the reason; the log went on without it.

CREATE TABLE chat.dead_letter (
    id      bigint       NOT NULL GENERATED ALWAYS AS IDENTITY,
    p       smallint     NOT NULL,
    log_id  text         NOT NULL,
    fields  json         NOT NULL,
    reason  text         NOT NULL,
    at      timestamptz  NOT NULL DEFAULT now(),

    CONSTRAINT dead_letter_pk  PRIMARY KEY (id)
);


-- Moves positions; the first statement of every storing transaction.  It fails,
-- and the transaction with it, unless each partition is still as its holder
-- believes.  The row stays locked to the end, so whoever takes the partition
-- sees all of a transaction or nothing.  It renews the lease, too.

CREATE FUNCTION chat.partition_move(p smallint[], fence bigint[],
    generation bigint[], old_id text[], new_id text[], lease_ms integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    moved  integer;
BEGIN
    UPDATE chat.partition t
       SET stored_id = n.new_id,
           lease_until = clock_timestamp()
                         + lease_ms * interval '1 millisecond'
      FROM unnest(partition_move.p, partition_move.fence,
                  partition_move.generation, partition_move.old_id,
                  partition_move.new_id)
           AS n (p, fence, generation, old_id, new_id)
     WHERE t.p = n.p
       AND t.fence = n.fence
       AND t.generation = n.generation
       AND t.stored_id = n.old_id;

    GET DIAGNOSTICS moved = ROW_COUNT;

    IF moved <> cardinality(partition_move.p) THEN
        RAISE EXCEPTION 'partition is held by another'
            USING ERRCODE = 'CH001';
    END IF;
END
$$;


-- Whether a conversation may be made again.  That one which was not deleted is
-- made twice cannot happen, so it is an error of the kind that stops a
-- partition.

CREATE FUNCTION chat.conversation_made_again(deleted_at timestamptz)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF deleted_at IS NULL THEN
        RAISE unique_violation USING MESSAGE = 'conversation was made twice';
    END IF;

    RETURN true;
END
$$;

COMMIT;
