"""The record: everything said, in a log that shows any change, and the logs of others witnessed.

``Record`` is our own log; ``Witness`` cosigns the checkpoints of others; ``check`` hashes ours anew
at start. What is appended, and when checkpoints are exchanged, is decided elsewhere.
"""

from tansiq.services.record.exchange import exchange_entry
from tansiq.services.record.log import Record
from tansiq.services.record.start import Checked, check
from tansiq.services.record.witness import Witness

__all__ = ["Checked", "Record", "Witness", "check", "exchange_entry"]
