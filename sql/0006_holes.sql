-- 0006: holes that are known of.
--
-- A dead letter that is dropped leaves something missing for ever: a message,
-- or a change.  What it was is kept, without any content, so that "chatctl
-- verify" tells it from what was lost.

BEGIN;

INSERT INTO chat.schema_version (version) VALUES (6);


-- What stays of a letter when its fields are erased; sequence is that of a
-- message.  NULL: it has none, or it cannot be told.  PostgreSQL reads no JSON
-- that has a NUL, as the name of a field may be one.

ALTER TABLE chat.dead_letter
    ADD COLUMN revision  bigint,
    ADD COLUMN sequence  bigint;

UPDATE chat.dead_letter SET
    revision = CASE WHEN fields ->> 'r' ~ '^[0-9]{1,16}$'
                    THEN (fields ->> 'r')::bigint END,
    sequence = CASE WHEN fields ->> 'q' ~ '^[0-9]{1,16}$'
                    THEN (fields ->> 'q')::bigint END
 WHERE position('\u0000' in fields::text) = 0;


CREATE TABLE chat.hole (
    conversation_key  uuid            NOT NULL,
    revision          bigint          NOT NULL,
    message_id        uuid,
    sequence          bigint,
    dropped_at        timestamptz(3)  NOT NULL DEFAULT now(),

    CONSTRAINT hole_pk  PRIMARY KEY (conversation_key, revision)
);


-- Drops a dead letter, or all of them; returns how many.

CREATE FUNCTION chat.dead_letter_drop(id bigint, every boolean)
RETURNS bigint LANGUAGE sql AS $$
    WITH gone AS (
        DELETE FROM chat.dead_letter d
         WHERE d.id = dead_letter_drop.id OR every
        RETURNING d.*
    ), holes AS (
        INSERT INTO chat.hole (conversation_key, revision, message_id, sequence)
        SELECT conversation_key, revision, message_id, sequence FROM gone
         WHERE conversation_key IS NOT NULL AND revision IS NOT NULL
        ON CONFLICT (conversation_key, revision) DO NOTHING
    )
    SELECT count(*) FROM gone
$$;

COMMIT;
