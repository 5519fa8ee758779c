"""A server gives the answers of its taggers, whoever else asks, and describes them."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from structkd.runtime.records import record
from structkd.runtime.tagging import Wanted
from tests.runtime.serving.client import ask, get, post, records
from tests.runtime.serving.process import BROKEN, SLOW, running, taggers

TAGGERS = taggers(["spans", "words"])
TEXTS = ["Ada flew to Oslo.", "", "  \n", "नीला 😀 x\u0301", "a b " * 700, "\u0000\u202e<b>"]


@pytest.fixture(scope="module")
def server():
    with running("spans", "words") as process:
        yield process


def alone(text, model="spans", **wanted):
    return json.loads(json.dumps(record(TAGGERS[model].tag([text], Wanted(**wanted))[0])))


def counted(server):
    """The metrics by name and labels."""
    _, _, page = ask(server, "GET", "/metrics")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize("model", ["spans", "words"])
@pytest.mark.parametrize("wanted", [{}, {"k": 3, "marginals": True}, {"threshold": 0.5}])
def test_answers_are_the_taggers(server, model, wanted):
    assert records(server, texts=TEXTS, model=model, **wanted) == [alone(text, model, **wanted) for text in TEXTS]
    assert records(server, text=TEXTS[0], model=model, **wanted) == [alone(TEXTS[0], model, **wanted)]


def test_the_first_model_is_the_default(server):
    assert post(server, {"text": "Ada"})[1]["model"] == "spans"
    assert [model["name"] for model in get(server, "/models")["models"]] == ["spans", "words"]


def test_many_clients_get_their_own_answers(server):
    """Some wait for a slow text, so that the others are tagged together, with different wishes."""

    def wishes(number):
        text = f"{SLOW} once" if number % 40 == 0 else f"client {number} has " + "word " * (number % 7)
        return {"text": text, "model": ("spans", "words")[number % 2], "k": number % 3, "threshold": number % 5 / 5}

    before = counted(server)
    with ThreadPoolExecutor(32) as pool:
        found = list(pool.map(lambda number: records(server, **wishes(number)), range(200)))
    for number, answer in enumerate(found):
        assert answer == [alone(**wishes(number))]
    after = counted(server)
    assert after["structkd_requests_total", "200"] - before["structkd_requests_total", "200"] == 200
    batches = after["structkd_batch_requests_count",] - before["structkd_batch_requests_count",]
    assert batches < 150
    assert after["structkd_batch_requests_sum",] - before["structkd_batch_requests_sum",] == 200


def test_a_long_request_keeps_its_order_and_lets_others_pass(server):
    """It is tagged in parts; those who come later are answered before its end."""
    texts = [f"{SLOW} {number} " + "x" * 20_000 for number in range(6)]
    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(records, server, texts=texts)
        while not counted(server)["structkd_queue_requests",]:
            pass
        records(server, text="short")
        assert not long.done()
        assert [one["text"] for one in long.result()] == texts


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        ("日本語です", 422, "text: found '日本語です' at character 1"),
        (f"a {BROKEN} text", 500, "a defect of the server"),
    ],
)
def test_a_text_that_fails_fails_alone(server, text, status, message):
    with ThreadPoolExecutor(16) as pool:
        slow = pool.submit(records, server, text=SLOW)
        others = [pool.submit(records, server, text=f"client {number}") for number in range(8)]
        failing = pool.submit(post, server, {"text": text})
        assert failing.result()[0] == status
        assert message in failing.result()[1]["error"]["message"]
        assert [one.result() for one in others] == [[alone(f"client {number}")] for number in range(8)]
        assert slow.result() == [alone(SLOW)]


def test_metrics_count(server):
    before = counted(server)
    records(server, texts=["one two", "three"], model="words")
    post(server, {"texts": 1})
    after = counted(server)

    def more(*name):
        return after[name] - before.get(name, 0)

    assert more("structkd_texts_total", "words") == 2
    assert more("structkd_words_total", "words") == 3
    assert more("structkd_requests_total", "200") == 1
    assert more("structkd_requests_total", "422") == 1
    assert more("structkd_request_seconds_count") == 2
    assert after["structkd_queue_requests",] == 0


def test_the_description_is_true(server):
    described = get(server, "/openapi.json")
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)

    def check(name, value):
        whole = {"$ref": f"#/components/schemas/{name}", "components": described["components"]}
        jsonschema.Draft202012Validator(whole).validate(value)

    operation = described["paths"]["/tag"]["post"]

    def check_answer(status, answer):
        content = operation["responses"][str(status)]["content"]["application/json"]["schema"]
        check(content["$ref"].rpartition("/")[2], answer)

    for body in ({"text": "Ada", "k": 2, "marginals": True}, {"texts": TEXTS, "model": "words", "threshold": 0.5}):
        check("Request", body)
        check_answer(*post(server, body))
    for body in ({}, {"text": "x", "texts": []}, {"text": 1}, {"text": "x", "k": 11}, {"text": "x", "more": 1}):
        with pytest.raises(jsonschema.ValidationError):
            check("Request", body)
        status, answer = post(server, body)
        assert status == 422
        check_answer(status, answer)
    check("Models", get(server, "/models"))
    check("Health", get(server, "/health"))
    for path, methods in described["paths"].items():
        for method in methods:
            assert ask(server, method.upper(), path)[0] in (200, 415)


def test_who_can_reach_it_is_said(server):
    assert re.fullmatch(
        r"structkd: serves spans, words at http://127\.0\.0\.1:\d+; only this machine can reach it\n", server.line
    )
