"""What the database itself refuses: changing the audit trail, members from elsewhere, another slug or login."""

from __future__ import annotations

from django.db import migrations

AUDIT = """
CREATE FUNCTION audit_event_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_event is insert only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER audit_event_insert_only BEFORE UPDATE OR DELETE ON audit_event
  FOR EACH ROW EXECUTE FUNCTION audit_event_insert_only();
"""

MEMBERS = """
CREATE FUNCTION membership_same_enterprise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT enterprise_id FROM team WHERE id = NEW.team_id)
     IS DISTINCT FROM (SELECT enterprise_id FROM "user" WHERE id = NEW.user_id) THEN
    RAISE EXCEPTION 'a member is of the enterprise of the team' USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER membership_same_enterprise BEFORE INSERT OR UPDATE ON membership
  FOR EACH ROW EXECUTE FUNCTION membership_same_enterprise();
"""

NAMES = """
CREATE FUNCTION public_name_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the public name and the enterprise of a % never change', TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER team_name_stays BEFORE UPDATE ON team FOR EACH ROW
  WHEN (OLD.slug <> NEW.slug OR OLD.enterprise_id <> NEW.enterprise_id) EXECUTE FUNCTION public_name_stays();
CREATE TRIGGER user_login_stays BEFORE UPDATE ON "user" FOR EACH ROW
  WHEN (OLD.login <> NEW.login OR OLD.enterprise_id <> NEW.enterprise_id) EXECUTE FUNCTION public_name_stays();
"""

UNDO = """
DROP TRIGGER user_login_stays ON "user";
DROP TRIGGER team_name_stays ON team;
DROP FUNCTION public_name_stays();
DROP TRIGGER membership_same_enterprise ON membership;
DROP FUNCTION membership_same_enterprise();
DROP TRIGGER audit_event_insert_only ON audit_event;
DROP FUNCTION audit_event_insert_only();
"""


class Migration(migrations.Migration):
    """Adds the triggers."""

    dependencies = [("teams", "0001_initial")]

    operations = [migrations.RunSQL(sql=AUDIT + MEMBERS + NAMES, reverse_sql=UNDO)]
