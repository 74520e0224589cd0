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


def walk(data: bytes, on_element: OnElement, *, depth_max: int = DEPTH_MAX) -> None:
    """Call for each element of a document in UTF-8, in order.

    Raises:
        BadInput: not well-formed, with a document type, too deep, or with too many attributes.
    """
    way: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        way.append(name)
        if len(way) > depth_max:
            raise BadInput(f"nested deeper than {depth_max} elements", field="xml")
        if len(attributes) > ATTRIBUTES_MAX:
            raise BadInput(f"more than {ATTRIBUTES_MAX} attributes in {name[:40]}", field="xml")
        on_element(way, attributes)

    def end(_: str) -> None:
        way.pop()

    def refuse(*_: object) -> NoReturn:
        raise BadInput("has a document type; leave it out", field="xml")

    # Told here, because a document could name any encoding that Python knows.
    parser = ParserCreate("utf-8")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - It takes no keyword: this is all of it.
    except ExpatError as error:
        raise BadInput(f"not XML: {error}", field="xml") from error
