"""XML of strangers: no document type, no entities, bounded depth, nothing kept but what is asked.

Expat reads and these handlers refuse. A document type is where entities that grow without bound,
and files and addresses to be fetched, are declared; without one there are none.
"""

from collections.abc import Callable
from typing import Final, NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from tansiq.errors import BadInput

DEPTH_MAX: Final = 32
ATTRIBUTES_MAX: Final = 64

OnElement = Callable[[list[str], dict[str, str]], None]
"""Called with the names from the root down to an element, and its attributes."""
OnEnd = Callable[[list[str], str], None]
"""Called at an element's end with the same names, and its text without that of elements inside."""


def walk(
    data: bytes,
    on_element: OnElement,
    *,
    on_end: OnEnd | None = None,
    depth_max: int = DEPTH_MAX,
) -> None:
    """Call for each element of a document in UTF-8, in order.

    Raises:
        BadInput: not well-formed, with a document type, too deep, or with too many attributes.
    """
    way: list[str] = []
    texts: list[list[str]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        way.append(name)
        if len(way) > depth_max:
            raise BadInput(f"nested deeper than {depth_max} elements", field="xml")
        if len(attributes) > ATTRIBUTES_MAX:
            raise BadInput(f"more than {ATTRIBUTES_MAX} attributes in {name[:40]}", field="xml")
        texts.append([])
        on_element(way, attributes)

    def end(_: str) -> None:
        text = texts.pop()
        if on_end is not None:
            on_end(way, "".join(text))
        way.pop()

    def characters(text: str) -> None:
        texts[-1].append(text)

    def refuse(*_: object) -> NoReturn:
        raise BadInput("has a document type; leave it out", field="xml")

    # Told here, because a document could name any encoding that Python knows.
    parser = ParserCreate("utf-8")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    if on_end is not None:
        parser.buffer_text = True
        parser.CharacterDataHandler = characters
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - It takes no keyword: this is all of it.
    except ExpatError as error:
        raise BadInput(f"not XML: {error}", field="xml") from error
