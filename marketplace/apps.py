"""The app of the market: at start it makes its runners and words known, and answers the apps below about registries."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig

RUNNERS = (
    "registry_test.RegistryTestRunner",
    "publish.PublishRunner",
    "deliver.InstallRunner",
    "deliver.UpgradeRunner",
    "deliver.RollbackRunner",
    "deliver.UninstallRunner",
)
PLANNERS = ("install", "upgrade", "rollback")


class MarketplaceConfig(AppConfig):
    """The shared registry, templates and their versions, publishing and delivering."""

    name = "marketplace"

    def ready(self) -> None:
        """Register runners, words, and what the clusters ask about images."""
        operations = import_module("operations.registry")
        for runner in RUNNERS:
            module, _, kind = runner.partition(".")
            operations.register(getattr(import_module(f"marketplace.runners.{module}"), kind)())
        plans = import_module("clusters.actions.proposal")
        for kind in PLANNERS:
            plans.register_planner(kind, import_module(f"marketplace.actions.{kind}").propose_again)
        import_module("marketplace.words").register_words()
        import_module("marketplace.present.installed").register()
        registries = import_module("marketplace.registries")
        import_module("clusters.images").register(registries.resolve)
        taking = import_module("marketplace.taking")
        import_module("clusters.images").register_engine(taking.require, taking.take)
        hooks = import_module("clusters.hooks")
        hooks.register_pull_credentials(registries.pull_credentials)
        hooks.register_marks(import_module("marketplace.present.delivered").marks_of)
        hooks.register_pull_check(import_module("marketplace.runners.cluster_pull").check_pull)
