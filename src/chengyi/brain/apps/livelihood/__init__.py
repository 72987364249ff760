"""Livelihood: who is entitled, who is served, whom to visit.

Rules state what the records say and draw attention to people to be visited; nobody is granted, refused or stopped
anything here.
"""

from chengyi.brain.apps.livelihood.app import Livelihood

__all__ = ["Livelihood"]
