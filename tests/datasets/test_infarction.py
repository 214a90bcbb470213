import pandas as pd
import pytest

from sklearn_mtl.datasets import load_myocardial_infarction


@pytest.fixture
def table(collection):
    return load_myocardial_infarction(folder=collection)


def test_shape_and_holes_are_as_published(table):
    assert table.data.shape == (1700, 111)
    assert table.data.isna().to_numpy().sum() == 15974
    assert table.target.shape == (1700, 12)
    assert table.target.notna().to_numpy().all()
    assert not table.data.columns.duplicated().any()


def test_names_stand_at_the_columns_they_belong_to(table):
    X = table.data
    assert X["AGE"].min() == 26
    assert X["AGE"].max() == 92
    for name in X.filter(regex="^(SEX|nr_|np_|endocr_|zab_leg_|ritm_|n_r_|n_p_|fibr_ter_|GIP|.*_S_n)$"):
        assert set(X[name].dropna()) <= {0, 1}, name
    assert X["S_AD_ORIT"].mean() > X["D_AD_ORIT"].mean() > 50  # blood pressure
    assert 3 < X["K_BLOOD"].mean() < 6  # potassium and sodium, mmol/L
    assert 130 < X["NA_BLOOD"].mean() < 145


def test_tasks_have_their_published_frequencies(table):
    counts = table.target.drop(columns="LET_IS").sum()
    assert counts.to_dict() == {
        "FIBR_PREDS": 170, "PREDS_TAH": 20, "JELUD_TAH": 42, "FIBR_JELUD": 71, "A_V_BLOK": 57,
        "OTEK_LANC": 159, "RAZRIV": 54, "DRESSLER": 75, "ZSN": 394, "REC_IM": 159, "P_IM_STEN": 148,
    }  # fmt: skip
    assert table.target["LET_IS"].value_counts().sort_index().tolist() == [1429, 110, 18, 54, 23, 12, 27, 27]


def test_bunch_and_pair_hold_the_same_table(collection, table):
    X, y = load_myocardial_infarction(folder=collection, return_X_y=True)
    pd.testing.assert_frame_equal(pd.concat([X, y], axis=1), table.frame)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"load_myocardial_infarction: no file MI.data in"):
        load_myocardial_infarction(folder=tmp_path)
