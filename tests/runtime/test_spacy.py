"""The component in real spaCy pipelines."""

import pickle
import shutil

import pytest

from tests.exported import save_entity_tagger, save_word_tagger

spacy = pytest.importorskip("spacy", reason="spaCy is not installed")
component = pytest.importorskip("structkd.runtime.spacy")  # it registers the factory, as the entry point does
TEXTS = ["Ada flew to New York.", "", "  Ada \n Lovelace met  Oslo.\n", "nobody met."]


@pytest.fixture(scope="module")
def entities(tmp_path_factory):
    """The folder of a tagger of entities."""
    folder = tmp_path_factory.mktemp("exported") / "entities"
    save_entity_tagger(folder)
    return folder


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """The folder of a tagger of parts of speech."""
    folder = tmp_path_factory.mktemp("exported") / "words"
    save_word_tagger(folder)
    return folder


def pipeline(folder, *before, **config):
    nlp = spacy.blank("en")
    for name in before:
        nlp.add_pipe(name)
    nlp.add_pipe("structkd", config={"model": str(folder)} | config)
    return nlp


def found(doc):
    return [(span.text, span.label_) for span in doc.ents]


def test_entities_of_the_students_answers(entities):
    from structkd.runtime import load

    nlp = pipeline(entities)
    docs = list(nlp.pipe(TEXTS, batch_size=3))
    assert [found(doc) for doc in docs] == [
        [("Ada", "PER"), ("New York", "LOC")],
        [],
        [("Ada \n Lovelace", "PER"), ("Oslo", "LOC")],
        [],
    ]
    assert [doc.text for doc in docs] == TEXTS
    for doc in docs:
        (answer,) = load(entities).tag_sentences([[token.text for token in doc if not token.is_space]])
        assert [span._.probability for span in doc.ents] == pytest.approx([one.probability for one in answer.entities])
        assert found(nlp(doc.text)) == found(doc)
    assert nlp.get_pipe("structkd").labels == ("LOC", "PER")


def test_a_threshold(entities):
    doc = pipeline(entities)(TEXTS[0])
    chances = [span._.probability for span in doc.ents]
    kept = pipeline(entities, threshold=max(chances))(TEXTS[0]).ents
    assert [span._.probability for span in kept] == [max(chances)]


def test_sentences_are_labelled_one_by_one(entities):
    text = "Ada flew to New York. nobody met. Ada Lovelace met Oslo."
    doc = pipeline(entities, "sentencizer")(text)
    parts = [pipeline(entities)(sentence.text) for sentence in doc.sents]
    assert len(parts) == 3
    assert [span._.probability for span in doc.ents] == pytest.approx(
        [span._.probability for part in parts for span in part.ents]
    )


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_there_stays_unless_it_is_to_be_overwritten(entities, overwrite):
    nlp = pipeline(entities, "entity_ruler", overwrite=overwrite)
    nlp.get_pipe("entity_ruler").add_patterns(
        [{"label": "ORG", "pattern": "York"}, {"label": "ORG", "pattern": "flew"}]
    )
    place = [("New York", "LOC")] if overwrite else [("York", "ORG")]
    verb = [] if overwrite else [("flew", "ORG")]
    assert found(nlp(TEXTS[0])) == [("Ada", "PER"), *verb, *place]


def test_a_blocked_token_stays_blocked(entities):
    nlp = pipeline(entities)
    doc = nlp.make_doc("Ada flew to Oslo")
    doc.set_ents([], blocked=[doc[3:4]], default="missing")
    assert found(nlp(doc)) == [("Ada", "PER")]
    assert (doc[3].ent_iob_, doc[3].ent_type_) == ("B", "")


def test_parts_of_speech(words):
    doc = pipeline(words)("Ada flew  to New York.")
    assert [token.pos_ for token in doc] == ["PROPN", "VERB", "", "ADP", "PROPN", "PROPN", "PUNCT"]
    assert all((token._.probability is None) == token.is_space for token in doc)
    doc = pipeline(words, annotate="tag")("nobody met.")
    assert [(token.tag_, token.pos_) for token in doc] == [("PRON", ""), ("VERB", ""), ("PUNCT", "")]


def test_tags_that_are_there_stay(words):
    nlp = pipeline(words)
    doc = nlp.make_doc("nobody met.")
    doc[1].pos_ = "NOUN"
    assert [token.pos_ for token in nlp(doc)] == ["PRON", "NOUN", "PUNCT"]
    assert doc[1]._.probability is None


def test_labels_that_do_not_fit_are_an_error(entities, words):
    with pytest.raises(ValueError, match="'ents', but the student's labels write no spans"):
        pipeline(words, annotate="ents")
    with pytest.raises(ValueError, match="'pos', but spaCy knows no part of speech B-LOC"):
        pipeline(entities, annotate="pos")
    with pytest.raises(ValueError, match="no exported tagger"):
        pipeline(entities.parent)


def test_a_saved_pipeline_is_the_same(entities, tmp_path):
    nlp = pipeline(entities, threshold=0.5)
    nlp.to_disk(tmp_path / "saved")
    again = spacy.load(tmp_path / "saved")
    assert again.get_pipe("structkd").threshold == 0.5
    assert [found(doc) for doc in again.pipe(TEXTS)] == [found(doc) for doc in nlp.pipe(TEXTS)]


def test_a_saved_pipeline_refuses_another_student(entities, words, tmp_path):
    shutil.copytree(entities, tmp_path / "student")
    pipeline(tmp_path / "student").to_disk(tmp_path / "saved")
    shutil.rmtree(tmp_path / "student")
    shutil.copytree(words, tmp_path / "student")
    with pytest.raises(ValueError, match="found a student with the digest"):
        spacy.load(tmp_path / "saved")


def test_it_works_in_several_processes(entities):
    nlp = pipeline(entities)
    assert [found(doc) for doc in nlp.pipe(TEXTS * 2, n_process=2)] == [found(doc) for doc in nlp.pipe(TEXTS * 2)]
    component = pickle.loads(pickle.dumps(nlp.get_pipe("structkd")))
    assert found(component(nlp.make_doc(TEXTS[0]))) == found(nlp(TEXTS[0]))
