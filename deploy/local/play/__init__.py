"""The play of nodes and pods: documents for the program that stands in for kubelets.

A pod runs unless it is marked. The mark is the annotation ``play``, or a container's environment variable ``PLAY``, or
an argument ``play=…``; it names how the pod fails, with the words of a real kubelet:

``image_pull_failed`` ``image_pull_denied`` ``crash_loop`` ``out_of_memory`` ``config_error`` ``probe_failing``
``stuck_terminating`` ``node_lost`` ``slow`` (starts after ``PLAY_DELAY``, ten minutes unless said) · ``flaps`` (is
ready for a while, then crashes again and again) · ``other_image`` (runs another digest than the one asked for).

What the scheduler, the quota, admission and the volume controllers refuse is not played: they are the real ones here.
A node with the annotation ``play: lost`` stops being ready.
"""

from __future__ import annotations

from deploy.local.play.documents import documents, stages
from deploy.local.play.marks import MARKS

__all__ = ["MARKS", "documents", "stages"]
