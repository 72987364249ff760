"""One run over one source: what is new is taken, what fails is named, and the rest goes on."""

from dataclasses import replace
from pathlib import Path

from chengyi.collect.connectors import connect
from chengyi.collect.delivery import Delivery, Done, Item, Refusal
from chengyi.collect.intake import Intake
from chengyi.collect.report import SourceOutcome
from chengyi.collect.rules import Judgement
from chengyi.collect.sources import Source
from chengyi.model.errors import BadInputError, ChengyiError, UnreachableError, UnsettledError
from chengyi.model.reporter import Step
from chengyi.model.submission import SubmissionState
from chengyi.model.text import Text

_MAX_NOTES = 20
_DELIVERY_FAULTS = (UnsettledError, BadInputError, UnreachableError)


class SourceRun:
    """Takes what one source has, into one intake."""

    def __init__(self, intake: Intake, source: Source, home: Path, step: Step) -> None:
        self._intake, self._source, self._home, self._step = intake, source, home, step
        self._outcome = SourceOutcome(source.id)
        self._failed = False

    def run(self) -> SourceOutcome:
        """Take all there is, and return what happened; a ChengyiError ends the source and is in the outcome."""
        try:
            self._all()
        except ChengyiError as fault:
            self._outcome = replace(self._outcome, error=fault)
            self._step.note(Text(fault.message("zh"), fault.message("en")))
        return self._outcome

    def _all(self) -> None:
        connector = connect(self._source.kind, self._source.connector, self._source.id, self._home)
        try:
            for item in connector.deliveries(self._unchanged):
                self._one(item)
                if self._intake.full:
                    self._intake.flush()
        finally:
            self._intake.flush()

    def _one(self, item: Item) -> None:
        if isinstance(item, Delivery):
            self._delivery(item)
        elif isinstance(item, Refusal):
            self._count("skipped")
            self._note(Text(f"{item.name}：{item.reason.zh}", f"{item.name}: {item.reason.en}"))
            self._intake.refuse(item)
        elif isinstance(item, Done):
            if not self._failed:
                self._intake.remember(item.name, item.mark, item.deliveries)
            self._failed = False

    def _delivery(self, delivery: Delivery) -> None:
        if self._unchanged(delivery.sequence, delivery.mark):
            return
        try:
            judgement, submission = self._intake.take(delivery)
        except _DELIVERY_FAULTS as fault:
            self._failed = self._failed or not isinstance(fault, BadInputError)
            self._count("skipped")
            self._note(Text(fault.message("zh"), fault.message("en")))
            if len(self._outcome.faults) < _MAX_NOTES:
                self._outcome = replace(self._outcome, faults=(*self._outcome.faults, fault))
            return
        self._intake.remember(delivery.sequence, delivery.mark)
        if submission is None:
            self._count("unchanged")
        elif submission.state is SubmissionState.QUARANTINED:
            self._count("quarantined")
            self._note(Text(f"{delivery.sequence}：{submission.reason}", f"{delivery.sequence}: {submission.reason}"))
        else:
            self._count("changed" if judgement is Judgement.VERSION else "new")

    def _unchanged(self, name: str, mark: str) -> bool:
        known = self._intake.known(name, mark)
        self._count("unchanged", known)
        return known > 0

    def _count(self, what: str, by: int = 1) -> None:
        if by:
            now = int(getattr(self._outcome, what))
            self._outcome = replace(self._outcome, **{what: now + by})  # type: ignore[arg-type]

    def _note(self, text: Text) -> None:
        self._step.note(text)
        if len(self._outcome.notes) < _MAX_NOTES:
            self._outcome = replace(self._outcome, notes=(*self._outcome.notes, text))
