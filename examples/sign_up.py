# sign_up.py
"""Signing up in two databases, people.db and mail.db: whole, or not at all."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from workhorse import Action, ActionQueue
from workhorse.actions import DoublingBackoff


def ask(database: str, statement: str, *values: object) -> list[Any]:
    """One statement, committed at once; where another program writes just now, it is locked out and told so."""
    with closing(sqlite3.connect(database, timeout=0)) as connection, connection:
        return connection.execute(statement, values).fetchall()


@dataclass
class CreatePerson(Action):
    """A row in people.db."""

    name: str
    id: int | None = None  # what execute learns, and rollback needs

    def execute(self) -> None:
        self.id = ask("people.db", "insert into people (name) values (?) returning id", self.name)[0][0]

    def rollback(self) -> None:
        if self.id is not None:  # None: there never was a row
            ask("people.db", "delete from people where id = ?", self.id)


@dataclass
class OpenBox(Action):
    """A row in mail.db, where others write as well: a locked database is tried again, after 0.5, 1 and 2 seconds."""

    person: CreatePerson
    address: str
    opened: bool = False
    there: DoublingBackoff = field(default_factory=DoublingBackoff)
    back: DoublingBackoff = field(default_factory=DoublingBackoff)

    def execute(self) -> None:
        try:
            ask("mail.db", "insert into boxes (address, person) values (?, ?)", self.address, self.person.id)
        except sqlite3.OperationalError as error:
            self.there.again(error)
        self.opened = True

    def rollback(self) -> None:
        if not self.opened:  # the address is somebody else's: their box stays
            return
        try:
            ask("mail.db", "delete from boxes where address = ?", self.address)
        except sqlite3.OperationalError as error:
            self.back.again(error)


def sign_up(name: str, address: str) -> int | None:
    """The new person's number, with a row in both databases; or an error, with a row in neither."""
    person = CreatePerson(name)
    with ActionQueue([person, OpenBox(person, address)], deadline=30) as queue:
        queue.execute()
    return person.id


def main() -> None:
    """Two people want one address; the second is told so, and nothing of her stays."""
    ask("people.db", "create table if not exists people (id integer primary key, name text)")
    ask("mail.db", "create table if not exists boxes (address text primary key, person integer)")
    print("Ada is number", sign_up("Ada", "ada@example.org"))
    try:
        sign_up("Eve", "ada@example.org")
    except sqlite3.IntegrityError as error:
        print("Eve is not there:", error)
    print(ask("people.db", "select name from people"), ask("mail.db", "select address from boxes"))


if __name__ == "__main__":
    main()
