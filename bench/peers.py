"""The programs Waybill is measured against, built once from their own modules, or brought by the system's packages."""

from __future__ import annotations

import shutil
from pathlib import Path

from deploy.local.programs import Build, Recipe, ensure_recipe

PLACE = Path(__file__).resolve().parent / "recipes"


def _program(name: str, module: str, takes: str, *, title: str = "") -> Recipe:
    """A module folder of the bench's own that gives one program, `cmd/NAME` of its module."""
    build = Build(name, f"{module}/cmd/{name}")
    return Recipe(name=name, title=title or name, takes=takes, builds=(build,), stamp=module, place=PLACE)


CRANE = _program("crane", "github.com/google/go-containerregistry", "some seconds")
REGCTL = _program("regctl", "github.com/regclient/regclient", "some seconds")
HELM = _program("helm", "helm.sh/helm/v4", "about two minutes on two cores", title="Helm")
KUBECTL = _program("kubectl", "k8s.io/kubernetes", "about two minutes on two cores")


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
