"""Forms of a person's own pages."""

from __future__ import annotations

import zoneinfo
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from console.kit.forms import KitForm


class PasswordForm(KitForm):
    """The present password and a new one. Rules are the action's to hold."""

    current = forms.CharField(
        label=_("Current password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "maxlength": "1000"}),
    )
    new = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least 10 characters. Long, and used nowhere else, is better than complicated."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "maxlength": "1000"}),
    )


class ProfileForm(KitForm):
    """Language, theme and time zone of one person."""

    language = forms.ChoiceField(label=_("Language"), required=False, choices=())
    theme = forms.ChoiceField(
        label=_("Theme"),
        choices=[("auto", _("As the system says")), ("light", _("Light")), ("dark", _("Dark"))],
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, choices=())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone) for zone in sorted(zoneinfo.available_timezones())]
        language, time_zone = self.fields["language"], self.fields["time_zone"]
        assert isinstance(language, forms.ChoiceField) and isinstance(time_zone, forms.ChoiceField)
        language.choices = [("", _("As the browser says")), ("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
        time_zone.choices = [("", _("As the console is set")), *zones]
