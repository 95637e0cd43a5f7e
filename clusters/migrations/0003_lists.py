"""The index by which environments are listed."""

from __future__ import annotations

from django.db import migrations, models


class Migration(migrations.Migration):
    """Adds the indexes."""

    dependencies = [("clusters", "0002_guards")]

    operations = [
        migrations.AddIndex(
            "environment",
            models.Index(
                fields=["enterprise", "position", "slug"], condition=models.Q(removed_at=None), name="environment_order"
            ),
        ),
    ]
