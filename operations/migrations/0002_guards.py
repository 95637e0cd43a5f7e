"""What the database itself holds: legal moves, terminal rows at rest, and the bell that wakes event streams."""

from __future__ import annotations

from django.db import migrations

# The table of moves is `operations.states.MOVES`. A terminal row changes in one way: its sealed input is wiped. A
# rotation of the encryption keys seals the same content anew; it says so for its own transaction.
MOVES = """
CREATE FUNCTION operation_moves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  rotating boolean := coalesce(current_setting('waybill.rotating', true), '') = 'on';
  beside text[] := ARRAY['sealed', 'updated_at', 'row_version'];
BEGIN
  IF OLD.state IN ('succeeded', 'failed', 'errored', 'cancelled') THEN
    IF to_jsonb(NEW) - beside = to_jsonb(OLD) - beside AND OLD.sealed IS NOT NULL
       AND (NEW.sealed IS NULL OR rotating) THEN
      RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an operation that has ended does not change' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state IS DISTINCT FROM OLD.state AND NOT (
       (OLD.state = 'queued' AND NEW.state IN ('running', 'cancelled'))
       OR (OLD.state = 'running' AND NEW.state IN ('waiting', 'succeeded', 'failed', 'errored', 'cancelled'))
       OR (OLD.state = 'waiting' AND NEW.state = 'running')) THEN
    RAISE EXCEPTION 'an operation does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  IF (NEW.id, NEW.number, NEW.enterprise_id, NEW.kind, NEW.is_batch, NEW.lock_key, NEW.input, NEW.created_at)
     IS DISTINCT FROM
     (OLD.id, OLD.number, OLD.enterprise_id, OLD.kind, OLD.is_batch, OLD.lock_key, OLD.input, OLD.created_at) THEN
    RAISE EXCEPTION 'what an operation is does not change' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.epoch < OLD.epoch THEN
    RAISE EXCEPTION 'an epoch does not go back' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER operation_moves BEFORE UPDATE ON operation
  FOR EACH ROW EXECUTE FUNCTION operation_moves();

CREATE FUNCTION operation_born() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.state IS DISTINCT FROM (CASE WHEN NEW.is_batch THEN 'running' ELSE 'queued' END) THEN
    RAISE EXCEPTION 'an operation is not born %', NEW.state USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER operation_born BEFORE INSERT ON operation
  FOR EACH ROW EXECUTE FUNCTION operation_born();
"""

EVENTS = """
CREATE FUNCTION operation_event_bell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('waybill', 'op-' || (SELECT number FROM operation WHERE id = NEW.operation_id));
  RETURN NULL;
END $$;
CREATE TRIGGER operation_event_bell AFTER INSERT ON operation_event
  FOR EACH ROW EXECUTE FUNCTION operation_event_bell();

CREATE FUNCTION operation_event_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a line of the log does not change' USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER operation_event_insert_only BEFORE UPDATE OR DELETE ON operation_event
  FOR EACH ROW EXECUTE FUNCTION operation_event_insert_only();

CREATE FUNCTION operation_bell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('waybill', 'op-' || NEW.number);
  RETURN NULL;
END $$;
CREATE TRIGGER operation_bell AFTER UPDATE ON operation
  FOR EACH ROW WHEN (
    (OLD.state, OLD.changed, OLD.done, OLD.total, OLD.cancel_requested_at, OLD.waiting_for)
    IS DISTINCT FROM
    (NEW.state, NEW.changed, NEW.done, NEW.total, NEW.cancel_requested_at, NEW.waiting_for))
  EXECUTE FUNCTION operation_bell();

CREATE FUNCTION step_bell() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('waybill', 'op-' || (SELECT number FROM operation WHERE id = NEW.operation_id));
  RETURN NULL;
END $$;
CREATE TRIGGER step_bell AFTER UPDATE ON step
  FOR EACH ROW WHEN (
    (OLD.state, OLD.done, OLD.total, OLD.message_code, OLD.message_params)
    IS DISTINCT FROM (NEW.state, NEW.done, NEW.total, NEW.message_code, NEW.message_params))
  EXECUTE FUNCTION step_bell();
"""

UNDO = """
DROP TRIGGER step_bell ON step;
DROP FUNCTION step_bell();
DROP TRIGGER operation_bell ON operation;
DROP FUNCTION operation_bell();
DROP TRIGGER operation_event_insert_only ON operation_event;
DROP FUNCTION operation_event_insert_only();
DROP TRIGGER operation_event_bell ON operation_event;
DROP FUNCTION operation_event_bell();
DROP TRIGGER operation_born ON operation;
DROP FUNCTION operation_born();
DROP TRIGGER operation_moves ON operation;
DROP FUNCTION operation_moves();
"""


class Migration(migrations.Migration):
    """Install the triggers."""

    dependencies = [("operations", "0001_initial")]

    operations = [migrations.RunSQL(MOVES + EVENTS, UNDO)]
