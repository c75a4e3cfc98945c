"""The endpoint and the answer file: what each gives, and what it says where it has no answer."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.llm import prompts
from bot.llm.endpoint import Endpoint, open_model
from bot.llm.questions import FIRST_PAUSE, LONGEST_BREAK, MAX_FAILURES, Breaker
from bot.model.errors import BadAnswer, ConfigError, ModelError, ModelRefused, ModelUnavailable, NotYetAnswered
from bot.model.language_models import LanguageModelPolicy, Use
from tests.stories.examples import article
from tests.testbed.fakes import START
from tests.testbed.servers import chat_completions, faulty

FIRST = article("BlackBerry quits Pakistan", "BlackBerry leaves Pakistan.")
STAYS = article("BlackBerry stays", "BlackBerry stays in Pakistan.")
PAIR = prompts.pair_prompt(FIRST, STAYS, story="s1")
PROMPT = prompts.relevance_prompt(STAYS, "phones", "news of phones")
ANSWER = {"sentence": 0, "reason": "It is about a phone.", "verdict": "relevant"}
POLICY = LanguageModelPolicy(url="", name=chat_completions.NAME, uses=frozenset(Use), timeout=timedelta(seconds=0.3))
Server = faulty.Server[chat_completions.Model]


@pytest.fixture
def server() -> Iterator[Server]:
    with faulty.serve(chat_completions.Model()) as serving:
        serving.service.answer_with("relevance", lambda data: ANSWER)
        serving.service.answer_with("same_event", lambda data: 0.9)
        yield serving


@pytest.fixture
async def endpoint(server: Server) -> AsyncIterator[Endpoint]:
    created = Endpoint(replace(POLICY, url=f"{server.url}/v1"), chat_completions.KEY)
    yield created
    await created.close()


@pytest.mark.parametrize(
    ("unsupported", "asked", "limits"),
    [
        ({"max_tokens"}, 3, {"max_completion_tokens": 4_000, "temperature": 0}),
        ({"max_tokens", "max_completion_tokens", "temperature"}, 5, {}),
    ],
)
async def test_parameters_that_a_model_does_not_take_are_replaced_or_left_out_from_then_on(
    endpoint: Endpoint, server: Server, unsupported: set[str], asked: int, limits: dict[str, int]
) -> None:
    server.service.unsupported = frozenset(unsupported)

    for _ in range(2):
        await endpoint.ask(PROMPT)

    assert server.asked("complete") == asked
    for body in server.service.bodies:
        assert {name: body[name] for name in body.keys() - {"model", "messages", "response_format"}} == limits


@pytest.mark.parametrize(
    ("fault", "kind", "text"),
    [
        ("500", ModelUnavailable, "the model's API answered with HTTP status 500"),
        ("hang", ModelUnavailable, "the model gave no answer within"),
        ("reset", ModelUnavailable, "the model's API cannot be reached: "),
        ("garbage", BadAnswer, "the API's response is not a chat completion"),
        (faulty.Answer(200, {"choices": []}), BadAnswer, "the API's response is not a chat completion"),
        (faulty.Answer(200, {"choices": 7, "usage": "x"}), BadAnswer, "the API's response is not a chat completion"),
        (faulty.Answer(400, {"error": {"message": "no json_schema here"}}), ModelRefused, "no json_schema here"),
        (faulty.Answer(401, {"error": "who?"}), ModelRefused, "HTTP status 401"),
        (faulty.Answer(307, {}, {"Location": "/x"}), ModelRefused, "307, a redirect, which Wirewatch does not follow"),
    ],
)
async def test_what_went_wrong_is_said_in_a_line(
    endpoint: Endpoint, server: Server, fault: str | faulty.Answer, kind: type[ModelError], text: str
) -> None:
    server.fail("complete", fault)

    with pytest.raises(kind) as raised:
        await endpoint.ask(PROMPT)

    assert text in str(raised.value)
    assert chat_completions.KEY not in str(raised.value)
    assert len(server.requests) == 1, "nothing is asked at the address of a redirect"


async def test_only_the_prompt_its_form_and_the_limits_are_sent_and_the_answer_comes_with_what_it_cost(
    endpoint: Endpoint, server: Server
) -> None:
    answered = await endpoint.ask(PROMPT)

    assert json.loads(answered.text) == ANSWER
    assert (answered.tokens_in > 30, answered.tokens_out) == (True, 40)
    [body] = server.service.bodies
    form = body["response_format"]["json_schema"]["schema"]
    # Servers that make a grammar of it do not all follow references.
    assert "$ref" not in json.dumps(form)
    assert form["properties"]["verdict"]["enum"] == ["relevant", "irrelevant", "cannot_tell"]
    assert body == {
        "model": chat_completions.NAME,
        "messages": [
            {"role": "system", "content": PROMPT.instructions},
            {"role": "user", "content": PROMPT.data},
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "relevance", "strict": True, "schema": form},
        },
        "max_tokens": 700,
        "temperature": 0,
    }


async def test_a_pair_is_answered_by_the_log_probabilities_of_one_token(endpoint: Endpoint, server: Server) -> None:
    answered = await endpoint.ask(PAIR)

    assert json.loads(answered.text) == {"yes": pytest.approx(0.9, abs=0.01)}
    [body] = server.service.bodies
    assert (body["max_tokens"], body["logprobs"], body["top_logprobs"]) == (1, True, 12)
    assert "response_format" not in body


@pytest.mark.parametrize(("yes", "counts_as"), [(0.99, 0.9), (0.01, 0.1)])
async def test_a_server_without_log_probabilities_answers_in_words_which_count_less_than_certainty(
    endpoint: Endpoint, server: Server, yes: float, counts_as: float
) -> None:
    server.service.answer_with("same_event", lambda data: yes)
    server.service.has_logprobs = False

    assert json.loads((await endpoint.ask(PAIR)).text) == {"yes": counts_as}

    server.service.unsupported = frozenset({"logprobs", "top_logprobs", "max_tokens"})
    assert json.loads((await endpoint.ask(PAIR)).text) == {"yes": counts_as}
    assert server.service.bodies[-1].keys() == {"model", "messages", "temperature", "max_completion_tokens"}


async def test_what_the_server_serves_is_known_if_it_says_so(endpoint: Endpoint, server: Server) -> None:
    assert await endpoint.find_served() == ""

    server.service.served = "model-4b.gguf"
    first = await endpoint.find_served()
    assert "model-4b.gguf" in first
    assert await endpoint.find_served() == first

    server.service.served = "model-8b.gguf"
    assert await endpoint.find_served() != first


async def test_a_server_says_how_long_to_wait(endpoint: Endpoint, server: Server) -> None:
    server.fail("complete", "429")
    with pytest.raises(ModelUnavailable, match=r"HTTP status 429: Rate limit reached\.") as raised:
        await endpoint.ask(PROMPT)
    assert raised.value.retry_after == timedelta(seconds=1)


async def test_an_answer_that_is_unclear_declined_or_cut_off_is_refused_and_has_cost_its_tokens(
    endpoint: Endpoint, server: Server
) -> None:
    server.service.answer_with("same_event", lambda data: "Perhaps.")
    with pytest.raises(BadAnswer, match="neither yes nor no"):
        await endpoint.ask(PAIR)
    server.service.refusal = "No."
    with pytest.raises(BadAnswer, match=r"declined to answer: No\.") as raised:
        await endpoint.ask(PROMPT)
    assert raised.value.tokens_out == 40
    server.service.refusal, server.service.is_cut_off = None, True
    with pytest.raises(BadAnswer, match="cut off after 40 tokens"):
        await endpoint.ask(PROMPT)


def test_without_the_extra_the_message_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(ConfigError, match=r'pip install "wirewatch\[llm\]"'):
        open_model(replace(POLICY, url="http://127.0.0.1:1/v1"), lambda secret: "")


async def test_an_answer_file_writes_each_prompt_once_and_takes_the_last_answer_of_a_key(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    policy = replace(POLICY, url=f"file:{path}")
    model = open_model(policy, lambda secret: "")
    for _ in range(2):
        with pytest.raises(NotYetAnswered):
            await model.ask(PROMPT)
    [entry] = [json.loads(line) for line in path.read_text().splitlines()]
    assert (entry["key"], entry["use"], entry["answer"]) == (PROMPT.key, "relevance", None)

    path.write_text(f"{json.dumps(entry)}\n\n{json.dumps({'key': PROMPT.key, 'answer': ANSWER})}\n")

    assert json.loads((await open_model(policy, lambda secret: "").ask(PROMPT)).text) == ANSWER


@pytest.mark.parametrize("line", ["no JSON", "[]", '{"key": "a"}', '{"key": [], "answer": 1}'])
def test_a_line_of_an_answer_file_that_cannot_be_read_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text(f'{{"key": "a", "answer": null}}\n{line}\n')
    with pytest.raises(ConfigError, match="line 2 is not a JSON object"):
        open_model(replace(POLICY, url=f"file:{path}"), lambda secret: "")


# -- a model that fails is left alone for a while, longer each time, until one call shows that it is back


SECOND = timedelta(seconds=1)


def failed(times: int) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker.fail(breaker.until or START, for_good=False)
    return breaker


def test_some_failures_in_a_row_close_it_and_are_told_once_and_each_pause_is_twice_as_long_up_to_the_longest() -> None:
    breaker = failed(MAX_FAILURES - 1)
    assert breaker.allows(START)

    assert breaker.fail(START, for_good=False)

    assert not breaker.allows(START + FIRST_PAUSE - SECOND)
    assert breaker.allows(START + FIRST_PAUSE)
    assert not breaker.fail(START + FIRST_PAUSE, for_good=False)
    assert breaker.until == START + 3 * FIRST_PAUSE
    before, last = failed(39).until, failed(40).until
    assert before is not None
    assert last == before + LONGEST_BREAK


def test_a_refusal_closes_it_at_once_and_a_server_may_ask_for_longer() -> None:
    breaker = Breaker()
    assert breaker.fail(START, for_good=True, retry_after=timedelta(hours=2))
    assert breaker.until == START + timedelta(hours=2)
