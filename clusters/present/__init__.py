"""The JSON of this app's rows, the same in answers and lists."""

from __future__ import annotations

from clusters.present.places import (
    cluster_json,
    clusters_json,
    environment_json,
    environments_json,
    time_text,
)

__all__ = ["cluster_json", "clusters_json", "environment_json", "environments_json", "time_text"]
