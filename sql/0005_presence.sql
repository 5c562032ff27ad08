-- 0005: who is there.
--
-- What a user has chosen to look like, and when it was last seen; who is there
-- now is in Redis alone.  chat-presence is the only writer.

BEGIN;

INSERT INTO chat.schema_version (version) VALUES (5);


-- version orders the choices of a user; 0 is that nothing was chosen yet.  text
-- is the inside of a JSON string, as the client has written it.

CREATE TABLE chat.presence (
    tenant_id  text            COLLATE "C" NOT NULL,
    user_id    text            COLLATE "C" NOT NULL,
    choice     text            NOT NULL DEFAULT 'online',
    text       text            NOT NULL DEFAULT '',
    version    bigint          NOT NULL DEFAULT 0,
    last_seen  timestamptz(3),

    CONSTRAINT presence_pk      PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT presence_choice
        CHECK (choice IN ('online', 'away', 'busy', 'invisible'))
) WITH (fillfactor = 70);


-- Stores what Redis knows of some users: the choice as its letter, last seen in
-- milliseconds, 0 if that is not known.  May be repeated, and come late: of the
-- choices the highest version stays, of the times the latest.  Always in the
-- same order, so that two who store the same wait for each other.

CREATE FUNCTION chat.presence_store(tenants text[], users text[],
    choices text[], texts text[], versions bigint[], seen bigint[])
RETURNS void LANGUAGE sql AS $$
    INSERT INTO chat.presence AS p
           (tenant_id, user_id, choice, text, version, last_seen)
    SELECT t, u,
           CASE c WHEN 'a' THEN 'away' WHEN 'b' THEN 'busy'
                  WHEN 'i' THEN 'invisible' ELSE 'online' END,
           x, v, to_timestamp(nullif(s, 0) / 1000.0)
      FROM unnest(tenants, users, choices, texts, versions, seen)
           AS given (t, u, c, x, v, s)
     ORDER BY t, u
    ON CONFLICT (tenant_id, user_id) DO UPDATE SET
        choice    = CASE WHEN excluded.version > p.version
                         THEN excluded.choice ELSE p.choice END,
        text      = CASE WHEN excluded.version > p.version
                         THEN excluded.text ELSE p.text END,
        version   = greatest(excluded.version, p.version),
        last_seen = greatest(excluded.last_seen, p.last_seen);
$$;

COMMIT;
