"""The programs Waybill is measured against, built once from their own modules, or brought by the system's packages."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.local.programs import Build, Recipe, ensure_recipe

PLACE = Path(__file__).resolve().parent / "recipes"

CRANE = Recipe(
    name="crane",
    title="crane",
    takes="some seconds",
    builds=(Build("crane", "github.com/google/go-containerregistry/cmd/crane"),),
    stamp="github.com/google/go-containerregistry",
    place=PLACE,
)
REGCTL = Recipe(
    name="regctl",
    title="regctl",
    takes="some seconds",
    builds=(Build("regctl", "github.com/regclient/regclient/cmd/regctl"),),
    stamp="github.com/regclient/regclient",
    place=PLACE,
)
HELM = Recipe(
    name="helm",
    title="Helm",
    takes="about two minutes on two cores",
    builds=(Build("helm", "helm.sh/helm/v4/cmd/helm"),),
    stamp="helm.sh/helm/v4",
    place=PLACE,
)
KUBECTL = Recipe(
    name="kubectl",
    title="kubectl",
    takes="about two minutes on two cores",
    builds=(Build("kubectl", "k8s.io/kubernetes/cmd/kubectl"),),
    stamp="k8s.io/kubernetes",
    place=PLACE,
)


def peer(recipe: Recipe) -> Path:
    """Give a peer's program; builds it the first time."""
    return ensure_recipe(recipe) / recipe.builds[0].output


def release(recipe: Recipe) -> str:
    """Give its version as its module locks it."""
    return recipe.release() or ""


def skopeo() -> Path | None:
    """Give the system's skopeo (Debian: skopeo), or None."""
    found = shutil.which("skopeo")
    return Path(found) if found else None
