"""Forms of a person's own pages."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.kit.errors import WaybillError
from console.kit.pages import field_problems, problem

_SELECT = {"class": "form-select"}
_INPUT = {"class": "form-control"}


class KitForm(forms.Form):
    """A form that can show what an action refused beside the fields it refused."""

    def refuse(self, error: WaybillError) -> None:
        """Put the sentences of `error` where they belong; what belongs to no field stands above the form."""
        told = field_problems(error)
        for name, sentences in told.items():
            for sentence in sentences:
                self.add_error(name if name in self.fields else None, sentence)
        if not told:
            self.add_error(None, problem(error)["detail"])


class PasswordForm(KitForm):
    """The present password and a new one. Rules are the action's to hold."""

    current = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={**_INPUT, "autocomplete": "current-password", "maxlength": "1000"}),
    )
    new = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least 10 characters. Long, and used nowhere else, is better than complicated."),
        widget=forms.PasswordInput(attrs={**_INPUT, "autocomplete": "new-password", "maxlength": "1000"}),
    )


class ProfileForm(KitForm):
    """Language, theme and time zone of one person."""

    language = forms.ChoiceField(label=_("Language"), required=False, widget=forms.Select(attrs=_SELECT), choices=())
    theme = forms.ChoiceField(
        label=_("Theme"),
        widget=forms.Select(attrs=_SELECT),
        choices=[("auto", _("As the system says")), ("light", _("Light")), ("dark", _("Dark"))],
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, widget=forms.Select(attrs=_SELECT), choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone) for zone in sorted(zoneinfo.available_timezones())]
        language, time_zone = self.fields["language"], self.fields["time_zone"]
        assert isinstance(language, forms.ChoiceField) and isinstance(time_zone, forms.ChoiceField)
        language.choices = [("", _("As the browser says")), ("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
        time_zone.choices = [("", _("As the console is set")), *zones]
