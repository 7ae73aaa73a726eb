"""The demo's app by the name that its workers and the commands after it use; $WORKHORSE_URL says where its jobs are."""

from workhorse.cli.demo_files import build

app = build()
