"""What the feeds of the page's tests say."""

from __future__ import annotations

from tests.journeys.world import Item

COVERAGE = {
    "wire": Item(
        id="w1",
        title="BlackBerry to leave Pakistan rather than open its servers",
        text="BlackBerry will end its business in Pakistan after the Pakistan Telecommunication Authority demanded "
        "unfettered access to its BES servers. The company calls the demand a backdoor. The order dates from July.",
    ),
    "courier": Item(
        id="c1",
        title="BlackBerry quits Pakistan over PTA demand for a backdoor into BES",
        text="BlackBerry is quitting Pakistan because the PTA demanded a backdoor into its BES servers. Some 5,000 "
        "companies in Pakistan use the service.",
    ),
    "ledger": Item(
        id="l1",
        title="BlackBerry pulls out of Pakistan as PTA insists on backdoor",
        text="BlackBerry pulls out of Pakistan since the regulator PTA insists on a backdoor into its BES servers. "
        "The deadline was moved to 30 December.",
    ),
}

SCRIPT = "<script>document.title='taken'</script>"
HOSTILE = (
    Item(
        id="h1",
        title=f"Wombat {SCRIPT} <img src=x onerror=document.title='taken'> \u202e desrever",
        text="A wombat. &lt;svg onload=document.title='taken'&gt; \" onmouseover=\"document.title='taken' {{ 7 * 7 }}",
        link="javascript:document.title='taken'",
    ),
    Item(
        id="h2",
        title="Wombat two ' \" > </h2></article></main>",
        text="Another wombat, data link.",
        link="data:text/html,<script>document.title='taken'</script>",
    ),
)

OTHER_RULES = """\
  - name: "Wombats <b onclick=x>&</b>"
    any: [wombat*]
    notify: [desk, ops]
    note: "<script>document.title='taken'</script>"
  - name: Broken rule
    all: [backdoor*]
    notfy: desk
"""
