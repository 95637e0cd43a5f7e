"""WHAT: the shared registry, templates with their immutable versions and marks, publications, installations."""

from __future__ import annotations

from marketplace.models.image_registry import ImageRegistry
from marketplace.models.installation import Delivery, Installation
from marketplace.models.mark import MarkEvent
from marketplace.models.publication import Publication, PublicationImage
from marketplace.models.template import Template
from marketplace.models.version import Version

__all__ = [
    "Delivery",
    "ImageRegistry",
    "Installation",
    "MarkEvent",
    "Publication",
    "PublicationImage",
    "Template",
    "Version",
]
