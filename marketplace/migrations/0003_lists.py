"""Indexes by which the market is searched and the newest Release is found."""

from __future__ import annotations

from django.contrib.postgres.indexes import GinIndex
from django.db import migrations, models

from console.kit.searching import part_index


class Migration(migrations.Migration):
    """Adds the indexes."""

    dependencies = [("marketplace", "0002_guards"), ("teams", "0003_lists")]

    operations = [
        migrations.AddIndex("template", GinIndex(fields=["tags"], name="template_tags")),
        migrations.AddIndex("template", part_index("template_part", "name", "slug", "intro")),
        migrations.AddIndex(
            "version",
            models.Index(
                fields=["template", "sort_key"],
                condition=models.Q(state="published", mark="release"),
                name="version_releases",
            ),
        ),
    ]
