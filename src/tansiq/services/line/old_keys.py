"""Says more of a letter whose signature does not hold: perhaps its sender's key was changed since.

Such a letter is refused all the same, however early it says that it was written. A key is changed
because somebody else may have it, and whoever has it can put any time, number and version of the
agreement into a note: nothing that the letter itself says shows that it is older than the change.
So a key that was changed opens nothing any more. What is lost by it can be said again, by the key
that counts; the sentence asks for that, and the sender's outbox shows it.
"""

from tansiq.domain.agreement import Agreement
from tansiq.errors import BadInput, BadSignature
from tansiq.formats.agreement import read_agreement
from tansiq.formats.letter import Letter, check_sender
from tansiq.services.planning.site import Site
from tansiq.storage.versions import VersionRows


class OldKeys:
    """Looks at the versions of the agreement that this store was served under."""

    def __init__(self, site: Site) -> None:
        self._store = site.store
        self._versions = site.versions
        self._read: dict[str, Agreement | None] = {}
        """By digest; only of those that the node has served under."""

    async def explained(self, letter: Letter, error: BadSignature) -> BadSignature:
        """Return why a letter is refused whose signature does not hold by the present key.

        Raises:
            StoreError: the store cannot be read.
        """
        note = letter.note
        if note.agreement not in self._versions:
            return error
        if self._versions.is_following(note.agreement):
            return BadSignature(
                f"{error.message}; it was written under agreement {note.agreement[:12]}, which "
                "this node is to go over to, and is taken then if that version has its key",
                field=error.field,
            )
        old = await self._version(note.agreement)
        party = None if old is None else old.party(note.sender)
        if old is None or party is None:
            return error
        try:
            check_sender(letter, party.public_key)
        except BadSignature:
            return error
        return BadSignature(
            f"was signed with the key that {note.sender} had under version {old.version} of the "
            "agreement, and that was changed since: nobody can tell any more when this was "
            f"written. Have {note.sender} say it again",
            field=error.field,
        )

    async def _version(self, digest: str) -> Agreement | None:
        if digest not in self._read:
            file = await self._store.read(lambda tx: VersionRows(tx).file(digest))
            try:
                self._read[digest] = None if file is None else read_agreement(file)
            except BadInput:  # Of a node of before, by rules that it knew and we do not.
                self._read[digest] = None
        return self._read[digest]
