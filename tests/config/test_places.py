"""The caret stands under the exact character, in every way of writing a value."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import nodes, yaml_errors
from tests.config import folders


def _value(text: str) -> tuple[nodes.Document, nodes.ScalarNode]:
    document = nodes.parse_yaml(text)
    assert isinstance(document.root, nodes.MappingNode)
    value = document.root.pairs[0][1]
    assert isinstance(value, nodes.ScalarNode)
    return document, value


@pytest.mark.parametrize(
    "text",
    [
        "k: one WRONG two\n",
        'k: "one WRONG two"\n',
        "k: 'it''s WRONG'\n",
        'k: "tab\\t\\u00e9\\x41 WRONG"\n',
        "k: |\n  one\n  WRONG two\n",
        "k: |\n\n\n    one\n\n      WRONG two\n",
        "k: |2\n    one\n  WRONG\n",
        "k: |-\n  one WRONG",
        "k: >\n  one\n  two WRONG\n  three\n\n  four\n",
        "k: >\n  one\n\n  two WRONG\n",
        "k: >\n  one\n    more WRONG\n  two\n",
        "k: one\n  two\n\n  three WRONG\n",
        'k: "one\n  two\n\n  WRONG three"\n',
        'k: "one \\\n   WRONG"\n',
        "k: 'one\n\n\n  WRONG'\n",
        "k: |\r\n  one\r\n  WRONG\r\n",
        "k: |\n  日本 🙂 WRONG\n",
    ],
)
def test_a_word_is_found_where_it_stands(text: str) -> None:
    document, value = _value(text)
    start = value.value.index("WRONG")
    assert nodes.find_span(document, value, start, start + 5) == (text.index("WRONG"), text.index("WRONG") + 5)


_TEXT = st.text(alphabet=st.sampled_from(list("ab \n'\"\\:#é日\t-")), min_size=1, max_size=40)


@settings(max_examples=200)
@given(_TEXT, st.sampled_from(['"', "'", "|", ">", ""]), st.integers(min_value=10, max_value=60))
def test_every_character_of_a_value_is_found_again(value: str, style: str, width: int) -> None:
    text: str = yaml.safe_dump({"k": value}, default_style=style or None, width=width, allow_unicode=True)
    document, scalar = _value(text)
    assert scalar.value == value
    where = nodes.find_offsets(document, scalar)
    assert where is not None
    assert len(where) == len(value) + 1
    assert where == sorted(where)
    for at, char in zip(where[:-1], value, strict=True):
        if char not in " \n" and text[at] not in "\\'":
            assert text[at] == char


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_any_text_gives_nodes_or_one_located_error(text: str) -> None:
    try:
        document = nodes.parse_yaml(text)
    except yaml_errors.UnreadableYaml as error:
        refused = error
    else:
        for scalar in nodes.walk(document.root) if document.root else ():
            assert 0 <= scalar.start <= scalar.end <= len(text)
        return
    assert 0 <= refused.start <= len(text)
    assert refused.message
    assert refused.help


@settings(max_examples=200)
@given(st.text(alphabet=st.sampled_from(list("ab:-[]{}\"'#|>&*!@% \n\t,?")), max_size=60))
def test_any_punctuation_gives_nodes_or_one_located_error(text: str) -> None:
    test_any_text_gives_nodes_or_one_located_error.hypothesis.inner_test(text)  # type: ignore[attr-defined]


def _caret(folder: Path, rules: str) -> str:
    found = [problem for problem in folders.check(folders.make(folder, rules=rules)) if problem.severity == "error"]
    lines = rules.splitlines()
    return lines[found[0].line - 1][found[0].column - 1 :][: found[0].length]


_RULE = "rules:\n  - name: R\n    notify: desk\n"


@pytest.mark.parametrize(
    "body",
    [
        "    query: |\n      PTA AND\n        (backdoor* AND badfield:x)\n",
        "    query: >\n      PTA AND\n      (backdoor* AND badfield:x)\n",
        "    query: 'PTA AND badfield:x'\n",
        '    query: "PTA AND \\"a b\\" AND badfield:x"\n',
        "    query: PTA AND badfield:x\n",
        "    query: PTA AND\n      badfield:x\n",
    ],
)
def test_the_caret_points_into_a_query_however_it_is_written(body: str, tmp_path: Path) -> None:
    assert _caret(tmp_path, _RULE + body).startswith("badfield")


@pytest.mark.parametrize(
    ("body", "under"),
    [
        ("    all:\n      line: [PTA, title:ba*]\n", "ba*"),
        ("    all:\n      line: [PTA, title: ba*]\n", "ba*"),
        ("    all:\n      - PTA\n      - 'x ba* y'\n", "ba*"),
        ("    any: [PTA, {ba*}]\n", "ba*"),
        ("    all: ba*\n", "ba*"),
        ("    all: {a: PTA, b: ba*}\n", "ba*"),
    ],
)
def test_the_caret_points_into_a_list_item_however_it_is_written(body: str, under: str, tmp_path: Path) -> None:
    assert _caret(tmp_path, _RULE + body) == under
