"""The page of the enterprise's image registry: test what is typed, see what every cluster can do, save it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from console.kit.pages import SHOWN, SignedIn, page
from console.kit.phrases import sentences_joined
from marketplace.actions.registry import Saved, save_tested, save_untested, settings_of, test_registry
from marketplace.forms.registry import RegistryForm
from marketplace.models import ImageRegistry
from marketplace.pages.registry_lines import elsewhere, test_lines
from marketplace.runners.registry_test import KIND
from operations.models import Operation
from operations.starting import new_key, start_once
from teams import access

RIGHT = "manage_registry"
FIELDS = ("address", "prefix", "user", "pull_user", "ca_pem", "plain_http")


@never_cache
@sensitive_post_parameters("password", "pull_password")
@require_http_methods(["GET", "HEAD", "POST"])
@page
def registry_settings(request: SignedIn) -> HttpResponse:
    """Show the settings in use or those of a test, start a test of what is typed, or save it."""
    if not access.holds(request.user, RIGHT):
        raise Http404
    current = ImageRegistry.objects.select_related("test__initiator", "saved_by").filter(
        enterprise=request.user.enterprise, state=ImageRegistry.State.CURRENT
    )
    row = current.first()
    test = _test(request, request.POST.get("test") or request.GET.get("test"))
    if request.method != "POST":
        initial = test.input if test else {name: getattr(row, name) for name in FIELDS} if row else {}
        return _show(request, row, test, RegistryForm(initial=initial))
    form = RegistryForm(request.POST)
    if not form.is_valid():
        return _show(request, row, test, form, status=422)
    try:
        if request.POST.get("act") == "save":
            return _saved(request, _save(request, form, test))
        started = start_once(
            request, lambda: test_registry(acting_user=request.user, settings=_given(request, form, test))
        )
    except SHOWN as error:
        form.refuse(error)
        return _show(request, row, test, form, status=error.status)
    return redirect(f"{reverse('registry_settings')}?test={started.name}")


def _test(request: SignedIn, name: str | None) -> Operation | None:
    """Give the test that the address names, if any. Raises Http404 for one that is not there."""
    if not name:
        return None
    number = name.removeprefix("op-")
    rows = Operation.objects.permitted(request.user).filter(kind=KIND).select_related("initiator")
    found = rows.filter(number=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if found is None:
        raise Http404
    return found


def _given(request: SignedIn, form: RegistryForm, test: Operation | None) -> Any:
    """Give the settings typed; those of a test that were left alone keep the passwords it was started with."""
    if test is not None and test.sealed is not None and form.is_as_tested(test):
        return settings_of(acting_user=request.user, test=test.name)
    return form.settings()


def _save(request: SignedIn, form: RegistryForm, test: Operation | None) -> Saved:
    version = request.POST.get("version", "")
    expected = int(version) if version.isdecimal() and len(version) < 10 else None
    if test is not None and test.state == "succeeded" and form.is_as_tested(test):
        return save_tested(acting_user=request.user, test=test.name, expected_version=expected)
    return save_untested(
        acting_user=request.user,
        settings=_given(request, form, test),
        agreed=form.cleaned_data["save_untested"],
        expected_version=expected,
    )


def _saved(request: SignedIn, saved: Saved) -> HttpResponse:
    told = 0 if saved.operation is None else max(1, saved.operation.children.count())
    words = _("Saved. New versions go to %(place)s.") % {"place": saved.registry.location}
    if told:
        more = ngettext(
            "%(n)d environment is given its pull secret.", "%(n)d environments are given their pull secret.", told
        )
        words = sentences_joined(words, more % {"n": told})
    messages.success(request, words)
    return redirect("registry_settings")


def _show(
    request: SignedIn, row: ImageRegistry | None, test: Operation | None, form: RegistryForm, *, status: int = 200
) -> HttpResponse:
    shown = test or (row.test if row else None)
    address, prefix = form["address"].value() or "", form["prefix"].value() or ""
    context = {
        "form": form,
        "registry": row,
        "test": test,
        "shown_test": shown,
        "lines": test_lines(shown) if shown else [],
        "ended": shown is not None and not shown.is_active,
        "may_save": test is not None and test.state == "succeeded" and test.sealed is not None and not form.is_bound,
        "elsewhere": elsewhere(request.user.enterprise, address, prefix) if address else None,
        "place": f"{address}/{prefix}" if prefix else address,
        "kept": _kept(row, test),
        "told": _telling(row),
        "key": new_key(),
    }
    return render(request, "marketplace/registry.html", context, status=status)


def _kept(row: ImageRegistry | None, test: Operation | None) -> dict[str, bool]:
    """Say which passwords need not be typed: those the test was given, else those that are saved."""
    if test is not None:
        there = test.sealed is not None
        return {"password": there, "pull_password": there and bool(test.input["pull_user"])}
    return {"password": row is not None, "pull_password": row is not None and bool(row.pull_user)}


def _telling(row: ImageRegistry | None) -> Operation | None:
    """Give the last work that told environments about the registry."""
    if row is None:
        return None
    return Operation.objects.filter(subject_type="registry", subject_id=row.pk).order_by("-number").first()
