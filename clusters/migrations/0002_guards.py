"""What the database itself refuses: environments across enterprises, and changes to a revision once it was rendered."""

from __future__ import annotations

from django.db import migrations

ENVIRONMENT = """
CREATE FUNCTION environment_one_enterprise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.enterprise_id IS DISTINCT FROM (SELECT enterprise_id FROM team WHERE id = NEW.team_id)
     OR NEW.enterprise_id IS DISTINCT FROM (SELECT enterprise_id FROM cluster WHERE id = NEW.cluster_id) THEN
    RAISE EXCEPTION 'environment, team and cluster belong to one enterprise' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER environment_one_enterprise BEFORE INSERT OR UPDATE ON environment
  FOR EACH ROW EXECUTE FUNCTION environment_one_enterprise();
"""

# A rotation of the encryption keys seals the same content anew; it says so for its own transaction.
REVISION = """
CREATE FUNCTION revision_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE rotating boolean := coalesce(current_setting('waybill.rotating', true), '') = 'on';
BEGIN
  IF TG_OP = 'DELETE' THEN
    RAISE EXCEPTION 'a revision is never deleted' USING ERRCODE = 'check_violation';
  END IF;
  IF OLD.objects IS NOT NULL AND (
       (NEW.id, NEW.application_id, NEW.number, NEW.kind, NEW.document, NEW.document_hash, NEW.values, NEW.source,
        NEW.based_on_id, NEW.rolls_back_to_id, NEW.operation_id, NEW.reason, NEW.objects, NEW.created_at)
       IS DISTINCT FROM
       (OLD.id, OLD.application_id, OLD.number, OLD.kind, OLD.document, OLD.document_hash, OLD.values, OLD.source,
        OLD.based_on_id, OLD.rolls_back_to_id, OLD.operation_id, OLD.reason, OLD.objects, OLD.created_at)
       OR (NEW.sealed IS DISTINCT FROM OLD.sealed AND NOT rotating)) THEN
    RAISE EXCEPTION 'a rendered revision changes its state only' USING ERRCODE = 'check_violation';
  END IF;
  IF NEW.state IS DISTINCT FROM OLD.state AND NOT (
       (OLD.state = 'pending' AND NEW.state IN ('deployed', 'failed'))
       OR (OLD.state = 'deployed' AND NEW.state = 'superseded')) THEN
    RAISE EXCEPTION 'a revision does not go from % to %', OLD.state, NEW.state USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER revision_immutable BEFORE UPDATE OR DELETE ON revision
  FOR EACH ROW EXECUTE FUNCTION revision_immutable();
"""

UNDO = """
DROP TRIGGER revision_immutable ON revision;
DROP FUNCTION revision_immutable();
DROP TRIGGER environment_one_enterprise ON environment;
DROP FUNCTION environment_one_enterprise();
"""


class Migration(migrations.Migration):
    """Install the triggers."""

    dependencies = [("clusters", "0001_initial")]

    operations = [migrations.RunSQL(ENVIRONMENT + REVISION, UNDO)]
