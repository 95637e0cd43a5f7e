"""Indexes by which long lists of people, teams and events are sorted, narrowed and searched."""

from __future__ import annotations

from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations, models

from console.kit.searching import part_index


class Migration(migrations.Migration):
    """Adds the indexes."""

    dependencies = [("teams", "0002_guards")]

    operations = [
        TrigramExtension(),
        migrations.AddIndex("auditevent", models.Index(fields=["enterprise", "at", "id"], name="audit_time")),
        migrations.AddIndex("auditevent", models.Index(fields=["enterprise", "action", "id"], name="audit_action")),
        migrations.AddIndex("auditevent", part_index("audit_object_part", "object_label")),
        migrations.AddIndex("team", part_index("team_part", "slug", "name")),
        migrations.AddIndex("user", part_index("user_part", "login", "name", "email")),
    ]
