"""What is not valid in what was entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from console.kit.messages.sentences import Sentence

SENTENCES = {
    "invalid": Sentence(
        _("Some of what you entered is not valid. Nothing was saved."),
        _("Correct the fields named below and send it again."),
    ),
    "required": Sentence(_("This is required."), _("Fill it in.")),
    "too_long": Sentence(_("This is longer than %(limit)s characters."), _("Shorten it.")),
    "too_short": Sentence(_("This is shorter than %(least)s characters."), _("Make it longer.")),
    "not_a_slug": Sentence(
        _("This is not a short name: one starts with a letter and holds only a–z, 0–9 and single hyphens inside."),
        _("Write it like “admin-console”."),
    ),
    "reserved": Sentence(
        _("“%(word)s” is kept for the console itself."),
        _("Choose another word."),
    ),
    "not_a_number": Sentence(
        _("This is not a version number."),
        _(
            "Write up to three numbers, like 2.0 or 2.0.1, with -alpha.1, -beta.1 or -rc.1 for a version before "
            "the final."
        ),
    ),
    "not_allowed": Sentence(
        _("This holds something that is not allowed here."),
        _("Leave out characters that control or reorder text, and what does not belong here."),
    ),
    "choice_unknown": Sentence(
        _("This is none of the choices."),
        _("Choose one of: %(choices)s."),
    ),
    "reference_not_valid": Sentence(
        _("“%(reference)s” is not an image reference."),
        _("Write it like registry.example.com/team/web:2.0."),
    ),
    "unknown_component": Sentence(
        _("There is no component “%(component)s” here."),
        _("Use the key of a component of this application."),
    ),
    "unknown_address": Sentence(
        _("“%(address)s” is not something that can be set here."),
        _("Use an address that the plan or the template's parameters show."),
    ),
    "value_missing": Sentence(
        _("“%(address)s” needs a value."),
        _("Give it a value."),
    ),
    "route_not_possible": Sentence(
        _("An HTTP route leads to TCP ports that are reached inside too, and %(port)s is none."),
        _("Make it a TCP port that is reached inside, or choose another way from outside."),
    ),
    "value_out_of_range": Sentence(
        _("This value is out of range."),
        _("Choose a value from %(least)s to %(most)s."),
    ),
    "dependency_cycle": Sentence(
        _("These components wait for each other in a circle: %(path)s. Nothing was saved."),
        _("Remove one of the dependencies."),
    ),
    "variable_conflict": Sentence(
        _("The variable %(name)s is given more than once, by %(components)s."),
        _("Rename one of them, or change the alias of a port."),
    ),
    "file_variable_unknown": Sentence(
        _("The file %(path)s uses ${%(name)s}, and no such variable is there."),
        _("Add the variable, correct its name, or write $${ for the plain characters."),
    ),
    "kubeconfig_refused": Sentence(
        _("This kubeconfig holds “%(entry)s”, which is not taken (%(reason)s). Nothing was saved and nothing was run."),
        _("Use a kubeconfig with an address, an inline CA and an inline token or client certificate."),
    ),
    "yaml_refused": Sentence(
        _("This YAML was not read: %(limit)s."),
        _("Write it plainly: one document, without anchors, aliases, tags or names given twice, and not too large."),
    ),
    "address_denied": Sentence(
        _("The console does not connect to %(host)s: this address lies in a network that is closed to it."),
        _("Use another address, or ask whoever runs the console to allow this network."),
    ),
    "cannot_grant": Sentence(
        _("You cannot give or take the role “%(role)s”, since it holds rights you lack. Nothing was changed."),
        _("Ask someone who holds it."),
    ),
    "quota_exceeded": Sentence(
        _("This needs %(need)s of %(resource)s, and %(left)s of %(hard)s is left. Nothing was changed."),
        _("Ask an enterprise admin for a higher quota, or use fewer or smaller replicas."),
    ),
    "idempotency_key_reused": Sentence(
        _("This Idempotency-Key was used for another request. Nothing was started."),
        _("Use a new key for a new request."),
    ),
    "unknown_version": Sentence(
        _("There is no version %(number)s here."),
        _("Choose a number from the template's list of versions."),
    ),
    "unknown_environment": Sentence(
        _("There is no environment “%(environment)s” that you can see."),
        _("Check its short name."),
    ),
    "unknown_template": Sentence(
        _("There is no app template “%(template)s” that you can see."),
        _("Check its short name."),
    ),
    "unknown_revision": Sentence(
        _("This application has no revision %(revision)s that was deployed."),
        _("Choose a number from its upgrade records."),
    ),
    "unknown_user": Sentence(
        _("There is no active user with the login “%(login)s”."),
        _("Check the login, or ask an enterprise admin to create the user."),
    ),
    "wrong_type": Sentence(
        _("This is of the wrong type."),
        _("Send JSON of this type: %(expected)s."),
    ),
    "malformed": Sentence(
        _("This is not in the form expected here."),
        _("Write it like “%(example)s”."),
    ),
    "duplicate": Sentence(
        _("“%(value)s” is given twice."),
        _("Give it once."),
    ),
    "too_many_items": Sentence(
        _("There are more than %(limit)s of these."),
        _("Leave some out."),
    ),
    "password_too_weak": Sentence(
        _("This password cannot be taken. %(reason)s"),
        _("Choose another one."),
    ),
}

REASONS = {
    "password_too_short": _("It is too short: use at least ten characters, better a sentence."),
    "password_too_common": _("It is among the most common passwords, which are tried first."),
    "password_too_similar": _("It is too much like your login, name or e-mail address."),
    "password_entirely_numeric": _("It consists of digits only."),
    "password_unchanged": _("It is the one you have now."),
    "syntax": _("it is not JSON"),
    "encoding": _("it is not UTF-8"),
    "duplicate": _("a name is given twice"),
    "constant": _("it holds NaN or an infinite number"),
    "number": _("it holds a number that is too large"),
    "character": _("it holds a character that cannot be kept"),
    "length": _("its length is not a number"),
    "cut": _("it ended too early"),
}
"""Words for the parameter `reason`."""

VARIANTS: dict[str, Callable[[Mapping[str, Any]], str]] = {}
