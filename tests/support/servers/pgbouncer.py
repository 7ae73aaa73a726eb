"""PgBouncer, in transaction mode, before one PostgreSQL."""

from typing import Any, Final

from servers import found
from servers.postgres import OWNER, PASSWORD, USER, Postgres
from servers.process import HOST, Server, answers

MANNERS: Final = {"pool_mode": "transaction", "auth_type": "trust", "max_client_conn": 500, "default_pool_size": 10}


class PgBouncer(Server):
    """One PgBouncer; `settings` are its own."""

    user = found.user()

    def __init__(self, before: Postgres, **settings: Any) -> None:
        self.program = found.program("pgbouncer")
        super().__init__()
        users = self.folder / "users"
        users.write_text("".join(f'"{user}" "{PASSWORD}"\n' for user in (OWNER, USER)))
        settings = {**MANNERS, "listen_addr": HOST, "listen_port": self.port, "auth_file": users, **settings}
        settings |= {"unix_socket_dir": self.folder, "admin_users": OWNER}
        self._file = self.folder / "pgbouncer.ini"
        lines = [f"{name} = {value}" for name, value in settings.items()]
        target = f"* = host={HOST} port={before.port}"
        self._file.write_text("\n".join(["[databases]", target, "[pgbouncer]", *lines, ""]))
        self.own(self.folder)

    def command(self) -> list[str]:
        return [str(self.program), str(self._file)]

    def up(self) -> bool:
        return answers(self.port)

    def url(self, database: str = USER, user: str = USER, password: str = PASSWORD) -> str:
        """Of a database behind it."""
        return f"postgresql://{user}:{password}@{self.address}/{database}"
