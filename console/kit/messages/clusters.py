"""What a cluster said no to, or how it could not be used."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from console.kit.messages.sentences import Sentence

SENTENCES = {
    "cluster_replaced": Sentence(
        _("Another cluster now answers at the address of %(cluster)s. Nothing was changed on it."),
        _("Check the address. If the cluster was rebuilt, remove it here and connect it again."),
    ),
    "address_unreachable": Sentence(
        _("Nothing answers at %(host)s (%(reason)s). Nothing was changed."),
        _("Check address and port, and that the network between the console and the cluster is open."),
    ),
    "tls_not_trusted": Sentence(
        _("The certificate of %(host)s is not trusted (%(reason)s). Nothing was sent there."),
        _("Give the CA certificate that signed it, and an address that the certificate names."),
    ),
    "credentials_refused": Sentence(
        _("%(cluster)s does not accept the credentials it is given. Nothing was changed on it."),
        _("Replace them with a token or certificate that is valid there."),
    ),
    "credentials_expired": Sentence(
        _("The credentials for %(cluster)s have expired. Nothing was changed on it; apps there keep running."),
        _("Replace them with new ones."),
    ),
    "permission_missing": Sentence(
        _("The credentials may not “%(verb)s” %(resource)s on the cluster. Nothing further was done there."),
        _("Let a cluster admin give them that permission. The guide to clusters lists all the console needs."),
    ),
    "namespace_exists": Sentence(
        _(
            "The namespace %(namespace)s already exists on the cluster, and this console did not make it. It was "
            "not touched."
        ),
        _("Choose another namespace, or remove that one if nobody needs it."),
    ),
    "version_unsupported": Sentence(
        _("The cluster runs Kubernetes %(version)s, and at least %(least)s is needed. Nothing was changed on it."),
        _("Upgrade the cluster, then check it again."),
    ),
    "manifest_rejected": Sentence(
        _("The cluster did not accept %(object)s, because of %(field)s: %(words)s. What ran before still runs."),
        _("Correct that setting, then try again."),
    ),
    "object_too_big": Sentence(
        _("%(object)s is %(bytes)s bytes, more than a cluster keeps in one object. It was not sent."),
        _("Make its files or variables smaller, or put large data on a volume."),
    ),
    "immutable_field": Sentence(
        _("%(field)s of %(object)s cannot be changed once it exists. It was left as it is."),
        _("Take that change back, or delete the component and create it again; its volumes stay."),
    ),
    "field_conflict": Sentence(
        _(
            "%(manager)s set %(field)s of %(object)s to %(theirs)s by hand, and this would set it to %(ours)s. "
            "It was left as it is."
        ),
        _("Look at the change in the plan, then either agree to overwrite it or take it into the settings."),
    ),
    "policy_refused": Sentence(
        _("A policy of the cluster refused %(object)s: %(words)s. What ran before still runs."),
        _("Change the component so that it keeps the policy, or ask whoever runs the cluster."),
    ),
    "quota_refused": Sentence(
        _("The quota of the namespace refused %(object)s: %(words)s. What ran before still runs."),
        _("Ask an enterprise admin for a higher quota, or use fewer or smaller replicas."),
    ),
    "check_timed_out": Sentence(
        _("The check was not answered within %(seconds)s seconds. Nothing was changed."),
        _("Check that the network between the console and the cluster is open and quick enough, then run it again."),
    ),
}
