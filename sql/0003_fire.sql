-- 0003: under fire.
--
-- Several chat-persists share the partitions evenly.

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

COMMIT;
