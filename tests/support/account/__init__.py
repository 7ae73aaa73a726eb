"""The judge of a run: what was written down while it lasted, and the rows that are left, become lines with a bound each.

A pure function: no clock, no file, no process. A simulation feeds it from memory, the ledger from the journals of its processes.
"""

from account.book import account as account
from account.history import histories as histories
from account.line import Account as Account
from account.line import Line as Line
from account.line import total as total
from account.records import ALWAYS as ALWAYS
from account.records import Accepted as Accepted
from account.records import Asked as Asked
from account.records import CancelAcknowledged as CancelAcknowledged
from account.records import CancelAsked as CancelAsked
from account.records import Claimed as Claimed
from account.records import Claiming as Claiming
from account.records import ClaimOver as ClaimOver
from account.records import Cut as Cut
from account.records import Extended as Extended
from account.records import Failed as Failed
from account.records import Fault as Fault
from account.records import Final as Final
from account.records import Finished as Finished
from account.records import Record as Record
from account.records import Refused as Refused
from account.records import Settled as Settled
from account.records import Settling as Settling
from account.records import Started as Started
from account.records import Wish as Wish
from account.sequels import FAILED as FAILED
from account.sequels import label as label
