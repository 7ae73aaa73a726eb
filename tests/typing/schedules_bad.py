"""Schedules, used wrong: both checkers reject each line marked `# E:`, and no other."""

from __future__ import annotations

from workhorse import Cron, Every, Router, Workhorse

app = Workhorse()

Cron()  # E: no expression
Cron(5)  # E: text
Cron("0 4 * * *", zone="UTC")  # E: no such setting
Cron("0 4 * * *", "UTC", 3)  # E: it is named
Every(5)  # E: of what
Every(weeks=1)  # E: no such unit
Every(minutes="5")  # E: a number
Every(minutes=5, catch_up=1.5)  # E: whole
Every(minutes=5).seconds = 3  # E: frozen
Router(schedule=Every(minutes=5))  # E: of a task
app.task(schedule="0 4 * * *")  # E: a Cron
app.task(schedule=[Every(minutes=5)])  # E: one


@app.task
async def plain() -> None: ...


@app.task(schedule=Every(minutes=5))  # E: nobody is there to pass it
async def resize(path: str) -> None: ...


plain.options(schedule=Every(minutes=5))  # E: of a task, not of a job
