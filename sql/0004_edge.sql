-- 0004: an edge that can face strangers.
--
-- Revocations: tokens that are good by themselves and are refused all the same.

BEGIN;

INSERT INTO chat.schema_version (version) VALUES (4);


-- One row: the number of the last change of a revocation, and how many rows
-- there are.  Whoever makes a change takes its number here first and so waits
-- for the one before it: changes are seen in the order of their numbers.

CREATE TABLE chat.revocation_count (
    one     boolean  NOT NULL DEFAULT true,
    number  bigint   NOT NULL DEFAULT 0,
    rows    integer  NOT NULL DEFAULT 0,

    CONSTRAINT revocation_count_pk   PRIMARY KEY (one),
    CONSTRAINT revocation_count_one  CHECK (one)
) WITH (fillfactor = 20);

INSERT INTO chat.revocation_count DEFAULT VALUES;


-- What is revoked: a token session (sid), one token (jti), or those tokens of a
-- user that were issued up to before_at, all if that is infinity.  It ends at
-- until_at, which may be infinity.  One that was lifted keeps its row for a
-- while: it has to be told to Redis, where an older copy may still have it.

CREATE TABLE chat.revocation (
    tenant_id   text            COLLATE "C" NOT NULL,
    kind        text            COLLATE "C" NOT NULL,
    value       text            COLLATE "C" NOT NULL,
    number      bigint          NOT NULL,
    before_at   timestamptz(0)  NOT NULL,
    until_at    timestamptz(3)  NOT NULL,
    created_at  timestamptz(3)  NOT NULL DEFAULT clock_timestamp(),
    lifted_at   timestamptz(3),
    reason      text            NOT NULL,

    CONSTRAINT revocation_pk      PRIMARY KEY (tenant_id, kind, value),
    CONSTRAINT revocation_number  UNIQUE (number),
    CONSTRAINT revocation_kind    CHECK (kind IN ('user', 'sid', 'jti'))
);

CREATE INDEX revocation_until ON chat.revocation (until_at);


-- Forgets what has ended, so many at most; returns how many.

CREATE FUNCTION chat.revocation_expire(most integer)
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    n  integer;
BEGIN
    PERFORM FROM chat.revocation_count FOR UPDATE;

    DELETE FROM chat.revocation r
     WHERE (r.tenant_id, r.kind, r.value) IN (
            SELECT t.tenant_id, t.kind, t.value FROM chat.revocation t
             WHERE t.until_at < clock_timestamp()
             ORDER BY t.until_at LIMIT most);

    GET DIAGNOSTICS n = ROW_COUNT;

    UPDATE chat.revocation_count SET rows = rows - n WHERE n > 0;

    RETURN n;
END
$$;


-- Revokes.  What was revoked before is never made less by that.  There may be
-- 100,000: each node has all of them in its memory.  Returns the number of the
-- change.

CREATE FUNCTION chat.revocation_set(tenant_id text, kind text, value text,
    before_at timestamptz, until_at timestamptz, reason text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n    bigint;
    now  timestamptz := clock_timestamp();
BEGIN
    UPDATE chat.revocation_count c SET number = c.number + 1
    RETURNING c.number INTO n;

    UPDATE chat.revocation r
       SET number = n,
           before_at = CASE WHEN r.lifted_at IS NULL AND r.until_at >= now
                            THEN greatest(r.before_at,
                                          revocation_set.before_at)
                            ELSE revocation_set.before_at END,
           until_at = CASE WHEN r.lifted_at IS NULL
                           THEN greatest(r.until_at, revocation_set.until_at)
                           ELSE revocation_set.until_at END,
           created_at = now,
           lifted_at = NULL,
           reason = revocation_set.reason
     WHERE r.tenant_id = revocation_set.tenant_id
       AND r.kind = revocation_set.kind
       AND r.value = revocation_set.value;

    IF FOUND THEN
        RETURN n;
    END IF;

    IF (SELECT c.rows FROM chat.revocation_count c) >= 100000 THEN
        PERFORM chat.revocation_expire(1000);
    END IF;

    IF (SELECT c.rows FROM chat.revocation_count c) >= 100000 THEN
        RAISE EXCEPTION 'there are 100000 revocations already'
            USING ERRCODE = 'program_limit_exceeded';
    END IF;

    UPDATE chat.revocation_count c SET rows = c.rows + 1;

    INSERT INTO chat.revocation
    VALUES (revocation_set.tenant_id, revocation_set.kind,
            revocation_set.value, n, revocation_set.before_at,
            revocation_set.until_at, now, NULL, revocation_set.reason);

    RETURN n;
END
$$;


-- Ends a revocation; NULL if there is none.

CREATE FUNCTION chat.revocation_lift(tenant_id text, kind text, value text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n    bigint;
    now  timestamptz := clock_timestamp();
BEGIN
    UPDATE chat.revocation_count c SET number = c.number + 1
    RETURNING c.number INTO n;

    UPDATE chat.revocation r
       SET number = n,
           lifted_at = now,
           until_at = greatest(least(r.until_at, now + interval '366 days'),
                               now + interval '31 days')
     WHERE r.tenant_id = revocation_lift.tenant_id
       AND r.kind = revocation_lift.kind
       AND r.value = revocation_lift.value
       AND r.lifted_at IS NULL AND r.until_at >= now;

    RETURN CASE WHEN FOUND THEN n END;
END
$$;

COMMIT;
