"""The livelihood application: which measures it has."""

from chengyi.brain.apps.livelihood.coverage import coverage
from chengyi.brain.apps.livelihood.death import paid_after_death
from chengyi.brain.apps.livelihood.hardship import poor_households
from chengyi.brain.apps.livelihood.unserved import disabled_unserved, medical_unserved
from chengyi.brain.values import Measure
from chengyi.model.decision import App


class Livelihood:
    """Measures of social assistance and hardship."""

    app = App.LIVELIHOOD

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Return the measures."""
        return (coverage(), disabled_unserved(), medical_unserved(), paid_after_death(), poor_households())
