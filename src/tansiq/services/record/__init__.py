"""The record: everything said, in a log that shows any change, and the logs of others witnessed.

``Record`` is our own log, ``KnownRecord`` what of it needs no signing key; ``Witness`` cosigns the
checkpoints of others; ``check`` hashes ours anew at start. What is appended, and when checkpoints
are exchanged, is decided elsewhere.
"""

from tansiq.services.record.exchange import exchange_entry
from tansiq.services.record.log import KnownRecord, Record
from tansiq.services.record.start import Checked, check
from tansiq.services.record.witness import Witness

__all__ = ["Checked", "KnownRecord", "Record", "Witness", "check", "exchange_entry"]
