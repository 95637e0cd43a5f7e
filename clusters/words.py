"""Words for people about clusters and environments: kinds, steps, and what stands for a code inside a sentence."""

from __future__ import annotations

from django.utils.translation import pgettext_lazy

from clusters.models import Environment
from console.kit import messages
from operations import words
from operations.words import KindWords

KINDS = {
    "cluster_check": KindWords(
        pgettext_lazy("operation", "Cluster check"),
        pgettext_lazy("operation", "Checking the cluster"),
        pgettext_lazy("operation", "Cluster checked"),
        pgettext_lazy("operation", "Cluster partly checked"),
        pgettext_lazy("operation", "Cluster check failed"),
    ),
    "prepare_environment": KindWords(
        pgettext_lazy("operation", "Preparation of the environment"),
        pgettext_lazy("operation", "Preparing the environment"),
        pgettext_lazy("operation", "Environment prepared"),
        pgettext_lazy("operation", "Environment partly prepared"),
        pgettext_lazy("operation", "Environment not prepared"),
    ),
    "sync_environment": KindWords(
        pgettext_lazy("operation", "Update of the environment"),
        pgettext_lazy("operation", "Updating the environment"),
        pgettext_lazy("operation", "Environment updated"),
        pgettext_lazy("operation", "Environment partly updated"),
        pgettext_lazy("operation", "Environment not updated"),
    ),
}

CHECKS = {
    "address": pgettext_lazy("check", "Address"),
    "tcp": pgettext_lazy("check", "TCP connection"),
    "tls": pgettext_lazy("check", "TLS"),
    "authentication": pgettext_lazy("check", "Authentication"),
    "permissions": pgettext_lazy("check", "Permissions"),
    "version": pgettext_lazy("check", "Kubernetes version"),
    "registry_pull": pgettext_lazy("check", "Pull from the registry"),
}
"""The seven questions a cluster is asked, also the steps of that operation."""

STEPS = {
    **CHECKS,
    "connect": pgettext_lazy("step", "Reach the cluster"),
    "namespace": pgettext_lazy("step", "Namespace"),
    "access": pgettext_lazy("step", "Access to the namespace"),
    "limits": pgettext_lazy("step", "Quota, default limits, network rules"),
    "pull_secret": pgettext_lazy("step", "Pull secret"),
}

CHANGES = {
    "plan": pgettext_lazy("changes", "the plan does not belong to this"),
    "time": pgettext_lazy("changes", "the plan is too old"),
    "rows": pgettext_lazy("changes", "what is recorded here"),
    "revision": pgettext_lazy("changes", "what runs here now"),
    "version": pgettext_lazy("changes", "the version"),
    "mark": pgettext_lazy("changes", "the version's mark"),
    "accepts": pgettext_lazy("changes", "which versions the environment accepts"),
    "quota": pgettext_lazy("changes", "the environment's quota"),
    "routes": pgettext_lazy("changes", "where its routes answer"),
}
"""Why a plan does not hold any more; besides these, the names of objects on the cluster."""

CONSENTS = {
    "delete_volumes": pgettext_lazy("consent", "deleting volumes with their data"),
    "overwrite_changes": pgettext_lazy("consent", "overwriting changes made by hand"),
}

KUBECONFIG = {
    "malformed": pgettext_lazy("kubeconfig", "not in the expected form"),
    "missing": pgettext_lazy("kubeconfig", "missing"),
    "not_found": pgettext_lazy("kubeconfig", "named, but not there"),
    "duplicate": pgettext_lazy("kubeconfig", "given twice"),
    "unknown_entry": pgettext_lazy("kubeconfig", "an unknown entry"),
    "not_https": pgettext_lazy("kubeconfig", "not an https address"),
    "two_credentials": pgettext_lazy("kubeconfig", "two kinds of credentials at once"),
    "names_a_file": pgettext_lazy("kubeconfig", "a file of another machine"),
    "skips_verification": pgettext_lazy("kubeconfig", "switches off certificate verification"),
    "uses_a_proxy": pgettext_lazy("kubeconfig", "uses a proxy"),
    "renames_the_server": pgettext_lazy("kubeconfig", "expects another server name"),
    "runs_a_program": pgettext_lazy("kubeconfig", "runs a program"),
    "basic_authentication": pgettext_lazy("kubeconfig", "name and password"),
    "impersonates": pgettext_lazy("kubeconfig", "acts as someone else"),
}
"""Why an entry of a kubeconfig is refused."""

YAML = {
    "size": pgettext_lazy("yaml", "it is too large"),
    "depth": pgettext_lazy("yaml", "it is nested too deeply"),
    "nodes": pgettext_lazy("yaml", "it has too many entries"),
    "alias": pgettext_lazy("yaml", "it uses anchors or aliases"),
    "tag": pgettext_lazy("yaml", "it uses tags"),
    "merge_key": pgettext_lazy("yaml", "it uses merge keys"),
    "duplicate_key": pgettext_lazy("yaml", "a name is given twice"),
    "key_type": pgettext_lazy("yaml", "a name is not plain text"),
    "documents": pgettext_lazy("yaml", "it holds more than one document"),
    "syntax": pgettext_lazy("yaml", "it is not YAML"),
}
"""Which limit of the reader a text broke."""


def register_words() -> None:
    """Make them known."""
    for kind, own in KINDS.items():
        words.register_kind(kind, own)
    words.register_steps(STEPS)
    messages.register_labels("checks", CHECKS)
    messages.register_labels("environment_state", dict(Environment.State.choices))
    messages.register_labels("changes", CHANGES)
    messages.register_labels("consents", CONSENTS)
    messages.register_labels("kubeconfig_reason", KUBECONFIG)
    messages.register_labels("yaml_limit", YAML)
