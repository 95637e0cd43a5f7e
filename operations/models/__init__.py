"""The tables of the engine: the rows are the truth and the queue."""

from __future__ import annotations

from operations.models.duty import Duty
from operations.models.event import OperationEvent
from operations.models.fence import Fence
from operations.models.idempotency import IdempotencyKey
from operations.models.operation import Operation, OperationQuerySet
from operations.models.step import Step

__all__ = ["Duty", "Fence", "IdempotencyKey", "Operation", "OperationEvent", "OperationQuerySet", "Step"]
