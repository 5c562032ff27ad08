-- 0002: what becomes of conversations, members and messages.
--
-- Edits with what stood there before, deletions that leave nothing but a mark,
-- reactions, replies, mentions, settings, roles that come and go.  Whoever was
-- away is told the latest state of each of them, so each has the revision of
-- the last event that changed it, and what ended keeps its row.

BEGIN;

INSERT INTO chat.schema_version (version) VALUES (2);

-- How many days former contents of messages are kept; 0: they never are, empty:
-- for ever.
INSERT INTO chat.setting (name, value) VALUES ('message_version_days', '30');


-- settings_revision is that of the last conversation.updated, deleted_revision
-- that of the last conversation.deleted; 0: there was none.  Made again under
-- the same id, a conversation keeps its row and gets a new key, so that nothing
-- of its former life belongs to it; what was deleted has no name any more.

ALTER TABLE chat.conversation
    ADD COLUMN description        text     NOT NULL DEFAULT '',
    ADD COLUMN read_only          boolean  NOT NULL DEFAULT false,
    ADD COLUMN slow_mode          integer  NOT NULL DEFAULT 0,
    ADD COLUMN settings_revision  bigint   NOT NULL DEFAULT 0,
    ADD COLUMN deleted_revision   bigint   NOT NULL DEFAULT 0;


-- Who has left keeps the row, with role NULL; one who is blocked has the role
-- "blocked" and is no member either.
--
-- revision is that of the last member.* event that clients were told, and
-- joined_revision that of the member.joined by which the membership began; 0:
-- there was none.  A user becomes a member of a channel by the first message or
-- mark, and clients are not told: silent says that role came so.  With a
-- revision beside it, what clients were told last is that the user left.

ALTER TABLE chat.member
    ALTER COLUMN role DROP NOT NULL,
    ADD COLUMN revision  bigint   NOT NULL DEFAULT 0,
    ADD COLUMN silent    boolean  NOT NULL DEFAULT false;

UPDATE chat.member SET joined_revision = 0;

DROP INDEX chat.member_user;

-- the conversations of a user, the newest first: keys are UUIDv7
CREATE INDEX member_list ON chat.member (tenant_id, user_id, conversation_key)
    WHERE role <> 'blocked';

-- what happened to members after a revision
CREATE INDEX member_revision ON chat.member (conversation_key, revision)
    WHERE revision > 0;


-- revision is that of the message's last event.  created_revision is that of
-- its first one and NULL as long as they are the same: plain messages, nearly
-- all there are, have nothing in these columns.  A deleted message has no
-- content, attachments, mentions or replied-to message; deleted_by is NULL if
-- it was the operator.  size counts the attachments, too.

ALTER TABLE chat.message
    ALTER COLUMN content DROP NOT NULL,
    ADD COLUMN created_revision  bigint,
    ADD COLUMN edited_at         timestamptz(3),
    ADD COLUMN deleted_at        timestamptz(3),
    ADD COLUMN deleted_by        text  COLLATE "C",
    ADD COLUMN reply_to          uuid,
    ADD COLUMN mentions          text[],
    ADD COLUMN attachments       json;

-- the replies to a message, in their order
CREATE INDEX message_reply ON chat.message (p, reply_to, sequence)
    WHERE reply_to IS NOT NULL;


-- Former contents: of the event with that revision, until replaced_at.

CREATE TABLE chat.message_version (
    p            smallint        NOT NULL,
    message_id   uuid            NOT NULL,
    revision     bigint          NOT NULL,
    content      json            NOT NULL,
    replaced_at  timestamptz(3)  NOT NULL,

    CONSTRAINT message_version_pk  PRIMARY KEY (p, message_id, revision)
);

-- what is too old
CREATE INDEX message_version_replaced ON chat.message_version (replaced_at);


-- Where a user is mentioned, the newest first: message ids are UUIDv7.  A table
-- of its own, since no index of chat.message could have both the tenant and
-- the order, and since plain messages have no part in it.

CREATE TABLE chat.mention (
    tenant_id         text      COLLATE "C" NOT NULL,
    user_id           text      COLLATE "C" NOT NULL,
    message_id        uuid      NOT NULL,
    p                 smallint  NOT NULL,
    conversation_key  uuid      NOT NULL,

    CONSTRAINT mention_pk  PRIMARY KEY (tenant_id, user_id, message_id)
);


-- revision is that of the last event, so the order of those that are there is
-- that in which they were added.  One that was removed keeps its row until the
-- message is deleted.

CREATE TABLE chat.reaction (
    p                 smallint  NOT NULL,
    conversation_key  uuid      NOT NULL,
    message_id        uuid      NOT NULL,
    user_id           text      COLLATE "C" NOT NULL,
    emoji             text      COLLATE "C" NOT NULL,
    revision          bigint    NOT NULL,
    removed           boolean   NOT NULL,

    CONSTRAINT reaction_pk
        PRIMARY KEY (p, conversation_key, message_id, user_id, emoji),
    CONSTRAINT reaction_revision  UNIQUE (p, conversation_key, revision)
) PARTITION BY LIST (p);

DO $$
DECLARE
    i  smallint;
BEGIN
    FOR i IN SELECT p FROM chat.partition ORDER BY p LOOP
        EXECUTE format('CREATE TABLE chat.reaction_p%s '
                       'PARTITION OF chat.reaction FOR VALUES IN (%s)',
                       to_char(i, 'FM00'), i);
    END LOOP;
END
$$;


-- those of a message that are there, in the order in which they were added
CREATE INDEX reaction_there
    ON chat.reaction (p, conversation_key, message_id, revision)
    WHERE NOT removed;


-- What a dead letter concerns: its fields go when that is deleted.

ALTER TABLE chat.dead_letter
    ADD COLUMN conversation_key  uuid,
    ADD COLUMN message_id        uuid;

CREATE INDEX dead_letter_conversation ON chat.dead_letter (conversation_key);
CREATE INDEX dead_letter_message ON chat.dead_letter (message_id);


-- Conversations that were deleted, by the key that they had, until all that
-- belonged to them is erased.

CREATE TABLE chat.erasure (
    conversation_key  uuid      NOT NULL,
    p                 smallint  NOT NULL,
    tenant_id         text      COLLATE "C" NOT NULL,

    CONSTRAINT erasure_pk  PRIMARY KEY (p, conversation_key)
);


-- One step of erasing in these partitions: about so many rows of a conversation
-- that was deleted.  Returns how many rows went; 0: nothing is left to do.
-- Nobody writes under such a key any more, so this may run in two places at
-- once and needs no fence.

CREATE FUNCTION chat.erase(p smallint[], most integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    e     chat.erasure;
    rows  integer;
BEGIN
    SELECT * INTO e FROM chat.erasure t WHERE t.p = ANY (erase.p)
     ORDER BY t.p, t.conversation_key LIMIT 1 FOR UPDATE SKIP LOCKED;

    IF NOT FOUND THEN
        RETURN 0;
    END IF;

    WITH gone AS (
        DELETE FROM chat.message t
         USING (SELECT m.p, m.id FROM chat.message m
                 WHERE m.p = e.p AND m.conversation_key = e.conversation_key
                 LIMIT most) n
         WHERE t.p = n.p AND t.id = n.id
        RETURNING t.id, t.mentions
    ), versions AS (
        DELETE FROM chat.message_version v USING gone
         WHERE v.p = e.p AND v.message_id = gone.id
    ), mentions AS (
        DELETE FROM chat.mention n USING gone
         WHERE n.tenant_id = e.tenant_id AND n.user_id = ANY (gone.mentions)
           AND n.message_id = gone.id
    )
    SELECT count(*) INTO rows FROM gone;

    IF rows > 0 THEN
        RETURN rows;
    END IF;

    DELETE FROM chat.reaction t
     USING (SELECT r.message_id, r.user_id, r.emoji FROM chat.reaction r
             WHERE r.p = e.p AND r.conversation_key = e.conversation_key
             LIMIT most) n
     WHERE t.p = e.p AND t.conversation_key = e.conversation_key
       AND t.message_id = n.message_id AND t.user_id = n.user_id
       AND t.emoji = n.emoji;
    GET DIAGNOSTICS rows = ROW_COUNT;

    IF rows > 0 THEN
        RETURN rows;
    END IF;

    DELETE FROM chat.member t
     USING (SELECT m.user_id FROM chat.member m
             WHERE m.conversation_key = e.conversation_key LIMIT most) n
     WHERE t.conversation_key = e.conversation_key AND t.user_id = n.user_id;
    GET DIAGNOSTICS rows = ROW_COUNT;

    IF rows > 0 THEN
        RETURN rows;
    END IF;

    UPDATE chat.dead_letter d SET fields = '{}'
     WHERE d.conversation_key = e.conversation_key;
    DELETE FROM chat.erasure t
     WHERE t.p = e.p AND t.conversation_key = e.conversation_key;

    RETURN 1;
END
$$;


-- The time from which on former contents are kept; NULL: all are.

CREATE FUNCTION chat.version_limit()
RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN value ~ '^[0-9]{1,6}$'
                THEN now() - value::integer * interval '1 day' END
      FROM chat.setting WHERE name = 'message_version_days'
$$;


-- Whether one more is kept of a message: somebody might edit without end, and
-- all of them go in the transaction that stores the deletion.

CREATE FUNCTION chat.version_kept(p smallint, message_id uuid)
RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(chat.version_limit() < now(), true)
       AND (SELECT count(*)
              FROM (SELECT FROM chat.message_version v
                     WHERE v.p = $1 AND v.message_id = $2 LIMIT 1000) n) < 1000
$$;


-- Erases former contents that are too old, so many at the most.  Returns how
-- many.

CREATE FUNCTION chat.erase_versions(most integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    rows  integer;
BEGIN
    DELETE FROM chat.message_version t
     USING (SELECT v.p, v.message_id, v.revision
              FROM chat.message_version v
             WHERE v.replaced_at <= chat.version_limit()
             ORDER BY v.replaced_at LIMIT most) n
     WHERE t.p = n.p AND t.message_id = n.message_id
       AND t.revision = n.revision;
    GET DIAGNOSTICS rows = ROW_COUNT;

    RETURN rows;
END
$$;

COMMIT;
