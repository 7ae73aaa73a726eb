"""The judge is judged: small histories, each with the line that it breaks, and good ones that break none."""

from typing import Self

import pytest

from account import (
    ALWAYS,
    FAILED,
    Accepted,
    Account,
    Asked,
    CancelAcknowledged,
    CancelAsked,
    Claimed,
    Claiming,
    ClaimOver,
    Cut,
    Extended,
    Failed,
    Fault,
    Final,
    Finished,
    Record,
    Refused,
    Settled,
    Settling,
    Started,
    Wish,
    account,
    histories,
)

LEASE = 10.0


class Told:
    """A history, told event by event; each takes a tenth of a second. `j` is the job unless another is named."""

    def __init__(self) -> None:
        self.at = 100.0
        self.records: list[Record] = []
        self.rows: list[Final] = []

    def ask(self, job: str = "j", *, answer: str | None = "accepted", **wish: object) -> Self:
        self._say(Asked(at=self.at, who="asker", job=job, wish=Wish(**wish)))  # type: ignore[arg-type]
        if answer == "accepted":
            self._say(Accepted(at=self.at, who="asker", job=job))
        elif answer is not None:
            self._say(Refused(at=self.at, who="asker", job=job, of=answer))
        return self

    def cancel(self, job: str = "j") -> Self:
        self._say(CancelAsked(at=self.at, who="asker", job=job))
        return self._say(CancelAcknowledged(at=self.at, who="asker", job=job))

    def claim(self, who: str, token: str, job: str = "j", *, attempt: int = 1, crashes: int = 0) -> Self:
        since = self.at
        self._say(Claiming(at=since, who=who))
        facts = {"token": token, "attempt": attempt, "crashes": crashes, "lease": LEASE, "since": since}
        self._say(Claimed(at=self.at, who=who, job=job, **facts))  # type: ignore[arg-type]
        return self._say(ClaimOver(at=self.at, who=who, since=since))

    def claim_in_vain(self, who: str) -> Self:
        return self._say(Claiming(at=self.at, who=who))

    def claim_refused(self, who: str) -> Self:
        self._say(Claiming(at=self.at, who=who))
        return self._say(ClaimOver(at=self.at, who=who, since=self.at - 0.1, failed=True))

    def extend(self, who: str, token: str, job: str = "j", answer: str = "kept") -> Self:
        since, self.at = self.at, self.at + 0.1
        return self._say(Extended(at=self.at, who=who, job=job, token=token, lease=LEASE, since=since, answer=answer))

    def start(self, who: str, job: str = "j", attempt: int = 1, got: tuple[str, ...] = ()) -> Self:
        return self._say(Started(at=self.at, who=who, job=job, attempt=attempt, got=got))

    def finish(self, who: str, job: str = "j") -> Self:
        return self._say(Finished(at=self.at, who=who, job=job))

    def fail(self, who: str, job: str = "j", error: str = "no") -> Self:
        return self._say(Failed(at=self.at, who=who, job=job, error=error))

    def cut(self, who: str, job: str = "j") -> Self:
        return self._say(Cut(at=self.at, who=who, job=job))

    def settle(
        self,
        who: str,
        token: str,
        job: str = "j",
        kind: str = "Succeeded",
        answer: str | None = "",
        follows: tuple[str, ...] = (),
    ) -> Self:
        since = self.at
        self._say(Settling(at=since, who=who, job=job, token=token, kind=kind, follows=follows))
        if answer is not None:
            told = {"job": job, "token": token, "kind": kind, "follows": follows}
            self._say(Settled(at=self.at, who=who, answer=answer, since=since, **told))  # type: ignore[arg-type]
        return self

    def fault(self, kind: str, victim: str, lasting: float = 0.0) -> Self:
        begins, self.at = self.at, self.at + lasting
        return self._say(Fault(at=self.at, who="nemesis", kind=kind, victim=victim, begins=begins, ends=self.at))

    def wait(self, seconds: float) -> Self:
        self.at += seconds
        return self

    def run(self, who: str, token: str, job: str = "j", **claim: int) -> Self:
        return self.claim(who, token, job, **claim).start(who, job, claim.get("attempt", 1)).finish(who, job)

    def run_late(self, who: str, token: str) -> Self:
        return self.start(who).finish(who).settle(who, token, answer="stale")

    def done(self, who: str, token: str, job: str = "j", **claim: int) -> Self:
        return self.run(who, token, job, **claim).settle(who, token, job).row(job)

    def attempt(self, number: int, kind: str = "Retried", job: str = "j") -> Self:
        token = f"{job}{number}"
        self.claim("w", token, job, attempt=number).start("w", job, number).fail("w", job)
        return self.settle("w", token, job, kind)

    def row(self, job: str = "j", status: str = "succeeded", **facts: object) -> Self:
        self.rows.append(Final(job=job, status=status, **facts))  # type: ignore[arg-type]
        return self

    def judged(self) -> Account:
        return account(self.records, self.rows)

    def _say(self, record: Record) -> Self:
        self.records.append(record)
        self.at += 0.1
        return self


def killed_under(*tokens: str, kind: str = "kill", **wish: object) -> Told:
    """Asked for, and claimed and started by one worker after another, each of which is killed."""
    told = Told().ask(**wish)
    for crashes, token in enumerate(tokens):
        told.claim(token, token, crashes=crashes).start(token).fault(kind, token).wait(LEASE)
    return told


def crashed(told: Told, crashes: int) -> Told:
    told.claim("w", "last", crashes=crashes).settle("w", "last", kind="Dead")
    return told.row(status="dead", reason=f"crashed: {crashes} workers died", crashes=crashes)


def beside_poison(last: int) -> Told:
    """Killed twice by itself, then under a poison job that was claimed with so many crashes."""
    told = killed_under("1", "2").ask("p", poison=True)
    told.claim("v", "p", "p", crashes=last).claim("v", "3", crashes=2).start("v", "p").start("v").fault("poison", "v")
    told.wait(LEASE).row("p", "dead", reason="crashed: 3 workers died")
    return crashed(told, 3)


def frozen_in_its_claim() -> Told:
    told = Told().ask()
    begun = told.at
    told.fault("stop", "v", LEASE + 2).claim("w", "2", crashes=1).start("w").finish("w")
    told.records.append(Claimed(at=told.at, who="v", job="j", since=begun, token="1", lease=LEASE))
    return told.wait(0.1).run_late("v", "1").settle("w", "2").row()


def frozen_beside_a_hand_back() -> Told:
    told = Told().ask()
    begun = told.at
    told.wait(0.1).claim("u", "1").settle("u", "1", kind="Released").fault("stop", "v", LEASE)
    told.records.append(Claimed(at=told.at, who="v", job="j", since=begun, token="2", lease=LEASE))
    return told.wait(0.1).fault("kill", "v").wait(LEASE).done("w", "3", crashes=1)


def lane(*, ordered: bool = True, width: int = 1) -> Told:
    return Told().ask("a", lane="l", ordered=ordered, width=width).ask("b", lane="l", ordered=ordered, width=width)


def rated(wait: float) -> Told:
    told = Told().ask("a", lane="l", width=9, rate="1/min").ask("b", lane="l", width=9, rate="1/min")
    return told.done("w", "1", "a").wait(wait).done("w", "2", "b")


def followed(*, wish: bool = True, kind: str = "Succeeded", status: str = "succeeded", after: str = "0") -> Told:
    """It ended, and its settle published what is to follow it."""
    told = Told().ask(followed=wish, fails=0 if kind == "Succeeded" else ALWAYS, retries=0).claim("w", "1").start("w")
    told = told.finish("w") if kind == "Succeeded" else told.fail("w")
    told.settle("w", "1", kind=kind, follows=(f"j~1~{after}",))
    dead = {"errors": ("no",), "reason": "Error: no"} if status == "dead" else {}
    return told.row(status=status, **dead)


def follower(told: Told, got: str, job: str = "j~1~0") -> Told:
    told.claim("v", job, job).start("v", job, got=(got,)).finish("v", job)
    return told.settle("v", job, job).row(job)


def group(*got: str, collected: bool = True) -> Told:
    """Two members, of which the second fails for good; the first was run twice, by one who was frozen."""
    told = Told().ask("c", members=("a", "b")).ask("a").ask("b", fails=ALWAYS, retries=0)
    told.claim("v", "1", "a").start("v", "a").fault("stop", "v", LEASE).run("w", "2", "a", crashes=1).settle(
        "w", "2", "a"
    )
    told.finish("v", "a").settle("v", "1", "a", answer="stale", follows=("c",)).row("a")
    told.claim("w", "3", "b").start("w", "b").fail("w", "b").settle("w", "3", "b", "Dead", follows=("c",) * collected)
    told.row("b", "dead", errors=("no",), reason="Error: no")
    return collector(told, got) if collected else told


def collector(told: Told, got: tuple[str, ...]) -> Told:
    return told.claim("w", "4", "c").start("w", "c", got=got).finish("w", "c").settle("w", "4", "c").row("c")


def always(last: int, errors: int) -> Told:
    """It always fails, with two retries."""
    told = Told().ask(fails=ALWAYS, retries=2)
    for number in range(1, last):
        told.attempt(number)
    return told.attempt(last, "Dead").row(status="dead", attempt=last, errors=("no",) * errors, reason="Error: no")


GOOD = {
    "one job, as it should be": Told().ask().done("w", "1"),
    "asked again after an answer that was lost": Told().ask(answer=None).ask().done("w", "1"),
    "asked, never answered, never stored": Told().ask(answer=None),
    "refused, and left alone": Told().ask("a").ask(answer="a").done("w", "1", "a"),
    "killed, and run again": killed_under("v").done("w", "1", crashes=1),
    "killed with the answer of its claim": Told().ask().claim_in_vain("v").fault("kill", "v").done("w", "1", crashes=1),
    "two asked for while a claim waits, and killed with its answer": Told().claim_in_vain("v").ask("a").ask("b")
    .fault("kill", "v").done("w", "1", "a", crashes=1).done("w", "2", "b", crashes=1),
    "handed back while a claim waits, and killed with its answer": Told().ask().claim_in_vain("v").claim("u", "1")
    .settle("u", "1", kind="Released").fault("kill", "v").done("w", "2", crashes=1),
    "a claim that failed may have been made": Told().ask().claim_refused("v").done("w", "1", crashes=1),
    "frozen in its claim until another's was made and handed back, and killed when its own is answered":
    frozen_beside_a_hand_back(),
    "frozen past its lease; what it settles late is stale": killed_under("v", kind="stop")
    .run("w", "1", crashes=1)
    .finish("v")
    .settle("v", "v", answer="stale")
    .settle("w", "1")
    .row(),
    "its settle was lost with the worker": Told().ask().run("v", "1").settle("v", "1", answer=None).row(),
    "handed back at a stop": Told()
    .ask()
    .claim("v", "1")
    .start("v")
    .fault("term", "v", 1)
    .cut("v")
    .settle("v", "1", kind="Released")
    .done("w", "2"),
    "failed once": Told().ask(fails=1).attempt(1).done("w", "2", attempt=2),
    "always failing": always(3, 3),
    "a poison job": crashed(killed_under("1", "2", "3", kind="poison", poison=True), 3),
    "killed three times by itself": crashed(killed_under("1", "2", "3"), 3),
    "beside a poison job that nobody could know yet": beside_poison(last=0),
    "frozen between its claim and its start": Told()
    .ask()
    .claim("v", "v")
    .fault("stop", "v", LEASE)
    .run("w", "1", crashes=1)
    .run_late("v", "v")
    .settle("w", "1")
    .row(),
    "claimed twice by one process, which had lost it in between": Told()
    .ask()
    .claim("v", "1")
    .fault("jump", "*")
    .claim("v", "2", crashes=1)
    .start("v")
    .finish("v")
    .start("v")
    .finish("v")
    .settle("v", "2")
    .row(),
    "frozen in its claim, whose answer comes after the next one's": frozen_in_its_claim(),
    "longer than its lease, extended": Told().ask().claim("w", "1").wait(8).extend("w", "1").wait(8).start("w")
    .finish("w").settle("w", "1").row(),
    "a jump of the clock ends a lease": Told().ask().claim("v", "1").start("v").fault("jump", "*").done("w", "2", crashes=1)
    .finish("v").settle("v", "1", answer="stale"),
    "cancelled while it waited": Told().ask().cancel().claim("w", "1").settle("w", "1", kind="Cancelled")
    .row(status="cancelled"),
    "cancelled between its claim and its start": Told().ask().claim("w", "1").cancel().start("w").cut("w")
    .settle("w", "1", kind="Cancelled").row(status="cancelled"),
    "an ordered lane in order": lane().done("w", "1", "a").done("w", "2", "b"),
    "a wide lane": lane(ordered=False, width=2).claim("w", "1", "a").claim("w", "2", "b").start("w", "a").start("w", "b")
    .finish("w", "a").finish("w", "b").settle("w", "1", "a").settle("w", "2", "b").row("a").row("b"),
    "a lane whose holder was killed": lane(ordered=False).claim("v", "1", "a").start("v", "a").fault("kill", "v").wait(LEASE)
    .done("w", "2", "a", crashes=1).done("w", "3", "b"),
    "a lane within its rate": rated(60),
    "a lane with a rate, and the clock jumped": Told().ask("a", lane="l", width=9, rate="1/min").done("w", "1", "a")
    .ask("b", lane="l", width=9, rate="1/min").fault("jump", "*").done("w", "2", "b"),
    "a key, twice in turn": Told().ask("a", unique="k").done("w", "1", "a").ask("b", unique="k").done("w", "2", "b"),
    "a key, refused while its job was being settled": Told().ask("a", unique="k").run("w", "1", "a").settle("w", "1", "a", answer=None)
    .row("a").ask("b", unique="k", answer="a"),
    "followed": follower(followed(), "w/"),
    "followed, and its settle's answer lost": follower(Told().ask(followed=True).run("w", "1")
    .settle("w", "1", answer=None, follows=("j~1~0",)).fault("kill", "w").row(), "w/"),
    "mourned": follower(followed(kind="Dead", status="dead", after="dead"), "j", "j~1~dead"),
    "cancelled, and followed by nobody": Told().ask(followed=True).cancel().row(status="cancelled"),
    "a group, with one that failed": group("w/", FAILED),
    "a group of which one was never enqueued": Told().ask("c", members=("a", "b"), answer=None).ask("a").ask("b", answer=None)
    .done("w", "1", "a"),
    "delayed": Told().ask(delay=5).wait(5).done("w", "1"),
    "delayed, and the clock jumped": Told().ask(delay=3600).fault("jump", "*").done("w", "1"),
}  # fmt: skip

BAD = {
    "lost": Told().ask().row(status="ready"),
    "unexpected: ran, never asked for": Told().done("w", "1"),
    "ran after a definite refusal": Told().ask(answer="other").done("w", "1"),
    "not ended after the drain": Told().ask().run("w", "1").row(status="running"),
    "succeeded without a finished run": Told().ask().claim("w", "1").start("w").settle("w", "1").row(),
    "stale finish: settled by a claim that was not the newest": killed_under("v", kind="stop")
    .run("w", "1", crashes=1).finish("v").settle("v", "v").settle("w", "1", answer="stale").row(),
    "ended twice": Told().ask().done("v", "1").fault("stop", "v", LEASE).done("w", "2"),
    "two claims alive within a valid lease": Told().ask().claim("v", "1").fault("kill", "v").done("w", "2", crashes=1),
    "cancelled before its claim, yet run": Told().ask().cancel().done("w", "1"),
    "ordered lane out of order": lane().done("w", "2", "b").done("w", "1", "a"),
    "lane's width exceeded": lane(ordered=False).claim("w", "1", "a").start("w", "a").done("w", "2", "b")
    .finish("w", "a").settle("w", "1", "a").row("a"),
    "lane faster than its rate": rated(58),
    "two live jobs of one unique key": Told().ask("a", unique="k").ask("b", unique="k").done("w", "1", "a").done("w", "2", "b"),
    "refused for a job that had ended": Told().ask("a", unique="k").done("w", "1", "a").ask("b", unique="k", answer="a"),
    "followed otherwise than it ended": followed(kind="Succeeded", status="succeeded", after="dead").row("j~1~dead"),
    "followed with a result that did not count": follower(followed(), "v/"),
    "collected otherwise than its members ended": group("v/", FAILED),
    "delayed, ran before its time": Told().ask(delay=5).wait(4).done("w", "1"),
    "dead with a poison job that they only stood by": beside_poison(last=2),
    "dead letters incomplete, or one too many": always(3, 2),
    "attempts over what failed": Told().ask().claim("w", "1").start("w").settle("w", "1", kind="Released")
    .done("v", "2", attempt=2),
    "crashes charged over the deaths of holders": Told().ask().claim("w", "1").settle("w", "1", kind="Released")
    .done("v", "2", crashes=1),
    "run again, and no fault explains it": Told().ask().claim("w", "1").start("w").wait(LEASE).done("v", "2", crashes=0)
    .finish("w").settle("w", "1", answer="stale"),
}  # fmt: skip

MORE = [
    ("lost", Told().ask()),
    ("dead letters incomplete, or one too many", always(2, 2)),
    ("dead letters incomplete, or one too many", Told().ask(fails=ALWAYS).done("w", "1")),
    ("dead letters incomplete, or one too many", Told().ask(poison=True).done("w", "1")),
    ("dead letters incomplete, or one too many", Told().ask().attempt(1, "Dead").row(status="dead", reason="no")),
    (
        "two live jobs of one unique key",
        Told().ask("a", unique="k").ask("b", unique="k", answer=None).claim("w", "1", "a").start("w", "a")
        .done("v", "2", "b").finish("w", "a").settle("w", "1", "a").row("a"),
    ),
    ("two claims alive within a valid lease", Told().ask().claim("v", "1").wait(8).extend("v", "1").fault("kill", "v").wait(4)
    .done("w", "2", crashes=1)),
    ("run again, and no fault explains it", Told().ask().claim("v", "1").start("v").finish("v").fault("term", "v")
    .wait(LEASE).done("w", "2")),
    ("crashes charged over the deaths of holders", Told().ask("a").claim_in_vain("v").fault("kill", "v").ask().claim("w", "1")
    .settle("w", "1", kind="Released").done("w", "2", crashes=1)),
    ("crashes charged over the deaths of holders", Told().claim_refused("v").ask().done("w", "1", crashes=1)),
    ("crashes charged over the deaths of holders", Told().claim_in_vain("v").ask().fault("kill", "v")
    .done("w", "1", crashes=2)),
    ("crashes charged over the deaths of holders", Told().ask().claim_in_vain("v").fault("kill", "v").claim("u", "1", crashes=1)
    .settle("u", "1", kind="Released").done("w", "2", crashes=2)),
    ("run again, and no fault explains it", Told().ask().run("v", "1").start("v").finish("v").settle("v", "1").row()),
    ("ordered lane out of order", lane().done("w", "2", "b").row("a", "ready")),
    ("refused for a job that had ended", Told().ask(unique="k", answer="nobody")),
    ("followed otherwise than it ended", followed()),
    ("lost", followed()),
    ("followed otherwise than it ended", follower(follower(followed(), "w/"), "w/", "j~2~0")),
    ("followed otherwise than it ended", follower(follower(followed(), "w/"), "j", "j~1~dead")),
    ("followed otherwise than it ended", follower(followed(wish=False), "w/")),
    ("followed otherwise than it ended", follower(followed(kind="Dead", status="cancelled"), "w/")),
    ("followed with a result that did not count", follower(followed(kind="Dead", status="dead", after="dead"), "k", "j~1~dead")),
    ("collected otherwise than its members ended", group(collected=False)),
    ("lost", group(collected=False)),
    ("collected otherwise than its members ended", group("w/", "w/")),
    ("collected otherwise than its members ended", group("w/")),
    ("collected otherwise than its members ended", collector(Told().ask("c", members=("a",)).ask("a"), (FAILED,))),
]  # fmt: skip


@pytest.mark.parametrize("told", GOOD.values(), ids=GOOD.keys())
def test_a_good_history_breaks_no_line(told: Told) -> None:
    assert told.judged().broken == []


@pytest.mark.parametrize(("line", "told"), [*BAD.items(), *MORE])
def test_a_bad_history_breaks_its_line(line: str, told: Told) -> None:
    broken = {found.name: found for found in told.judged().broken}
    assert line in broken, broken
    assert broken[line].jobs


def test_every_line_with_a_bound_has_a_history_that_breaks_it() -> None:
    assert {line.name for line in account([], []).lines if line.bound is not None} == BAD.keys()


def test_what_is_legal_is_counted_by_the_fault_that_explains_it() -> None:
    told = killed_under("v").done("w", "1", crashes=1).ask("r", answer=None).done("w", "2", "r").judged()
    assert (told["run again"], told["run again after: kill"], told["recovered: asked, never answered, yet ran"]) == (
        1,
        1,
        1,
    )


def test_the_table_names_the_offending_jobs() -> None:
    table = Told().ask("left-behind").judged().table()
    assert "| lost | 1 | 0 | BROKEN: left-behind |" in table


def test_the_history_of_an_offender_has_all_that_may_explain_it() -> None:
    told = (
        Told().claim_in_vain("u").ask("good").ask(poison=True).claim("v", "1").fault("kill", "u").fault("stop", "v", 3)
    )
    told.fault("kill", "stranger").done("w", "3", "good").fault("disk full", "*").done("w", "2", crashes=4)
    assert histories(told.records, told.rows, told.judged()).splitlines() == [
        "j: poison=True",
        "      0.000 u claims, and nobody hears the answer, for 0.800 s at most",
        "      0.300 asker Asked",
        "      0.400 asker Accepted",
        "      0.600 v Claimed from 0.500 token=1 lease=10.0",
        "      0.900 v suffers stop, for 3.000 s at most",
        "      4.800 * suffers disk full, for 0.000 s at most",
        "      5.000 w Claimed from 4.900 token=2 lease=10.0 crashes=4",
        "      5.200 w Started",
        "      5.300 w Finished",
        "      5.400 w Settling token=2 kind=Succeeded",
        "      5.500 w Settled from 5.400 token=2 kind=Succeeded",
        "  in the end status=succeeded attempt=1 crashes=0",
    ]
