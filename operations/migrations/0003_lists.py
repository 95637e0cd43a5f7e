"""Indexes by which the list of operations is narrowed, sorted and searched."""

from __future__ import annotations

from django.db import migrations, models
from django.db.models.fields.json import KT

from console.kit.searching import part_index


class Migration(migrations.Migration):
    """Adds the indexes."""

    dependencies = [("operations", "0002_guards"), ("teams", "0003_lists")]

    operations = [
        migrations.AddIndex("operation", models.Index(fields=["initiator", "-number"], name="operation_of_person")),
        migrations.AddIndex("operation", models.Index(fields=["environment_id", "-number"], name="operation_of_place")),
        migrations.AddIndex(
            "operation", models.Index(fields=["enterprise", "state", "number"], name="operation_in_state")
        ),
        migrations.AddIndex(
            "operation", models.Index(fields=["enterprise", "kind", "number"], name="operation_of_kind")
        ),
        migrations.AddIndex("operation", part_index("operation_part", KT("subject__name"))),
    ]
