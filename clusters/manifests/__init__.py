"""From a revision's document to the objects of a cluster. Pure: the same input gives the same bytes.

Overview, for whoever builds on it:

- `bundle.render(Request(...)) -> Bundle`: all objects of one application. `Request` holds the app's slug, its id, the
  `part_of` label (template slug, or the app's), the namespace, the components **with values applied** (a revision's
  `document["components"]`), `secrets` (address → secret value, as in a revision's sealed content), `pulls` (component
  key → `{"user", "password"}`), the salt, `stopped`, and optionally `pull_prefix` for images without `pull`.
- `Bundle.base`: volumes, config, services, policies, in the order of sending. `Bundle.levels`: workloads, level by
  level along `depends_on`. `Bundle.all()`: both, in order. Each entry is a `Rendered(api_version, kind, name,
  component, manifest, hash)`; `hash` is salted where the object is a Secret, so it may be stored in the open; `.id` is
  `Kind/name`. `Bundle.inventory()`: `[{"kind", "name", "hash"}]` for the revision's row; `Bundle.stored()` /
  `bundle.restored(list)`: what the revision seals and a rollback sends again.
- `bundle.record(...)`: the ConfigMap `waybill-{app}`.
- `environment.*`: namespace, quota, limits, default policy, pull secret, key, bindings, cluster roles.
- `labels`, `names`: every label and every name, once.

Refusals: `Rejected("object_too_big", object, bytes)`; `Invalid("invalid", errors=[value_missing …])` for a secret
without a value; ValueError for an image that was not resolved.
"""

from __future__ import annotations

from clusters.manifests.bundle import (
    Bundle,
    Rendered,
    Request,
    manifest_hash,
    record,
    render,
    restored,
)

__all__ = ["Bundle", "Rendered", "Request", "manifest_hash", "record", "render", "restored"]
