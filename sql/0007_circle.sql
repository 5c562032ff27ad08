-- 0007: with whom a user shares something.
--
-- Whoever wants to know whether others are there must share a dm or a group
-- with them: each presence.subscribe asks that for up to 200 users.  Members
-- could tell, but their rows change with every mark, so PostgreSQL would have
-- to look at each of them; and they do not say whether a conversation is a
-- channel or deleted.  Rows here are only added and removed, so the index alone
-- is read.
--
-- Triggers keep it: whatever changes members or conversations, in whatever
-- order, changes it in the same transaction.

BEGIN;

INSERT INTO chat.schema_version (version) VALUES (7);

-- Storing begins with the positions, and goes on with either of the others: who
-- waits for these before them is in nobody's way.

LOCK TABLE chat.partition, chat.member, chat.conversation
    IN SHARE ROW EXCLUSIVE MODE;


-- the dms and groups, not deleted, of which a user is a member that is not
-- blocked

CREATE TABLE chat.circle (
    tenant_id         text  COLLATE "C" NOT NULL,
    user_id           text  COLLATE "C" NOT NULL,
    conversation_key  uuid  NOT NULL,

    CONSTRAINT circle_pk  PRIMARY KEY (tenant_id, user_id, conversation_key)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.02,
        autovacuum_vacuum_scale_factor = 0.02);


CREATE FUNCTION chat.circle_joined() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chat.circle (tenant_id, user_id, conversation_key)
    SELECT j.tenant_id, j.user_id, j.conversation_key
      FROM joined j JOIN chat.conversation c USING (conversation_key)
     WHERE j.role <> 'blocked' AND c.type <> 'channel'
       AND c.deleted_at IS NULL
    ON CONFLICT DO NOTHING;

    RETURN NULL;
END
$$;

CREATE TRIGGER circle_joined
    AFTER INSERT ON chat.member
    REFERENCING NEW TABLE AS joined
    FOR EACH STATEMENT EXECUTE FUNCTION chat.circle_joined();


CREATE FUNCTION chat.circle_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM chat.circle t
     WHERE t.tenant_id = OLD.tenant_id AND t.user_id = OLD.user_id
       AND t.conversation_key = OLD.conversation_key;

    IF TG_OP = 'UPDATE' AND NEW.role <> 'blocked' THEN
        INSERT INTO chat.circle (tenant_id, user_id, conversation_key)
        SELECT NEW.tenant_id, NEW.user_id, c.conversation_key
          FROM chat.conversation c
         WHERE c.conversation_key = NEW.conversation_key
           AND c.type <> 'channel' AND c.deleted_at IS NULL
        ON CONFLICT DO NOTHING;
    END IF;

    RETURN NULL;
END
$$;

CREATE TRIGGER circle_changed
    AFTER DELETE OR UPDATE OF role ON chat.member
    FOR EACH ROW EXECUTE FUNCTION chat.circle_changed();


-- A conversation that is made again has a new key.  Members that came before
-- their conversation, as those of a dead letter may, are taken when it comes.

CREATE FUNCTION chat.circle_conversation() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        DELETE FROM chat.circle t USING chat.member m
         WHERE m.conversation_key = OLD.conversation_key
           AND t.tenant_id = m.tenant_id AND t.user_id = m.user_id
           AND t.conversation_key = m.conversation_key;
    END IF;

    IF TG_OP <> 'DELETE' AND NEW.type <> 'channel'
        AND NEW.deleted_at IS NULL
    THEN
        INSERT INTO chat.circle (tenant_id, user_id, conversation_key)
        SELECT m.tenant_id, m.user_id, m.conversation_key
          FROM chat.member m
         WHERE m.conversation_key = NEW.conversation_key
           AND m.role <> 'blocked'
        ON CONFLICT DO NOTHING;
    END IF;

    RETURN NULL;
END
$$;

CREATE TRIGGER circle_conversation
    AFTER INSERT OR DELETE OR UPDATE OF conversation_key, type, deleted_at
    ON chat.conversation
    FOR EACH ROW EXECUTE FUNCTION chat.circle_conversation();


INSERT INTO chat.circle (tenant_id, user_id, conversation_key)
SELECT m.tenant_id, m.user_id, m.conversation_key
  FROM chat.member m JOIN chat.conversation c USING (conversation_key)
 WHERE m.role <> 'blocked' AND c.type <> 'channel' AND c.deleted_at IS NULL
 ORDER BY m.tenant_id, m.user_id, m.conversation_key;

COMMIT;
