"""Words that nearly every English article has: a rule on one of them alone fires all day."""

from __future__ import annotations

#: Function words, and the nouns and verbs that news itself is made of; folded.
COMMON_WORDS = frozenset(
    (
        "a about above after again against all almost along already also although always am among an and another any"
        " are around as ask at away back be became because become been before began being below best better between big"
        " both but by call came can case change city come company could country day did do does done down during each"
        " early end even ever every family far few first for former found four from full get give go going good"
        " government great group had has have he head her here high him his home house how however i if in including"
        " into is it its just keep know large last later law leave left less like little local long made make man many"
        " may me members might million minister month more most much must my national need never new news next night no"
        " not now number of off office official officials often old on once one only open or order other others our out"
        " over own part party past people percent place plan police power president public put re report reported"
        " right run said same say says school second see seen set several she should show since small so some state"
        " still such take team than that the their them then there these they think this those three through time to"
        " today told too took top two under until up us use used very war was way we week well went were what when"
        " where which while who whole why will with without woman women work world would year years yes yet you your"
    ).split()
)

#: Common words with a meaning: useful together with another line, too broad alone.
NEWS_WORDS = frozenset(
    (
        "case change city company country day end family government group head home house law leader life man members"
        " million minister month national need news night number office official officials order part party people"
        " percent place plan police power president public report reported second set state states team time today"
        " united use war water week women work world year years"
    ).split()
)

#: Countable nouns of the news that rules use: a rule with one of them nearly always means its plural too.
COUNTED_NOUNS = frozenset(
    (
        "accident acquisition agreement airline airport amendment app arrest attack auditor backdoor ballot ban"
        " battery bid bill blackout bond border breach bribe bridge candidate chip company complaint contract court"
        " crash customer cyberattack dam deadline deal device directive doctor drone earthquake election embargo"
        " employee executive explosion exploit factory fine firm flaw flight flood fraudster hack hacker hospital"
        " hurricane infection injunction inquiry investigation investor judge law lawmaker lawsuit layoff leak"
        " licence license loan loophole mayor merger messenger migrant mine minister missile monopoly nurse outage"
        " outbreak parliamentarian penalty permit phone pilot pipeline plaintiff platform politician port president"
        " probe prosecutor protest raid recall refinery reform refugee regulation regulator reprimand resignation"
        " riot router ruling sanction satellite scam scandal senator server settlement shareholder shipment"
        " shortage smartphone spill startup storm strike subpoena subsidy supplier takeover tanker tariff tax"
        " telescope tender terrorist treaty tribunal union vaccine vendor verdict virus voter vulnerability walkout"
        " warrant weapon website whistleblower wildfire wiretap worker"
    ).split()
)
