"""URLs as data: what each parses to, whether it is sensible, and where relative references lead."""

import json
from pathlib import Path

import pytest

from modos.errors import URLPipelineError
from modos.storage.pipelines import canonical_url, check_pipeline, parse_pipeline, resolve_relative

HERE = Path(__file__).parent
SHARED = HERE.parents[3] / "shared" / "url_cases.json"
"""Cases of others, where they lie beside the checkout."""

CASES = [
    case
    for source in (HERE / "cases.json", SHARED)
    if source.is_file()
    for case in json.loads(source.read_text(encoding="utf-8"))
]


def having(key):
    """Return the cases that say something of this, each under its id and URL."""
    return [pytest.param(case, id=f"{case['id']} {case['url']!a}"[:60]) for case in CASES if key in case]


def parsed(url):
    segments = parse_pipeline(url)
    return [[each.scheme, each.body, *([] if each.query is None else [each.query])] for each in segments]


@pytest.mark.parametrize("case", having("parse"))
def test_a_url_splits_into_its_pieces(case):
    """Scheme, body and query of each sub-URL are as they are written, and the pieces joined are the text again."""
    if case["parse"] is None:
        with pytest.raises(URLPipelineError):
            parse_pipeline(case["url"])
        return
    assert parsed(case["url"]) == case["parse"]
    assert "|".join(map(str, parse_pipeline(case["url"]))) == case["url"]


@pytest.mark.parametrize("case", having("ours"))
def test_a_url_is_sensible_or_refused(case):
    """What breaks a rule is refused with the sub-URL that does; what breaks none is not, whatever the case of schemes."""
    if case["ours"] == "err":
        with pytest.raises(URLPipelineError) as caught:
            check_pipeline(case["url"])
        part = caught.value.part
        assert part is None or "//…@" in part or part in case["url"].split("|")
        return
    said = check_pipeline(case["url"])
    upper = "|".join(f"{each.segment.scheme.upper()}{each.segment.raw[len(each.segment.scheme) :]}" for each in said)
    assert [each.path for each in check_pipeline(upper)] == [each.path for each in said]


@pytest.mark.parametrize("case", having("ours"))
def test_the_canonical_form_means_the_same(case):
    """A sensible URL has one spelling, which is its own, and says the same."""
    if case["ours"] == "err":
        return
    canonical = canonical_url(case["url"])
    assert canonical == case.get("normal", canonical)
    assert canonical_url(canonical) == canonical
    told = [
        [(each.authority, each.path, each.version) for each in check_pipeline(url)] for url in (case["url"], canonical)
    ]
    assert told[0] == told[1]


@pytest.mark.parametrize("case", having("normal"))
def test_the_canonical_form_is_the_one_that_is_expected(case):
    """Schemes in lower case with their colon, no escape that is not needed, versions behind two slashes."""
    assert canonical_url(case["url"]) == case["normal"]


@pytest.mark.parametrize("case", having("base"))
def test_a_relative_reference_leads_where_it_should(case):
    """Paths are merged into the last sub-URL, adapters appended or taken back, and nothing leads above a root."""
    if case["expect_url"] == "ERR":
        with pytest.raises(URLPipelineError):
            resolve_relative(case["base"], case["url"])
    else:
        assert resolve_relative(case["base"], case["url"]) == case["expect_url"]


def test_there_are_cases_of_every_kind():
    """The cases that come with the tests suffice by themselves."""
    own = json.loads((HERE / "cases.json").read_text(encoding="utf-8"))
    assert {key for case in own for key in case} >= {"parse", "ours", "normal", "base", "expect_url"}
    assert len({case["id"] for case in own}) == len(own)
