import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from sklearn_mtl import MultiTaskAttentionClassifier, TextColumns
from sklearn_mtl.inspection import (
    AttentionDisplay,
    CalibrationDisplay,
    LearningCurveDisplay,
    WordAttentionDisplay,
)
from sklearn_mtl.inspection._calibration import reliability

from .conftest import HOSPITAL_OPTIONS


def attention(n_tasks, n_columns, seed=0):
    weights = np.random.default_rng(seed).dirichlet(np.full(n_columns, 0.3), n_tasks)
    return pd.DataFrame(weights, columns=[f"column {place}" for place in range(n_columns)])


def texts(display):
    """All that is written, after it has been drawn."""
    display.figure_.draw_without_rendering()
    return [text.get_text() for text in display.figure_.findobj(plt.Text)]


@pytest.mark.parametrize(("n_tasks", "n_columns"), [(1, 8), (1, 300), (2, 8), (16, 300), (45, 1449)])
def test_attention_is_drawn_for_few_and_many(n_tasks, n_columns):
    frame = attention(n_tasks, n_columns)
    display = AttentionDisplay(frame).plot()
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert len(names) == min(40, n_columns)
    assert names[0] == frame.max().idxmax()
    note = display.ax_.get_xlabel()
    assert ("others have" in note) == (n_columns > 40)
    if n_columns > 40:
        rest = 1 - frame[names].sum(axis="columns").mean()
        assert f"40 of {n_columns:,} columns" in note
        assert f"{rest:.0%}" in note


def test_cells_are_attention_in_units_of_the_uniform_one():
    frame = attention(2, 8)
    display = AttentionDisplay(frame).plot(max_columns=5)
    shown = frame.iloc[:, np.argsort(-frame.max().to_numpy())[:5]]
    np.testing.assert_allclose(display.ax_.images[0].get_array(), 8 * shown.T)
    assert f"{8 * shown.iloc[1, 2]:.1f}" in texts(display)


def test_bars_are_attention_in_units_of_the_uniform_one():
    frame = attention(1, 8)
    widths = [bar.get_width() for bar in AttentionDisplay(frame).plot().ax_.patches]
    np.testing.assert_allclose(widths, 8 * np.sort(frame.to_numpy()[0])[::-1])


def test_attention_of_an_estimator_and_of_rows(hospital_model, hospital):
    display = AttentionDisplay.from_estimator(hospital_model, tasks=["ill"])
    pd.testing.assert_frame_equal(display.attention, hospital_model.feature_attention_.loc[["ill"]])
    weights = hospital_model.attention_weights(hospital[0][:9])
    of_rows = AttentionDisplay.from_estimator(hospital_model, hospital[0][:9])
    given = AttentionDisplay.from_predictions(
        weights, task_names=hospital_model.task_names_, column_names=list(hospital[0].columns)
    )
    pd.testing.assert_frame_equal(given.attention, of_rows.attention, check_names=False)


def test_unknown_tasks_are_named(hospital_model):
    for display in (AttentionDisplay, LearningCurveDisplay):
        with pytest.raises(ValueError, match="no tasks \\['age'\\]"):
            display.from_estimator(hospital_model, tasks="age")


@pytest.mark.parametrize("n_tasks", [1, 2, 45])
def test_learning_curves_show_all_tasks_and_name_some(n_tasks):
    names = [f"task {place}" for place in range(n_tasks)]
    losses = pd.DataFrame(
        np.linspace(1, 0.2, 6)[:, None] + np.arange(n_tasks) / 100, index=range(1, 7), columns=names
    )
    display = LearningCurveDisplay(losses, losses, 5).plot()
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert legend == (names if n_tasks <= 8 else [*names[:2], *names[-2:]])
    lines = [np.asarray(line.get_ydata()).tolist() for line in display.ax_.get_lines()]
    assert all(losses[name].tolist() in lines for name in names)
    assert " kept: 5 " in texts(display)


def test_learning_curves_are_those_of_the_history(hospital_model):
    display = LearningCurveDisplay.from_estimator(hospital_model, tasks=["ill", "days"])
    history = hospital_model.history_
    np.testing.assert_array_equal(display.valid["ill"], history["valid_loss_ill"])
    np.testing.assert_array_equal(display.train["days"], history["train_loss_days"])
    assert display.best_epoch == hospital_model.best_epoch_


def test_reliability_against_a_loop():
    rng = np.random.default_rng(0)
    proba = rng.dirichlet([1, 1, 1], 95)
    codes, observed = rng.integers(0, 3, 95), rng.random(95) < 0.8
    curve = reliability(codes[observed], observed, proba)
    rows = sorted(np.flatnonzero(observed), key=lambda row: proba[row].max())
    gaps, start = [], 0
    for size in curve.counts:
        part = rows[start : start + size]
        confidence = np.mean([proba[row].max() for row in part])
        accuracy = np.mean([codes[row] == proba[row].argmax() for row in part])
        gaps.append(size * abs(confidence - accuracy))
        start += size
    assert start == observed.sum()
    assert curve.error == pytest.approx(sum(gaps) / start)


def test_right_probabilities_have_a_small_error_and_wrong_ones_a_great_one():
    rng = np.random.default_rng(0)
    right = rng.random(5000)
    y, proba = (rng.random(5000) < right).astype(int), np.stack([1 - right, right], axis=1)
    wrong = np.where(proba > 0.5, 0.99, 0.01)
    errors = [CalibrationDisplay.from_predictions(y, p).errors["error"].item() for p in (proba, wrong)]
    assert errors[0] < 0.03
    assert errors[1] > 0.2


def test_calibration_of_an_estimator_by_default_is_out_of_fold(hospital_model, hospital):
    X, y = hospital
    display = CalibrationDisplay.from_estimator(hospital_model, y=y)
    assert display.errors.index.tolist() == ["ill", "size"]
    given = CalibrationDisplay.from_predictions(
        y[["ill", "size"]], hospital_model.oof_proba_, classes=hospital_model.classes_
    )
    np.testing.assert_allclose(given.errors["error"], display.errors["error"])
    on_rows = CalibrationDisplay.from_estimator(hospital_model, X, y, tasks="ill")
    assert on_rows.errors["error"].item() != display.errors.loc["ill", "error"]


def test_without_temperature_probabilities_are_those_before(hospital_model, hospital):
    X, y = hospital
    plain = {**hospital_model.get_params(), "calibrate": False}
    before = type(hospital_model)(**plain).fit(X, y)
    display = CalibrationDisplay.from_estimator(hospital_model, y=y)
    expected = CalibrationDisplay.from_estimator(before, y=y).errors["error"]
    assert (hospital_model.temperature_[["ill", "size"]] != 1).any()
    np.testing.assert_allclose(display.errors["uncalibrated"], expected, atol=1e-12)


def test_calibration_of_many_tasks_names_the_worst():
    rng = np.random.default_rng(0)
    y = pd.DataFrame(rng.integers(0, 2, (300, 20)), columns=[f"task {place}" for place in range(20)])
    proba = {name: rng.dirichlet([1, 1], 300) for name in y}
    display = CalibrationDisplay.from_predictions(y, proba)
    legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    worst = display.errors["error"].nlargest(2)
    assert sorted(legend) == sorted(f"{name} ({error:.3f})" for name, error in worst.items())


def test_calibration_needs_labels_and_classes(hospital_model, hospital_regressor, hospital):
    with pytest.raises(ValueError, match="y is None"):
        CalibrationDisplay.from_estimator(hospital_model, hospital[0])
    with pytest.raises(ValueError, match="has classes"):
        CalibrationDisplay.from_estimator(hospital_regressor, y=hospital[1])


def test_html_of_words_is_escaped_and_shaded_by_weight():
    display = WordAttentionDisplay(["<b>", "chest", "pain", "."], [0.0, 0.2, 0.4, 0.0], title="a & b")
    html = display._repr_html_()
    assert "&lt;b&gt;" in html
    assert "a &amp; b" in html
    assert "<b>" not in html
    assert html.index("0.38") < html.index("chest") < html.index("0.75") < html.index("pain")
    assert "</span> <span" in html
    assert "pain</span><span style" in html  # no space before a full stop


def test_chinese_has_no_spaces_between_words():
    assert "</span> <span" not in WordAttentionDisplay(list("胸痛三天"), [1, 2, 3, 4])._repr_html_()


def test_words_are_drawn_in_lines_inside_the_axes():
    words = [f"word{place}" for place in range(60)]
    display = WordAttentionDisplay(words, np.arange(60.0)).plot()
    display.figure_.draw_without_rendering()
    frame = display.ax_.get_window_extent()
    extents = [text.get_window_extent() for text in display.ax_.texts]
    assert [text.get_text() for text in display.ax_.texts] == words
    assert max(extent.x1 for extent in extents) <= frame.x1 + 1
    assert len({round(extent.y1) for extent in extents}) > 3
    alphas = [text.get_bbox_patch().get_facecolor()[3] for text in display.ax_.texts]
    assert alphas == sorted(alphas)
    assert alphas[-1] == pytest.approx(0.75)


def test_words_of_a_row_come_from_a_tidy_table():
    frame = pd.DataFrame(
        {
            "row": [3, 3, 3, 4],
            "column": ["note", "note", "title", "note"],
            "task": "ill",
            "word": ["pain", "chest", "visit", "none"],
            "weight": [0.7, 0.3, 1.0, 1.0],
            "position": [1, 0, 0, 0],
        }
    )
    display = WordAttentionDisplay.from_frame(frame, row=3, task="ill", column="note")
    assert display.words == ["chest", "pain"]
    assert display.weights.tolist() == [0.3, 0.7]
    for options in ({"row": 3}, {"row": 9}):
        with pytest.raises(ValueError, match="expected one"):
            WordAttentionDisplay.from_frame(frame, task="ill", **options)


def text_model(texts, **options):
    X, y = pd.DataFrame({"note": texts, "age": np.arange(len(texts))}), np.arange(len(texts)) % 2
    model = MultiTaskAttentionClassifier(**HOSPITAL_OPTIONS, text=TextColumns(columns=["note"], **options))
    return model.fit(X, pd.DataFrame({"ill": y}))


def test_a_text_is_shown_as_it_is_written():
    model = text_model(["Chest pain, no fever", "fever and cough. No pain"] * 20)
    X = pd.DataFrame({"note": ["cough", "NO  painting, chest Pain (severe) no"], "age": 1})
    display = WordAttentionDisplay.from_estimator(model, X, row=1, task="ill")
    assert "".join(display.words) == X["note"][1]
    known = {place: word for place, word in enumerate(display.words) if display.weights[place] > 0}
    assert list(known.values()) == ["NO", ",", "chest", "Pain", "no"]
    weights = model.word_attention(X)
    expected = weights[(weights["row"] == 1) & (weights["task"] == "ill")]["weight"]
    np.testing.assert_allclose(display.weights[list(known)], expected)
    assert "</span> <span" not in display._repr_html_()


@pytest.mark.parametrize("analyzer", ["char", "char_wb"])
def test_sequences_of_characters_give_their_weight_to_these(analyzer):
    model = text_model(["胸痛三天", "发热一周"] * 20, analyzer=analyzer)
    X = pd.DataFrame({"note": ["胸痛!发热"], "age": 1})
    display = WordAttentionDisplay.from_estimator(model, X, task="ill")
    assert display.words == list("胸痛!发热")
    given = model.word_attention(X).set_index("word")["weight"]
    expected = dict.fromkeys(range(5), 0.0)
    for term, weight in given.items():
        core = term.strip()
        for place in range("胸痛!发热".find(core), "胸痛!发热".find(core) + len(core)):
            expected[place] += weight / len(core)
    np.testing.assert_allclose(display.weights, list(expected.values()))


def test_texts_without_known_words_are_refused():
    model = text_model(["chest pain", "high fever"] * 20)
    with pytest.raises(ValueError, match="expected one"):
        WordAttentionDisplay.from_estimator(model, pd.DataFrame({"note": ["cough"], "age": 1}), task="ill")
    with pytest.raises(ValueError, match="no tasks"):
        WordAttentionDisplay.from_estimator(model, pd.DataFrame({"note": ["pain"], "age": 1}), task="well")


@pytest.mark.parametrize("weights", [[1.0], [1.0, -1.0], [1.0, np.nan]])
def test_weights_that_do_not_fit_are_refused(weights):
    with pytest.raises(ValueError, match="WordAttentionDisplay: weights"):
        WordAttentionDisplay(["a", "b"], weights)


def test_words_without_attention_have_no_shade():
    assert "0.00)" in WordAttentionDisplay(["a"], [0.0])._repr_html_()
    assert WordAttentionDisplay([], []).plot().ax_ is not None


@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_displays_draw_into_given_axes_on_light_and_dark(style, hospital_model, hospital):
    with plt.style.context(style):
        figure, axes = plt.subplots(2, 2, figsize=(12, 9))
        drawn = [
            AttentionDisplay.from_estimator(hospital_model, ax=axes[0, 0]),
            LearningCurveDisplay.from_estimator(hospital_model, ax=axes[0, 1]),
            CalibrationDisplay.from_estimator(hospital_model, y=hospital[1], ax=axes[1, 0]),
            WordAttentionDisplay(["chest", "pain"], [1, 2]).plot(ax=axes[1, 1]),
        ]
        assert [display.ax_ for display in drawn] == axes.ravel().tolist()
        assert {display.figure_ for display in drawn} == {figure}
        word = drawn[-1].ax_.texts[0].get_color()
        assert word == ("white" if style == "dark_background" else "black")
