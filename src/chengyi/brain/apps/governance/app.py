"""The governance application: cases of either kind, and service requests."""

from chengyi.brain.apps.governance.cases import CASES, PERMITS
from chengyi.brain.apps.governance.faults import time_faults
from chengyi.brain.apps.governance.requests import hours_to_close
from chengyi.brain.apps.governance.timeliness import on_time, overdue
from chengyi.brain.values import Measure
from chengyi.model.decision import App


class Governance:
    """Measures of service."""

    app = App.GOVERNANCE

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return the measures."""
        by_log = [measure for log in (CASES, PERMITS) for measure in (on_time(log), overdue(log), time_faults(log))]
        return (*by_log, hours_to_close())
