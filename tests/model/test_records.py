"""Our ``dataclass`` makes what the standard library's does."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from bot.model import records

Maker = Callable[..., Any]


def refusal(work: Callable[[], object]) -> str:
    with pytest.raises(Exception) as refused:
        work()
    return f"{refused.type.__name__}: {refused.value}"


def kinds(make: Maker) -> dict[str, Any]:
    """Classes of all shapes that the project has."""

    @make(frozen=True, slots=True, kw_only=True)
    class Named:
        first: int
        second: str = "b"
        third: list[int] = dataclasses.field(default_factory=list)
        beside: tuple[int, ...] = dataclasses.field(default=(), compare=False, repr=False)

    @make(frozen=True, slots=True)
    class Placed:
        """Told."""

        first: int
        second: str = "b"

        def __post_init__(self) -> None:
            if self.first < 0:
                raise ValueError("negative")

    @make(slots=True)
    class Changing:
        first: int
        second: dict[str, int] = dataclasses.field(default_factory=dict)
        later: int = dataclasses.field(init=False, default=7)
        never: int = dataclasses.field(init=False, repr=False, compare=False)

    @make(frozen=True, slots=True, eq=False)
    class Itself:
        first: int

    @make(frozen=True, slots=True, repr=False)
    class Shown:
        first: int

        def __repr__(self) -> str:
            return "its own"

    @make(frozen=True, slots=True)
    class Alike:
        first: str

        def __eq__(self, other: object) -> bool:
            return isinstance(other, type(self)) and other.first.lower() == self.first.lower()

        def __hash__(self) -> int:
            return 1

    @make(frozen=True, slots=True)
    class Empty:
        pass

    @make(frozen=True)
    class Unslotted:
        first: int

    @make(frozen=True, slots=True)
    class Child(Unslotted):
        second: int

    found = (Named, Placed, Changing, Itself, Shown, Alike, Empty, Unslotted, Child)
    return {each.__name__: each for each in found}


CALLS: tuple[tuple[str, tuple[Any, ...], dict[str, Any]], ...] = (
    ("Named", (), {"first": 1}),
    ("Named", (), {"first": 1, "second": "c", "third": [2], "beside": (3,)}),
    ("Placed", (1,), {}),
    ("Placed", (1, "c"), {}),
    ("Changing", (1,), {}),
    ("Changing", (1, {"a": 2}), {}),
    ("Itself", (1,), {}),
    ("Shown", (1,), {}),
    ("Alike", ("a",), {}),
    ("Empty", (), {}),
    ("Unslotted", (1,), {}),
    ("Child", (1, 2), {}),
)


def told(made: Any) -> dict[str, Any]:
    """What can be observed of a record, without the place of its class."""
    cls = type(made)
    once_more = copy.copy(made)
    found: dict[str, Any] = {
        "repr": repr(made).rpartition("<locals>.")[2],
        "values": {f.name: getattr(made, f.name, "unset") for f in dataclasses.fields(made)},
        "fields": [(f.name, f.type, f.init, f.repr, f.compare, f.kw_only) for f in dataclasses.fields(cls)],
        "parameters": repr(cls.__dataclass_params__),
        "match": cls.__match_args__,
        "has slots": "__slots__" in cls.__dict__ and not hasattr(made, "__dict__"),
        "equal to its copy": made == once_more,
        "equal to another thing": made == 1,
        "deep": copy.deepcopy(made) == made,
        "is hashable": cls.__hash__ is not None,
        "replaced": repr(dataclasses.replace(made)).rpartition("<locals>.")[2],
    }
    if cls.__dataclass_params__.frozen:
        # Not of another name: there Python 3.11 raises TypeError by mistake.
        for name in cls.__match_args__:
            found[f"setting {name}"] = refusal(lambda name=name: setattr(made, name, 5))  # type: ignore[misc]
            found[f"deleting {name}"] = refusal(lambda name=name: delattr(made, name))  # type: ignore[misc]
    return found


@pytest.mark.parametrize(("name", "values", "named"), CALLS)
def test_a_record_is_that_of_the_standard_library(name: str, values: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours, theirs = (kinds(make)[name](*values, **named) for make in (records._dataclass, dataclasses.dataclass))
    assert told(ours) == told(theirs)


@pytest.mark.parametrize(
    ("name", "values", "named"),
    [
        ("Named", (), {}),
        ("Named", (1,), {}),
        ("Named", (), {"first": 1, "unknown": 2}),
        ("Placed", (), {}),
        ("Placed", (-1,), {}),
        ("Placed", (1, "b", 3), {}),
        ("Changing", (), {"first": 1, "later": 2}),
    ],
)
def test_what_the_standard_library_refuses_is_refused_alike(
    name: str, values: tuple[Any, ...], named: dict[str, Any]
) -> None:
    ours, theirs = (kinds(make)[name] for make in (records._dataclass, dataclasses.dataclass))
    assert refusal(lambda: ours(*values, **named)) == refusal(lambda: theirs(*values, **named))


def test_equal_records_have_one_hash() -> None:
    placed, empty = kinds(records._dataclass)["Placed"], kinds(records._dataclass)["Empty"]
    assert len({placed(1, "b"), placed(1), placed(2)}) == 2
    assert hash(empty()) == hash(empty())


def test_what_is_made_anew_for_each_record_is_shared_by_none() -> None:
    named = kinds(records._dataclass)["Named"]
    one, other = named(first=1), named(first=1)
    one.third.append(1)
    assert other.third == []


@records.dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A class that another process finds by its name."""

    first: int
    second: tuple[str, ...] = ()


def test_a_frozen_record_goes_to_another_process() -> None:
    assert pickle.loads(pickle.dumps(Sent(first=1, second=("a",)))) == Sent(first=1, second=("a",))
