"""Experiment files, and the names that they give to their pieces."""

from pathlib import Path

import pytest

from structkd.corpora.sentences import CorpusError
from structkd.pipeline.commands.schema import schema_text
from structkd.pipeline.experiment.changes import parse_changes
from structkd.pipeline.experiment.experiment import load_experiment
from structkd.pipeline.experiment.parsing import ExperimentError
from structkd.pipeline.experiment.places import EXPERIMENTS
from structkd.pipeline.plan import versions
from structkd.pipeline.plan.corpora import Data
from structkd.pipeline.plan.pieces import make_plan
from tests.pipeline.tiny import TINY, write_experiment

SHIPPED = sorted(path.stem for path in (Path(__file__).parents[2] / EXPERIMENTS).glob("*.toml"))


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Load an experiment from text."""
    monkeypatch.chdir(tmp_path)

    def from_text(text=TINY, name="tiny"):
        write_experiment(tmp_path, text, name)
        return load_experiment(name)

    return from_text


@pytest.mark.parametrize("kind", ["experiment", "grid"])
def test_shipped_files_name_the_schema_of_editors(kind):
    folder = Path(__file__).parents[2] / EXPERIMENTS
    schema = folder / f"{kind}.schema.json"
    assert schema.read_text("utf-8") == schema_text(kind) + "\n", f"run `structkd schema {kind} > {schema}`"
    for path in folder.glob("*.toml" if kind == "experiment" else "grids/*.toml"):
        first, _ = path.read_text("utf-8").split("\n", 1)
        assert (path.parent / first.removeprefix("#:schema ")).samefile(schema)


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        (["student.training.updates=7"], 7),
        (["student.training.updates = 7", "student.training.updates=9"], 9),
        (["student={training={updates=5}}"], 5),
        (["device=cpu", 'languages=["en"]'], 20),
    ],
)
def test_settings_change_the_files(load, settings, found):
    load()
    assert load_experiment("tiny", parse_changes(settings)).student.training.updates == found


@pytest.mark.parametrize("setting", ["", "x", "=", "= 3", "a.=3", "a b=3", "[a]"])
def test_a_setting_that_is_none_is_refused(setting):
    with pytest.raises(ExperimentError, match="expected KEY=VALUE"):
        parse_changes([setting])


def test_a_misspelt_setting_is_named(load):
    load()
    with pytest.raises(ExperimentError, match=r"tiny\.toml, changed:\n  student\.training\.updtes: .* mean updates\?"):
        load_experiment("tiny", parse_changes(["student.training.updtes=7"]))


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_experiment_loads(name, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    assert load_experiment(name).name == name


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("languages", "langauges", "langauges: unknown key; did you mean languages?"),
        ("hidden = 8", "hiden = 8", "teacher.tagger.hiden: unknown key; did you mean hidden?"),
        ("unlabelled = 20", "unlabeled = 20", "corpus.unlabeled: unknown key; did you mean unlabelled?"),
        (
            "[teacher.tagger]\nhidden = 8",
            '[teacher.tagger]\nencoders = [{ kind = "words" }, { kind = "char-cnn", filers = 3 }]',
            "teacher.tagger.encoders.1.filers: unknown key; did you mean filters?",
        ),
        (
            "[teacher.tagger]\nhidden = 8",
            '[teacher.tagger]\nencoders = [{ kind = "wrods" }]',
            "teacher.tagger.encoders.0: expected one of words, char-cnn, char-lstm, ngrams, static, transformer, "
            "found 'wrods'; did you mean words?",
        ),
        ('"exact"]', '"exakt"]', "found 'exakt'; did you mean exact?"),
        (
            "[teacher.tagger]",
            "[teacher.tagger]\nencoders = []",
            "teacher.tagger.encoders: expected at least 1, found []",
        ),
        (
            "[teacher.tagger]",
            "[teacher.tagger]\nencoders = [{ dim = 3 }]",
            "encoders.0: has no 'kind', which says what",
        ),
        ("[teacher.tagger]", "[teacher.tagger]\nencoders = 3", "teacher.tagger.encoders: expected a list, found 3"),
        ("[teacher.tagger]\nhidden = 8", "[teacher]\ntagger = 3", "teacher.tagger: expected a table, found 3"),
        (
            'title = "tiny"',
            'title = "tiny"\nscheme = "iob2"',
            "expected one of IOB2, BIOES, found 'iob2'; did you mean IOB2",
        ),
        ("k = 4", "k = 0", "teacher.annotation.k: input should be greater than or equal to 1, found 0"),
        (
            "[teacher.tagger]",
            "[teacher]\nfolds = 1\n[teacher.tagger]",
            "teacher.folds: input should be 0 or at least 2",
        ),
        ('title = "tiny"', "", "title: field required"),
        ('name = "demo"', 'name = "damo"', "corpus: "),
        (
            "[limits]",
            '[unlabelled]\nlanguages = ["en"]\n[limits]',
            "unlabelled: the demo corpus makes its own text; set corpus.unlabelled instead",
        ),
        ('["en", "de"]', '["en", "de", "en"]', "languages: found en twice; name it once"),
        ("[student.tagger]", "[student.distill]\nk = 5\n[student.tagger]", "found 5, but teachers store 4 paths"),
        (
            'k = 4\n\n[student]\nsystems = ["baseline", ',
            'k = 4\npaths = "sampled"\n\n[student]\nsystems = ["posterior+top-k", ',
            "found posterior+top-k, which weighs all paths equally, but teacher.annotation.paths is sampled; take "
            "posterior+top-wk",
        ),
        (
            "k = 4\n",
            'k = 4\npaths = "sampled"\n[student.distill]\nk = 3\n',
            "student.distill.k: found 3, but teacher.annotation.paths is sampled, and students use all drawn paths",
        ),
        ("[student.tagger]", "[student.distill]\ntemperature = inf\n[student.tagger]", "should be a finite number"),
        (
            "[student.tagger]",
            '[student.tagger]\nencoders = [{ kind = "transformer", model = "x", layer_decay = 0.9 }]',
            "layer_decay: of no use to a frozen encoder; set frozen = false",
        ),
        (
            "[student.tagger]",
            '[student.tagger]\nencoders = [{ kind = "static", path = "vectors/{language}.vec" }]',
            "student.tagger.encoders: found vectors/{language}.vec; the one student serves all languages",
        ),
        (
            "[teacher.tagger]",
            '[teacher.tagger]\nencoders = [{ kind = "transformer", model = "bert-{lang}" }]',
            "{lang} is not known here, only {language}",
        ),
        ("[limits]", "[limits", "not a TOML file"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_place(load, old, new, message):
    with pytest.raises(ExperimentError) as error:
        load(TINY.replace(old, new))
    assert str(Path("experiments", "tiny.toml")) in str(error.value)
    assert message in str(error.value)


def test_a_mistake_is_named_once(load):
    with pytest.raises(ExperimentError) as error:
        load(TINY.replace("[teacher.tagger]", '[teacher.tagger]\nencoders = [{ kind = "words", dims = 4 }]'))
    assert len(str(error.value).splitlines()) == 2


def test_an_unknown_experiment_gets_the_nearest_name(load):
    load()
    with pytest.raises(ExperimentError, match="did you mean tiny"):
        load_experiment("tinny")


def test_layout_and_comments_do_not_count_but_settings_do(load):
    first = load()
    assert load("# a comment\n" + TINY.replace("updates = 20", "updates   = 20")).digest == first.digest
    assert load(TINY.replace("hidden = 8", "hidden = 9")).digest != first.digest


def folders(plan):
    return (
        [teacher.folder for teacher in plan.teachers],
        [teacher.artifacts for teacher in plan.teachers],
        [student.folder for student in plan.students],
    )


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# none", "# none", (True, True, True)),
        ("[teacher.training]\n", "[teacher.training]\ncheckpoint_seconds = 7\n", (True, True, True)),
        ("[teacher.tagger]\nhidden = 8", "[teacher.tagger]\nhidden = 9", (False, False, False)),
        ("de = 30", "de = 31", (False, False, False)),
        ("k = 4", "k = 5", (True, False, False)),
        ("unlabelled = 20", "unlabelled = 21", (True, False, False)),
        ("[student.tagger]\nhidden = 8", "[student.tagger]\nhidden = 9", (True, True, False)),
    ],
    ids=lambda value: str(value),
)
def test_what_a_change_renames(load, old, new, same):
    before, after = folders(make_plan(load())), folders(make_plan(load(TINY.replace(old, new))))
    assert tuple(a == b for a, b in zip(before, after, strict=True)) == same


def with_teacher(setting):
    return TINY.replace("[teacher.tagger]", f"[teacher]\n{setting}\n[teacher.tagger]")


def test_folds_are_more_teachers_beside_the_same_ones(load):
    plain, folded = make_plan(load()), make_plan(load(with_teacher("folds = 2")))
    whole = [teacher for teacher in folded.teachers if not teacher.fold]
    assert [teacher.name for teacher in folded.teachers[:3]] == ["en", "en fold 1 of 2", "en fold 2 of 2"]
    for before, after in zip(plain.teachers, whole, strict=True):
        assert (before.folder, before.held_out) == (after.folder, after.held_out)
        assert after.artifacts == {"unlabelled": before.artifacts["unlabelled"]}  # the folds annotate what it has seen
    assert len(artifacts(folded)) == 6
    assert folded.teachers[2].artifacts["train"].name.startswith("en-fold2of2-train-")
    assert not {student.folder for student in plain.students} & {student.folder for student in folded.students}
    more = make_plan(load(with_teacher("folds = 3")))
    assert artifacts(folded) & artifacts(more) == {teacher.artifacts["unlabelled"] for teacher in whole}


def artifacts(plan):
    return {folder for teacher in plan.teachers for folder in teacher.artifacts.values()}


def test_other_text_is_another_set_beside_the_same_ones(load):
    plain, more = make_plan(load()), make_plan(load(TINY.replace("unlabelled = 20", "unlabelled = 21")))
    made = make_plan(load(TINY.replace("[limits]", "[augmented]\ncopies = 1\n\n[limits]")))
    assert artifacts(plain) & artifacts(more) == {teacher.artifacts["train"] for teacher in plain.teachers}
    assert artifacts(made) - artifacts(plain) == {teacher.artifacts["augmented"] for teacher in made.teachers}
    assert artifacts(plain) < artifacts(made)


def test_a_student_reads_the_text_that_it_names_and_the_baseline_the_training_corpora(load):
    text = TINY.replace("[limits]", "[augmented]\ncopies = 1\n\n[limits]")
    everything, some = (
        make_plan(load(text.replace("[student]", f"[student]\n{setting}")))
        for setting in ("", 'transfer = ["augmented"]')
    )
    assert [len(student.artifacts) for student in everything.students] == [2, 6, 6]
    assert [len(student.artifacts) for student in some.students] == [2, 4, 4]
    assert everything.students[0].folder == some.students[0].folder
    assert everything.students[1].folder != some.students[1].folder
    assert artifacts(everything) == artifacts(some)


def test_without_other_text_folds_leave_nothing_for_the_whole_teacher(load):
    plan = make_plan(load(with_teacher("folds = 2").replace("unlabelled = 20", "unlabelled = 0")))
    assert [bool(teacher.artifacts) for teacher in plan.teachers] == [False, True, True] * 2
    assert [bool(teacher.held_out) for teacher in plan.teachers] == [True, False, False] * 2


def test_what_only_reports_read_renames_nothing(load):
    plain, bare = make_plan(load()), make_plan(load(with_teacher("held_out = false")))
    assert folders(plain) == folders(bare)
    assert [teacher.held_out for teacher in bare.teachers] == [None, None]


@pytest.mark.parametrize(
    ("room", "same"),
    [
        ("crf", (False, False, False)),
        ("corpora", (False, False, False)),
        ("tagger", (False, False, False)),
        ("teachers", (False, False, False)),
        ("artifacts", (True, False, False)),
        ("student", (True, True, False)),
    ],
)
def test_what_a_raised_results_version_renames(load, monkeypatch, room, same):
    before = folders(make_plan(load()))
    monkeypatch.setattr(versions, "VERSIONS", {**versions.VERSIONS, room: 99})
    after = folders(make_plan(load()))
    assert tuple(a == b for a, b in zip(before, after, strict=True)) == same


def test_the_keys_of_rows_have_no_version(load, monkeypatch):
    """Rows in results/ are found whatever has made them since."""
    before = [piece.key for plan in [make_plan(load())] for piece in (*plan.teachers, *plan.students)]
    monkeypatch.setattr(versions, "VERSIONS", dict.fromkeys(versions.VERSIONS, 99))
    assert [piece.key for plan in [make_plan(load())] for piece in (*plan.teachers, *plan.students)] == before


UD = """
title = "u"
languages = ["en"]
[corpus]
name = "ud"
[unlabelled]
languages = ["en"]
[student]
systems = ["baseline"]
"""


@pytest.fixture
def catalogued(tmp_path, monkeypatch, load):
    """A catalog of one tiny language."""
    monkeypatch.setenv("STRUCTKD_CORPORA", str(tmp_path / "corpora"))
    folder = tmp_path / "corpora" / "ud" / "en"
    folder.mkdir(parents=True)
    for split in ("train", "dev", "test"):
        (folder / f"{split}.tsv").write_text(f"This\tPRON\nis\tAUX\n{split}\tNOUN\n\nYes\tINTJ\n", "utf-8")
    (tmp_path / "corpora" / "unlabelled").mkdir()
    (tmp_path / "corpora" / "unlabelled" / "en.txt").write_text("It rains .\n", "utf-8")
    return folder


def test_a_catalogued_corpus_is_read(load, catalogued):
    data = Data(load(UD))
    assert (data.metric, data.scheme) == ("accuracy", None)
    corpus, _ = data.load("en", "train")
    assert corpus[0].labels == ("PRON", "AUX", "NOUN")
    assert data.load("en", "unlabelled")[0][0].tokens == ("It", "rains", ".")


def test_an_identity_follows_the_bytes_and_the_limits(load, catalogued):
    before = Data(load(UD)).identity("en", "train")
    assert Data(load(UD + "[limits]\ntrain = 1\n")).identity("en", "train") != before
    assert Data(load(UD + "[limits]\ndev = 1\n")).identity("en", "train") == before
    (catalogued / "train.tsv").write_text("Other\tNOUN\n", "utf-8")
    assert Data(load(UD)).identity("en", "train") != before


def test_limits_sample_and_cut(load, catalogued):
    data = Data(load(UD + "[limits]\ntrain = 2\nmax_tokens = 2\n"))
    corpus, report = data.load("en", "train")
    assert len(corpus) == 2
    assert all(len(sentence) <= 2 for sentence in corpus)
    assert (report.long_sentences, report.pieces) == (1, 2)
    assert data.load("en", "train")[0].digest == corpus.digest


LEFT_OVER = UD.replace("[unlabelled]", '[unlabelled]\npath = "train"') + "[limits]\ntrain = {}\n"


def test_text_may_be_what_a_limit_leaves_of_the_training_corpus(load, catalogued):
    blocks = [f"word{place}\tNOUN\n" for place in range(20)]
    (catalogued / "train.tsv").write_text("\n".join([*blocks, *blocks]), "utf-8")
    data = Data(load(LEFT_OVER.format(5)))
    train, text = (data.load("en", split)[0] for split in ("train", "unlabelled"))
    known, left = ({sentence.tokens for sentence in corpus} for corpus in (train, text))
    assert not known & left  # though each sentence is there twice
    assert len(known | left) == 20
    assert all(sentence.labels is None for sentence in text)
    assert text.split == "unlabelled"
    few = LEFT_OVER.replace("path", "sentences = 3\npath")
    assert len(Data(load(few.format(5))).load("en", "unlabelled")[0]) == 3
    names = [
        Data(load(text)).identity("en", "unlabelled")
        for text in (LEFT_OVER.format(5), LEFT_OVER.format(6), few.format(5))
    ]
    assert all(names.count(name) == 1 for name in names)
    assert data.identity("en", "train") not in names


def test_a_limit_that_leaves_nothing_is_an_error(load, catalogued):
    with pytest.raises(CorpusError, match=r"limits\.train = 2 leaves no sentence of en over; take en out of unl"):
        Data(load(LEFT_OVER.format(2))).load("en", "unlabelled")


def test_a_text_that_the_length_limit_empties_is_an_error(load, catalogued):
    with pytest.raises(CorpusError, match=r"en\.txt has no sentence of at most limits\.max_tokens = 2 words"):
        Data(load(UD + '[limits]\nmax_tokens = 2\ntoo_long = "drop"\n')).load("en", "unlabelled")


def test_several_texts_make_one(load, catalogued):
    (catalogued.parents[1] / "more.txt").write_text("A sentence of five words\n" * 2, "utf-8")
    more = f'path = "{catalogued.parents[1] / "more.txt"}"\nsentences = 1\n'
    texts = UD.replace("[unlabelled]", f"[[unlabelled]]\n{more}\n[[unlabelled]]") + "[limits]\nmax_tokens = 3\n"
    corpus, report = Data(load(texts)).load("en", "unlabelled")
    assert [sentence.tokens[0] for sentence in corpus] == ["A", "It"]
    assert (report.long_sentences, report.pieces) == (2, 4)
    names = [Data(load(text)).identity("en", "unlabelled") for text in (UD, texts, texts.replace("= 1", "= 2"))]
    assert all(names.count(name) == 1 for name in names)


def test_a_text_is_of_the_languages_that_it_names_or_of_all(load, catalogued):
    two = UD.replace('languages = ["en"]', 'languages = ["en", "de"]', 1)
    assert {language: Data(load(two)).texts(language) for language in ("en", "de")} == {"en": ("unlabelled",), "de": ()}
    of_all = Data(load(two.replace('languages = ["en"]', "")))
    assert all(of_all.texts(language) == ("unlabelled",) for language in ("en", "de"))
    with pytest.raises(ExperimentError, match=r"unlabelled\.languages: found de, which the experiment does not have"):
        load(UD.replace('languages = ["en"]\n[student]', 'languages = ["de", "en"]\n[student]'))


def test_a_missing_corpus_says_where_it_was_looked_for(load, catalogued):
    (catalogued / "dev.tsv").unlink()
    with pytest.raises(CorpusError, match=r"ud/en/dev\.tsv: no such file.*STRUCTKD_CORPORA"):
        make_plan(load(UD))


OWN = UD.replace('name = "ud"', 'name = "files"\npath = "{language}.{split}"')


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{language}.{split}", "{language}.train", "corpus.path: {split} is missing: one file cannot be"),
        ("{language}.{split}", "{lang}.{split}", "corpus.path: {lang} is not known here, only {language}"),
        ('languages = ["en"]\n[corpus]', 'languages = ["en", "de"]\n[corpus]\n', ""),
        ("{language}.{split}", "x.{split}", ""),
        ("[student]", 'path = "{split}.txt"\n[student]', "unlabelled.0.path: {split} is not known here"),
        (
            "[unlabelled]",
            'label_column = "ner"\n[unlabelled]',
            "corpus: found label_column = 'ner' for reader columns;",
        ),
        (
            "[unlabelled]",
            'reader = "conllu"\nlabel_column = 3\n[unlabelled]',
            "found label_column = 3 for reader conllu;",
        ),
        ("[unlabelled]", 'reader = "conllu"\nlabel_column = "xpos"\n[unlabelled]', ""),
    ],
    ids=lambda value: str(value),
)
def test_files_of_ones_own_are_named_by_language_and_split(load, old, new, message):
    assert old in OWN
    if not message:
        load(OWN.replace(old, new))
        return
    with pytest.raises(ExperimentError) as error:
        load(OWN.replace(old, new))
    assert message in str(error.value)


@pytest.mark.parametrize("place", ["corpus", "unlabelled"])
def test_a_file_is_of_one_language(load, place):
    path = {"corpus": OWN.replace("{language}.", ""), "unlabelled": OWN.replace("[stud", 'path = "a.txt"\n[stud')}[
        place
    ]
    two = path.replace('languages = ["en"]\n[corpus]', 'languages = ["en", "de"]\n[corpus]')
    message = f"{place}.path: found .*en, de; a file is of one language: put {{language}} into it"
    with pytest.raises(ExperimentError, match=message):
        load(two.replace('[unlabelled]\nlanguages = ["en"]', "[unlabelled]"))
    load(path)


def test_own_files_are_read_and_converted(load, tmp_path):
    (tmp_path / "en.train").write_text("x Ada I-PER\nx Bo B-PER\nx ran O\n", "utf-8")
    text = UD.replace('name = "ud"', 'name = "files"\npath = "{language}.{split}"\nscheme = "IOB1"\ntoken_column = 1')
    corpus, _ = Data(load(text)).load("en", "train")
    assert corpus[0].tokens == ("Ada", "Bo", "ran")
    assert corpus[0].labels == ("S-PER", "S-PER", "O")
