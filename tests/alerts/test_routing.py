"""Where a story goes by the tree of routes, at which hour, and how that reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from bot.alerts import routing
from bot.model.rules import Rule, Severity
from bot.model.settings import QuietHours, Route, RouteMatch
from tests.testbed.fakes import START

HIGH = Rule(name="BlackBerry exit", notify=(), severity=Severity.HIGH)
LOW = Rule(name="Any law", notify=(), severity=Severity.LOW)
NIGHT = QuietHours(start=time(18), end=time(8), zone=ZoneInfo("UTC"))
LAST = Route(to=("alerts",))
#: START is 9:00.
MIDNIGHT = START + timedelta(hours=15)


def goes(*routes: Route, rule: Rule = HIGH, tags: tuple[str, ...] = (), at_night: bool = False) -> str:
    return " ".join(routing.route_channels(routes, rule, tags=tags, now=MIDNIGHT if at_night else START))


def test_the_first_route_that_takes_it_decides_and_one_that_continues_lets_the_next_decide_too() -> None:
    high = Route(to=("duty", "desk"), match=RouteMatch(severity=(Severity.HIGH,)))
    assert goes(high, LAST) == "duty desk"
    assert goes(high, LAST, rule=LOW) == "alerts"
    assert goes(replace(high, continue_=True), LAST) == "duty desk alerts"
    assert goes(replace(high, continue_=True), replace(LAST, to=("desk",))) == "duty desk"


def test_a_route_takes_by_name_with_a_star_and_by_any_tag_of_the_feed() -> None:
    named = Route(to=("desk",), match=RouteMatch(rule=("blackberry *",)))
    assert (goes(named, LAST), goes(named, LAST, rule=LOW)) == ("desk", "alerts")
    tagged = Route(to=("desk",), match=RouteMatch(tag=("Pakistan",)))
    assert (goes(tagged, LAST), goes(tagged, LAST, tags=("asia", "pakistan"))) == ("alerts", "desk")


def test_inner_routes_come_first_and_what_none_of_them_takes_goes_where_the_outer_one_does() -> None:
    inner = Route(to=("night",), match=RouteMatch(hours=NIGHT))
    outer = Route(to=("desk",), match=RouteMatch(severity=(Severity.HIGH,)), routes=(inner,))
    assert (goes(outer, LAST), goes(outer, LAST, at_night=True)) == ("desk", "night")


def test_every_way_is_told_in_order_with_what_decides_between_them() -> None:
    inner = Route(to=("night",), match=RouteMatch(hours=NIGHT))
    outer = Route(to=("desk",), match=RouteMatch(tag=("pakistan",)), routes=(inner,), continue_=True)
    assert routing.describe_routes((outer, LAST), HIGH) == (
        "night (feeds tagged pakistan, 18:00 to 08:00 UTC), else desk (feeds tagged pakistan), also alerts"
    )
    assert routing.possible_channels((outer, LAST), HIGH) == ("night", "desk", "alerts")
    other = Route(to=("duty",), match=RouteMatch(rule=("other",)))
    assert routing.describe_routes((other, LAST), HIGH) == "alerts"
    assert routing.describe_routes((LAST,), replace(HIGH, notify=("own", "second"))) == "own, second"
