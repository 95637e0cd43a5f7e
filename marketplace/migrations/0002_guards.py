"""What the database itself refuses: changes to a published version, and to the history of marks."""

from __future__ import annotations

from django.db import migrations

VERSION = """
CREATE FUNCTION version_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN
    IF OLD.state <> 'copying' THEN
      RAISE EXCEPTION 'a published version is never deleted' USING ERRCODE = 'check_violation';
    END IF;
    RETURN OLD;
  END IF;
  IF OLD.state <> 'copying' AND (
       (NEW.id, NEW.template_id, NEW.number, NEW.sort_key, NEW.document, NEW.content_hash, NEW.bytes,
        NEW.published_by_id, NEW.published_at, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.template_id, OLD.number, OLD.sort_key, OLD.document, OLD.content_hash, OLD.bytes,
        OLD.published_by_id, OLD.published_at, OLD.created_at)) THEN
    RAISE EXCEPTION 'a published version is immutable' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state IS DISTINCT FROM OLD.state AND NOT (
       (OLD.state = 'copying' AND NEW.state = 'published') OR (OLD.state = 'published' AND NEW.state = 'withdrawn')) THEN
    RAISE EXCEPTION 'a version does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER version_immutable BEFORE UPDATE OR DELETE ON version
  FOR EACH ROW EXECUTE FUNCTION version_immutable();
"""

MARK = """
CREATE FUNCTION mark_event_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the history of marks takes inserts only' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER mark_event_append_only BEFORE UPDATE OR DELETE ON mark_event
  FOR EACH STATEMENT EXECUTE FUNCTION mark_event_append_only();
"""

UNDO = """
DROP TRIGGER mark_event_append_only ON mark_event;
DROP FUNCTION mark_event_append_only();
DROP TRIGGER version_immutable ON version;
DROP FUNCTION version_immutable();
"""


class Migration(migrations.Migration):
    """Install the triggers."""

    dependencies = [("marketplace", "0001_initial")]

    operations = [migrations.RunSQL(VERSION + MARK, UNDO)]
