"""Items: too many, too large, with dates, ids, links and words that no publisher writes."""

from __future__ import annotations

from tests.feeds.documents import item, rss
from tests.hostile.making import Documents, name_documents, with_body, with_extra, with_title, xml

_LONG = 300_000
#: Texts over which a scan that looks back takes for ever.
WORDS = {
    "dots": "." * _LONG + "x",
    "spaces": "x" + " " * _LONG + "y",
    "spaces of many kinds": "\u2003\u00a0\u2028\t\n" * (_LONG // 5),
    "hyphens": "a" + "-" * _LONG,
    "digits": "1" * _LONG,
    "numbers": "1,1" * (_LONG // 3),
    "sums": "$1.1 million " * (_LONG // 13),
    "initials": "A. " * (_LONG // 3),
    "sentences": "Mr. A said. " * (_LONG // 12),
    "capitals": "ABC DEF " * (_LONG // 8),
    "quotes": "\"'\u201c" * (_LONG // 3),
    "brackets": "([{" * (_LONG // 3),
    "years": "2015 " * (_LONG // 5),
    "days": "on Monday, 30 November " * (_LONG // 23),
    "addresses": "https://a.b/ " * (_LONG // 13),
    "an address": "https://" + "a." * (_LONG // 2),
    "schemes": "https://" * (_LONG // 8),
    "mail": "a@" * (_LONG // 2),
    "marks over a letter": "e" + "\u0301" * _LONG,
    "joiners": "a" + "\u200d" * _LONG,
    "marks of direction": "\u202e\u2066abc" * (_LONG // 5),
    "tags": "\U000e0041" * (_LONG // 4),
    "ligatures": "\ufdfa" * (_LONG // 18),
    "letters that fold to more": "\u0390\ufb03\u1e9e" * (_LONG // 8),
    "one word": "x" * _LONG,
    "a run of Chinese": "\u4e2d\u6587" * (_LONG // 6),
    "an alternation": "a b " * (_LONG // 4),
    "nearly a tag": "<b <b " * (_LONG // 6),
    "escapes": "\\1\\g<0>\\q%s{0}" * (_LONG // 13),
    "slack": "<!channel> <@U1> @everyone " * (_LONG // 27),
    "references": "&amp;amp;" * (_LONG // 9),
    "an unfinished reference": "&" * _LONG,
}
DATES = {
    "year 0": "Wed, 02 Dec 0000 09:00:00 GMT",
    "year 99999": "Wed, 02 Dec 99999 09:00:00 GMT",
    "the last moment": "9999-12-31T23:59:59-23:59",
    "the first moment": "0001-01-01T00:00:00+23:59",
    "no such hour": "Wed, 02 Dec 2015 25:61:61 GMT",
    "no such zone": "Wed, 02 Dec 2015 09:00:00 +9999",
    "far zone": "2015-12-02T09:00:00+99:99",
    "other digits": "\u0662\u0660\u0661\u0665-12-02T09:00:00Z",
    "digits": "1" * 100_000,
    "comments": "Wed, 02 Dec 2015 " + "(" * 100_000,
    "days": "Mon, " * 20_000 + "02 Dec 2015",
    "a fraction": "2015-12-02T09:00:00." + "9" * 100_000 + "Z",
    "colons": ":" * 100_000,
    "signs": "2015" + "-" * 100_000,
    "seconds": "1e400",
    "next century": "Wed, 02 Dec 2115 09:00:00 GMT",
    "not a number": "NaN",
    "markup": "&lt;b>2015&lt;/b>",
}
GUIDS = {
    "spaces": " " * 50_000,
    "1 MB": "g" * 1_000_000,
    "a script": "javascript:alert(1)",
    "a path": "../../../../etc/passwd",
    "a statement": "'; DROP TABLE articles; --",
    "a character that is none": "&#xFFFE;",
    "a template": "{0}%s\\1${HOME}",
    "someone's address": "https://www.bbc.co.uk/news/technology-1",
}
LINKS = {
    "a script": "javascript:alert(1)",
    "data": "data:text/html,x",
    "a file": "file:///etc/passwd",
    "1 MB": "https://news.example.org/" + "a" * 1_000_000,
    "a number": "http://2130706434/x",
    "hexadecimal": "http://0x7f000002/x",
    "mapped": "http://[::ffff:127.0.0.2]/x",
    "short": "http://127.2/x",
    "a user": "https://bank.example@127.0.0.2/x",
    "an open bracket": "http://[",
    "a port out of range": "http://a.example:99999999/",
    "no host": "http:///x",
    "back slashes": "http:\\\\127.0.0.2\\x",
    "a line end": "https://a.example/&#10;Host: b",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "look-alike letters": "https://b\u0430nk.example/",
    "dots": "https://a.example/" + "../" * 50_000,
    "parameters": "https://a.example/?" + "a=1&amp;" * 50_000,
    "percents": "https://a.example/" + "%25" * 50_000,
    "labels": "https://" + "a." * 5_000 + "example/",
    "punycode": "https://xn--" + "a" * 5_000 + ".example/",
}


def _linked(link: str) -> str:
    return rss(item(1).replace("https://news.example.org/1", link))


DOCUMENTS: Documents = {
    **name_documents("words in a title", WORDS, lambda text: with_title(text.replace("<", "&lt;"))),
    **name_documents("words in a body", WORDS, lambda text: with_body(text)),
    **name_documents("date", DATES, lambda text: xml(rss(item(1).replace("Wed, 02 Dec 2015 09:01:00 GMT", text)))),
    **name_documents("guid", GUIDS, lambda text: xml(rss(item(1).replace("id-1", text)))),
    **name_documents("link", LINKS, lambda text: xml(_linked(text))),
    "link: the canary": lambda targets: xml(_linked(targets.canary)),
    "link: the canary as the feed's site": lambda targets: xml(
        rss(item(1)).replace("<link>https://news.example.org/</link>", f"<link>{targets.canary}</link>")
    ),
    "guid: the same everywhere": lambda targets: xml(rss(*(item(n).replace(f"id-{n}", "id") for n in range(2_000)))),
    "link: the same everywhere": lambda targets: xml(
        rss(*(item(n).replace(f"example.org/{n}<", "example.org/1<") for n in range(2_000)))
    ),
    "many: 100,000 items": lambda targets: xml(rss("<item><title>x</title></item>" * 100_000)),
    "many: 60,000 items of their own": lambda targets: xml(
        rss(*(f"<item><title>Title {n}</title><guid>{n}</guid></item>" for n in range(60_000)))
    ),
    "many: empty items": lambda targets: xml(rss("<item/>" * 200_000)),
    "many: items that cannot be cut apart": lambda targets: xml(
        "<!DOCTYPE rss [<!ENTITY x 'y'>]>" + rss(item(1, title="&x;") * 30_000, declaration="")
    ),
    "many: categories": lambda targets: with_extra("<category>x</category>" * 100_000),
    "many: enclosures": lambda targets: with_extra(
        '<enclosure url="http://a.example/x" length="1" type="a/b"/>' * 20_000
    ),
    "many: titles": lambda targets: with_extra("<title>another</title>" * 50_000),
    "many: bodies": lambda targets: with_extra("<description>another</description>" * 50_000),
    "many: authors": lambda targets: with_extra("<author>a@b.example (A)</author>" * 20_000),
    "many: links in a body": lambda targets: with_body('<a href="/x">y</a> ' * 30_000),
    "many: line breaks": lambda targets: with_body("<br>" * 100_000),
    "large: an item of 9.9 MB": lambda targets: with_title("x " * 4_900_000),
    "large: a body of 9 MB": lambda targets: with_body("word " * 1_800_000),
    "large: a body of 9 MB of markup": lambda targets: with_body("<p>word</p>" * 500_000),
    "large: the feed's title": lambda targets: xml(rss(item(1)).replace("Example News", "x" * 5_000_000)),
}
