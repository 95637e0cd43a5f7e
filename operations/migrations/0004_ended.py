"""The index by which what ended lately is counted."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the index."""

    dependencies = [("operations", "0003_lists")]

    operations = [migrations.AddIndex("operation", models.Index(fields=["finished_at"], name="operation_ended"))]
