"""What was wrong with a request itself, who may not make it, and what is wrong with the console."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from console.kit.messages.sentences import Sentence

SENTENCES = {
    "malformed_body": Sentence(
        _("The body of this request cannot be read (%(reason)s). Nothing was changed."),
        _("Send one JSON object in UTF-8, with every name once, and try again."),
    ),
    "malformed_address": Sentence(
        _("The address of this request holds a character that nothing here is written with. Nothing was looked up."),
        _("Correct the address, and try again."),
    ),
    "body_too_deep": Sentence(
        _("The body of this request is nested too deeply. Nothing was changed."),
        _("Send at most 32 levels of objects and lists."),
    ),
    "unknown_field": Sentence(
        _("There is no field “%(field)s” here. Nothing was changed."),
        _("Check the spelling against the API documentation, or leave the field out."),
    ),
    "unknown_parameter": Sentence(
        _("There is no parameter “%(parameter)s” here, or it was given twice. Nothing was looked up."),
        _("Check the spelling against the API documentation, and give each parameter once."),
    ),
    "bad_cursor": Sentence(
        _("This cursor does not belong to this list, so no page can be shown for it."),
        _("Start again from the first page and follow the addresses in “next” and “previous”."),
    ),
    "idempotency_key_missing": Sentence(
        _("This request starts work, and it carries no Idempotency-Key. Nothing was started."),
        _(
            "Send the header Idempotency-Key with a value of your own (1 to 255 characters), then send the "
            "request again."
        ),
    ),
    "sign_in_required": Sentence(
        _("Nobody is signed in, so nothing is shown and nothing was changed."),
        _("Sign in, or send an access token in the Authorization header."),
    ),
    "token_invalid": Sentence(
        _("This access token is not known, was revoked, or belongs to a disabled user. Nothing was changed."),
        _("Make a new access token and use that one."),
    ),
    "token_expired": Sentence(
        _("This access token has expired. Nothing was changed."),
        _("Make a new access token and use that one."),
    ),
    "role_required": Sentence(
        _("“%(right)s” in “%(team)s” needs one of these roles: %(roles)s. Nothing was changed."),
        _("These people can give you the role: %(who)s."),
    ),
    "role_required.enterprise": Sentence(
        _("“%(right)s” needs one of these roles in the enterprise: %(roles)s. Nothing was changed."),
        _("These people can give you the role: %(who)s."),
    ),
    "csrf_failed": Sentence(
        _(
            "This page was open for too long or came from elsewhere, so its request was not accepted. Nothing "
            "was changed."
        ),
        _("Load the page again and repeat what you did. Programs send an access token instead of a session."),
    ),
    "password_change_required": Sentence(
        _("Your password was given to you for one use. Until you choose your own, nothing else is open to you."),
        _("Choose a new password on the page that opens after signing in."),
    ),
    "not_found": Sentence(
        _("There is nothing here that you can see."),
        _("Check the address. If it should be there, ask an admin of its team whether you are a member."),
    ),
    "method_not_allowed": Sentence(
        _("This address does not take the method %(method)s. Nothing was changed."),
        _("Use one of the methods named in the Allow header."),
    ),
    "body_too_large": Sentence(
        _("The body of this request is larger than %(limit)s bytes. Nothing was changed."),
        _("Send less at once, or split large files into several."),
    ),
    "too_many_fields": Sentence(
        _("This form holds more than %(limit)s fields. Nothing was changed."),
        _("Send less at once."),
    ),
    "unsupported_media_type": Sentence(
        _("This address reads JSON, and the request came as “%(media_type)s”. Nothing was changed."),
        _("Send the header Content-Type: application/json."),
    ),
    "too_many_requests": Sentence(
        _("There were too many tries, so this one was not looked at. Nothing was changed."),
        _("Wait %(retry_after)s seconds, then try again."),
    ),
    "sign_in_refused": Sentence(
        _("Login and password do not match, or the user is disabled. Nobody was signed in."),
        _("Check both and try again. An enterprise admin can reset the password."),
    ),
    "internal": Sentence(
        _("Something went wrong on our side. What was saved before is still there."),
        _("Try again. If it happens again, give your administrator this trace: %(trace)s."),
    ),
    "worker_died": Sentence(
        _("The process that did this work ended several times in the middle of it. What it had done until then stays."),
        _("Look at the last step below, ask your administrator for the log of the worker, then retry."),
    ),
    "not_ready_yet": Sentence(
        _("The console is not ready (%(reason)s)."),
        _("Wait until its database, its broker and its migrations are there, then try again."),
    ),
}

VARIANTS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "role_required": lambda params: "" if params.get("team") else "enterprise",
}
