"""WHERE: connected clusters, the environments teams have on them, and the applications that live there."""

from __future__ import annotations

from clusters.models.application import Application, ApplicationStatus
from clusters.models.applied_object import AppliedObject
from clusters.models.cluster import Cluster
from clusters.models.component import Component
from clusters.models.environment import Environment
from clusters.models.revision import Revision

__all__ = [
    "Application",
    "ApplicationStatus",
    "AppliedObject",
    "Cluster",
    "Component",
    "Environment",
    "Revision",
]
