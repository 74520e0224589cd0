"""What keeps a plan or no-go area from going on at a register: a sentence with a stable code."""

from tansiq.errors import TansiqError


class Problem(str):
    """The sentence; ``code`` is one of docs/errors.md, ``refused`` or ``details``.

    Text to whoever shows it, so that only those who ask for the code need know of it.
    """

    __slots__ = ("code",)

    code: str

    @classmethod
    def of(cls, error: TansiqError) -> "Problem":
        """Return an error as a problem."""
        return cls.coded(error.code, str(error))

    @classmethod
    def coded(cls, code: str, sentence: str) -> "Problem":
        """Return a sentence under a code."""
        problem = cls(sentence)
        problem.code = code
        return problem


def code_of(problem: str | None) -> str | None:
    """Return the code of a problem; None: there is none, or it has no code."""
    return problem.code if isinstance(problem, Problem) else None
