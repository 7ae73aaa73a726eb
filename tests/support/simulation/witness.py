"""Writes down what each verb did to the engine, inside the transaction that did it: also when nobody lives to hear the answer."""

from collections.abc import Callable, Sequence
from typing import Any

from simulation.engine import Witness
from simulation.history import History
from workhorse.core.contract import Answer, Claim, Dead, Envelope, Filter, Outcome, Released, Retried


def witness(history: History, process: str, verb: str, args: Sequence[Any]) -> Witness | None:
    """Of one call; None for verbs that move no job."""
    tell = _TELL.get(verb)
    if tell is None:
        return None
    return lambda answer, wall: tell(_Teller(history, process, wall), args, answer)


class _Teller:
    def __init__(self, history: History, process: str, wall: float) -> None:
        self.history, self._process, self._wall = history, process, wall

    def say(self, word: str, job: str, **more: Any) -> None:
        self.history.add(self._process, word, job, self._wall, **more)


def _published(teller: _Teller, args: Sequence[Any], answers: list[Answer]) -> None:
    jobs: Sequence[Envelope] = args[0]
    for env, answer in zip(jobs, answers, strict=True):
        if answer.kind == "accepted":
            teller.say("accepted", env.id, delay=env.delay)
        else:
            teller.say("refused", env.id, why=answer.kind)


def _claimed(teller: _Teller, args: Sequence[Any], claims: list[Claim]) -> None:
    for claim in claims:
        teller.say(
            "claimed",
            claim.job.id,
            token=teller.history.token(claim.token),
            lease=args[2],
            attempt=claim.job.attempt,
            crashes=claim.crashes,
            cancel=claim.cancel,
        )


def _settled(teller: _Teller, args: Sequence[Any], undone: list[tuple[Outcome, str]]) -> None:
    whys = {id(outcome): why for outcome, why in undone}
    outcomes: Sequence[Outcome] = args[0]
    for outcome in outcomes:
        why = whys.get(id(outcome), "")
        teller.say(
            "settled",
            outcome.claim.job.id,
            token=teller.history.token(outcome.claim.token),
            kind=type(outcome).__name__,
            undone=why,
            after=outcome.after if isinstance(outcome, Retried | Released) else 0,
            reason=outcome.reason if isinstance(outcome, Dead) else "",
        )
        if not why:
            for env in outcome.publish:
                teller.say("accepted", env.id, delay=env.delay)


def _extended(teller: _Teller, args: Sequence[Any], answers: list[str]) -> None:
    claims: Sequence[Claim] = args[0]
    for claim, answer in zip(claims, answers, strict=True):
        token = teller.history.token(claim.token)
        teller.say("extended", claim.job.id, token=token, lease=args[1], answer=answer)


def _ordered(word: str) -> Callable[[_Teller, Sequence[Any], Any], None]:
    def tell(teller: _Teller, args: Sequence[Any], chunk: tuple[int, int]) -> None:
        if isinstance(args[0], Filter) and chunk[0]:  # a store deletes, too
            for id in args[0].ids:
                teller.say(word, id)

    return tell


_TELL: dict[str, Callable[[_Teller, Sequence[Any], Any], None]] = {
    "publish": _published,
    "claim": _claimed,
    "settle": _settled,
    "extend": _extended,
    "cancel": _ordered("cancelled"),
    "delete": _ordered("deleted"),
}
