"""Each template's newest version and newest Release, kept by the database: lists and counts read them as columns."""

from __future__ import annotations

from django.db import migrations, models

NEWEST = """
CREATE FUNCTION template_newest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE one uuid := CASE TG_OP WHEN 'DELETE' THEN OLD.template_id ELSE NEW.template_id END;
BEGIN
  -- Whoever changes another version of it waits here, and then sees this change.
  PERFORM 1 FROM template WHERE id = one FOR NO KEY UPDATE;
  UPDATE template t SET newest_version_id = n.version, newest_released_id = n.released
  FROM (SELECT
      (SELECT id FROM version WHERE template_id = one AND state = 'published' ORDER BY sort_key DESC LIMIT 1) version,
      (SELECT id FROM version WHERE template_id = one AND state = 'published' AND mark = 'release'
       ORDER BY sort_key DESC LIMIT 1) released) n
  WHERE t.id = one
    AND (t.newest_version_id, t.newest_released_id) IS DISTINCT FROM (n.version, n.released);
  RETURN NULL;
END $$;
CREATE TRIGGER template_newest_added AFTER INSERT ON version
  FOR EACH ROW WHEN (NEW.state = 'published') EXECUTE FUNCTION template_newest();
CREATE TRIGGER template_newest_changed AFTER UPDATE ON version
  FOR EACH ROW WHEN ((OLD.state, OLD.mark) IS DISTINCT FROM (NEW.state, NEW.mark)) EXECUTE FUNCTION template_newest();

UPDATE template t SET
  newest_version_id =
    (SELECT id FROM version WHERE template_id = t.id AND state = 'published' ORDER BY sort_key DESC LIMIT 1),
  newest_released_id =
    (SELECT id FROM version WHERE template_id = t.id AND state = 'published' AND mark = 'release'
     ORDER BY sort_key DESC LIMIT 1);
"""

UNDO = """
DROP TRIGGER template_newest_changed ON version;
DROP TRIGGER template_newest_added ON version;
DROP FUNCTION template_newest();
"""


def _newest() -> models.ForeignKey[object, object]:
    return models.ForeignKey(
        "marketplace.version",
        on_delete=models.DO_NOTHING,
        null=True,
        editable=False,
        db_index=False,
        related_name="+",
    )


class Migration(migrations.Migration):
    """Adds the columns and the triggers that keep them."""

    dependencies = [("marketplace", "0003_lists")]

    operations = [
        migrations.AddField("template", "newest_version", _newest()),
        migrations.AddField("template", "newest_released", _newest()),
        migrations.RunSQL(NEWEST, UNDO),
    ]
