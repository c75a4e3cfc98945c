"""Items: too many, too large, with dates, ids, links and words that no publisher writes."""

from __future__ import annotations

from tests.feeds.documents import item, rss
from tests.hostile.making import Documents, name_documents, with_body, with_extra, with_link, with_title, xml

_LONG = 300_000
#: Texts over which a scan that looks back takes for ever.
WORDS = {
    "dots": "." * _LONG + "x",
    "spaces": "x" + " " * _LONG + "y",
    "hyphens": "a" + "-" * _LONG,
    "digits": "1" * _LONG,
    "sentences": "Mr. A said. " * (_LONG // 12),
    "days": "on Monday, 30 November " * (_LONG // 23),
    "mail": "a@" * (_LONG // 2),
    "marks over a letter": "e" + "\u0301" * _LONG,
    "marks of direction": "\u202e\u2066abc" * (_LONG // 5),
    "ligatures": "\ufdfa" * (_LONG // 18),
    "letters that fold to more": "\u0390\ufb03\u1e9e" * (_LONG // 8),
    "one word": "x" * _LONG,
    "nearly a tag": "<b <b " * (_LONG // 6),
    "escapes": "\\1\\g<0>\\q%s{0}" * (_LONG // 13),
    "references": "&amp;amp;" * (_LONG // 9),
}
DATES = {
    "year 0": "Wed, 02 Dec 0000 09:00:00 GMT",
    "year 99999": "Wed, 02 Dec 99999 09:00:00 GMT",
    "the last moment": "9999-12-31T23:59:59-23:59",
    "no such hour": "Wed, 02 Dec 2015 25:61:61 GMT",
    "far zone": "2015-12-02T09:00:00+99:99",
    "other digits": "\u0662\u0660\u0661\u0665-12-02T09:00:00Z",
    "digits": "1" * 100_000,
    "comments": "Wed, 02 Dec 2015 " + "(" * 100_000,
    "days": "Mon, " * 20_000 + "02 Dec 2015",
    "seconds": "1e400",
    "not a number": "NaN",
    "markup": "&lt;b>2015&lt;/b>",
}
GUIDS = {
    "spaces": " " * 50_000,
    "1 MB": "g" * 1_000_000,
    "a script": "javascript:alert(1)",
    "a character that is none": "&#xFFFE;",
    "someone's address": "https://www.bbc.co.uk/news/technology-1",
}
#: What an item links to, and a server redirects to; some are refused by a library and not by us.
ADDRESSES = {
    "a script": "javascript:alert(1)",
    "a file": "file:///etc/passwd",
    "1 MB": "https://news.example.org/" + "a" * 1_000_000,
    "a user": "https://bank.example@127.0.0.2/x",
    "an open bracket": "http://[",
    "a port out of range": "http://a.example:99999999/",
    "a line end": "https://a.example/&#10;Host: b",
    "metadata": "http://169.254.169.254/latest/meta-data/",
    "dots": "https://a.example/" + "../" * 50_000,
    "parameters": "https://a.example/?" + "a=1&amp;" * 50_000,
    "punycode": "https://xn--" + "a" * 5_000 + ".example/",
    "punycode of nothing": "http://user:pass@xn--a/x",
    "an emoji domain": "https://xn--ls8h.test/x",
    "a host of percents": "http://%00%zz/x",
    "an address of the future": "http://[v1.x]/",
    "a zone": "http://[fe80::1%25eth0]/",
    "an address in another": "http://[::ffff:127.0.0.2]/x",
}


DOCUMENTS: Documents = {
    **name_documents("words in a title", WORDS, lambda text: with_title(text.replace("<", "&lt;"))),
    **name_documents("words in a body", WORDS, with_body),
    **name_documents("date", DATES, lambda text: xml(rss(item(1).replace("Wed, 02 Dec 2015 09:01:00 GMT", text)))),
    **name_documents("guid", GUIDS, lambda text: xml(rss(item(1).replace("id-1", text)))),
    **name_documents("link", ADDRESSES, with_link),
    "link: the canary": lambda targets: with_link(targets.canary),
    "link: the canary as the feed's site": lambda targets: xml(
        rss(item(1)).replace("<link>https://news.example.org/</link>", f"<link>{targets.canary}</link>")
    ),
    "link: the same everywhere": lambda targets: xml(
        rss(*(item(n).replace(f"example.org/{n}<", "example.org/1<") for n in range(2_000)))
    ),
    "many: 60,000 items of their own": lambda targets: xml(
        rss(*(f"<item><title>Title {n}</title><guid>{n}</guid></item>" for n in range(60_000)))
    ),
    "many: items that cannot be cut apart": lambda targets: xml(
        "<!DOCTYPE rss [<!ENTITY x 'y'>]>" + rss(item(1, title="&x;") * 30_000, declaration="")
    ),
    "many: enclosures": lambda targets: with_extra(
        '<enclosure url="http://a.example/x" length="1" type="a/b"/>' * 20_000
    ),
    "many: bodies": lambda targets: with_extra("<description>another</description>" * 50_000),
    "many: links in a body": lambda targets: with_body('<a href="/x">y</a> ' * 30_000),
    "large: an item of 9.9 MB": lambda targets: with_title("x " * 4_900_000),
    "large: a body of 9 MB of markup": lambda targets: with_body("<p>word</p>" * 500_000),
    "large: the feed's title": lambda targets: xml(rss(item(1)).replace("Example News", "x" * 5_000_000)),
}
