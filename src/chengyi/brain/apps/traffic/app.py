"""The traffic application: the same measures over detectors and over bare speeds."""

from chengyi.brain.apps.traffic.congestion import section_index
from chengyi.brain.apps.traffic.network import network_index
from chengyi.brain.apps.traffic.speeds import DETECTORS, SPEEDS
from chengyi.brain.values import Measure
from chengyi.model.decision import App


class Traffic:
    """Measures of congestion."""

    app = App.TRAFFIC

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return the measures."""
        return tuple(measure for feed in (DETECTORS, SPEEDS) for measure in (network_index(feed), section_index(feed)))
