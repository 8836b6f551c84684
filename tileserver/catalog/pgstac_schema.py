"""What the database needs: pgSTAC itself, and our schema beside it."""

from __future__ import annotations

import psycopg

_LOCK = 7_226_541
"""Several workers start at once; one of them prepares."""
_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS tilescope;
CREATE SEQUENCE IF NOT EXISTS tilescope.changes;
CREATE TABLE IF NOT EXISTS tilescope.revisions (collection text PRIMARY KEY, revision bigint NOT NULL);
CREATE TABLE IF NOT EXISTS tilescope.facts (
    collection text, item text, key text, value jsonb NOT NULL, PRIMARY KEY (collection, item, key)
);

CREATE OR REPLACE FUNCTION tilescope.touch(names text[]) RETURNS void LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO tilescope.revisions SELECT name, nextval('tilescope.changes') FROM unnest(names) AS name ORDER BY name
    ON CONFLICT (collection) DO UPDATE SET revision = excluded.revision
$$;

CREATE OR REPLACE FUNCTION tilescope.items_came() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM tilescope.touch(ARRAY(SELECT DISTINCT collection FROM changed));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tilescope.items_went() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM tilescope.facts AS f USING changed AS c WHERE f.collection = c.collection AND f.item = c.id;
    PERFORM tilescope.touch(ARRAY(SELECT DISTINCT collection FROM changed));
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION tilescope.collections_came() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM tilescope.touch(ARRAY(SELECT id FROM changed));
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER tilescope_insert AFTER INSERT ON pgstac.items
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tilescope.items_came();
CREATE OR REPLACE TRIGGER tilescope_update AFTER UPDATE ON pgstac.items
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tilescope.items_went();
CREATE OR REPLACE TRIGGER tilescope_delete AFTER DELETE ON pgstac.items
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tilescope.items_went();
CREATE OR REPLACE TRIGGER tilescope_insert AFTER INSERT ON pgstac.collections
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tilescope.collections_came();
CREATE OR REPLACE TRIGGER tilescope_update AFTER UPDATE ON pgstac.collections
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION tilescope.collections_came();
"""


def prepare(uri: str) -> None:
    """Install what is missing. An existing pgSTAC keeps its version: others may depend on it."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        try:
            there = connection.execute("SELECT to_regclass('pgstac.items')").fetchone()
            if there is None or there[0] is None:
                _install(uri)
            ours = connection.execute("SELECT to_regclass('tilescope.facts')").fetchone()
            if ours is None or ours[0] is None:
                connection.execute(_SCHEMA)
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _install(uri: str) -> None:
    from pypgstac.db import PgstacDB
    from pypgstac.migrate import Migrate

    database = PgstacDB(dsn=uri)
    try:
        Migrate(database).run_migration()
    finally:
        database.close()
