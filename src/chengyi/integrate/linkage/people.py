"""Linking people: from mentions in many sources to one cluster a person.

Rules: (1) a valid citizen id that one person uses makes known; (2) everyone else is compared only with those who share
a rare code; (3) a matcher taught by known ids, or Fellegi-Sunter where there are none, gives each pair a probability;
(4) rules keep apart what must not link; (5) average linkage makes people of pairs. Same mentions, same clusters,
whatever their order. A model only proposes: every link carries its probability and reasons (promise 7).
"""

from typing import TYPE_CHECKING

from chengyi.integrate.linkage.settings import Linkage, LinkageSettings
from chengyi.model.reporter import Reporter
from chengyi.model.text import Text

if TYPE_CHECKING:
    import pyarrow as pa

    from chengyi.store.ports import Tables


def link_people(mentions: "pa.Table", tables: "Tables", settings: LinkageSettings, reporter: Reporter) -> Linkage:
    """Link the mentions of people.

    Args:
        mentions: `mention` (int64, unique) and the nullable texts `source`, `citizen_id`, `name`, `sex`, `birth_date`
            (ISO, may be partial), `address`, `phone`, `household`, `extra` (further particulars joined with ``|``).
        tables: the engine that joins.
        settings: what steers the run.
        reporter: is told of each stage.

    Raises:
        UsageError: a column is missing, or a mention number is absent or not unique.
    """
    from chengyi.integrate.linkage.outcome import assemble
    from chengyi.integrate.linkage.run import Run

    run = Run(mentions, tables, settings)
    for title, stage in (
        (Text("核对身份号码", "Check citizen numbers"), run.identify),
        (Text("查找可能相同的人", "Find who may be the same"), run.block),
        (Text("逐对比较", "Compare pairs"), run.compare),
        (Text("判断与校准", "Judge and calibrate"), run.judge),
        (Text("归并成人", "Form people"), run.cluster),
    ):
        with reporter.step(title, 1) as step:
            stage()
            step.advance()
    return assemble(run)
