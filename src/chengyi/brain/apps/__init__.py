"""The applications of the brain: plug-ins over `brain.values.Application` that know nothing of each other."""

from chengyi.brain.values import Application


def default_apps() -> tuple[Application, ...]:
    """Return the applications that come with the product."""
    from chengyi.brain.apps.governance import Governance
    from chengyi.brain.apps.livelihood import Livelihood
    from chengyi.brain.apps.traffic import Traffic

    return (Livelihood(), Traffic(), Governance())
