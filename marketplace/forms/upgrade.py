"""The form of an upgrade: what of the environment's own values changes with it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from marketplace.actions.delivering import CONSENTS
from marketplace.actions.upgrade import Change
from marketplace.forms.parameters import ParametersForm


class UpgradeForm(ParametersForm):
    """One field for each parameter of the version, filled with what holds here."""

    def change(
        self, version: str, *, reset: Collection[str] = (), consents: Sequence[str] = (), plan: str = ""
    ) -> Change:
        """Give what the action takes."""
        return Change(
            version=version,
            values=self.values(),
            reset=list(reset),
            consents=[consent for consent in consents if consent in CONSENTS],
            plan_id=plan or None,
        )
