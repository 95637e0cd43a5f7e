"""Values: what one environment says at one address. Parameters, overrides and generated secrets are one mechanism.

- `addresses.slots(components, parameters)`: every address open in a document, and what may stand there.
- `parameters.check_parameters(data, components)`: the parameters a version declares, validated.
- `settle.settle(...) -> Settled`: former values carried over, given ones checked, missing secrets generated.
- `apply.apply(components, settled.values) -> components`: the components of a revision, values applied.

A value is public, `{"value": 3, "origin": "given"}`, or secret, `{"secret": "<fingerprint>", "origin": …}`; the secret
itself travels beside, address → text, and is sealed wherever it is kept.
"""

from __future__ import annotations

from clusters.values.addresses import Parameter, Slot, Value, Values, slots
from clusters.values.apply import apply, portable
from clusters.values.parameters import check_parameters
from clusters.values.settle import Former, Settled, generated_text, settle

__all__ = [
    "Former",
    "Parameter",
    "Settled",
    "Slot",
    "Value",
    "Values",
    "apply",
    "check_parameters",
    "generated_text",
    "portable",
    "settle",
    "slots",
]
