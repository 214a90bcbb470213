"""Complications of myocardial infarction: many inputs with holes, and a dozen outcomes."""

from __future__ import annotations

import os

import pandas as pd
from sklearn.utils import Bunch

from ._bunch import make_bunch
from ._files import find_file

_INPUTS = [
    "AGE", "SEX", "INF_ANAM", "STENOK_AN", "FK_STENOK", "IBS_POST", "IBS_NASL", "GB", "SIM_GIPERT",
    "DLIT_AG", "ZSN_A", "nr_11", "nr_01", "nr_02", "nr_03", "nr_04", "nr_07", "nr_08", "np_01", "np_04",
    "np_05", "np_07", "np_08", "np_09", "np_10", "endocr_01", "endocr_02", "endocr_03", "zab_leg_01",
    "zab_leg_02", "zab_leg_03", "zab_leg_04", "zab_leg_06", "S_AD_KBRIG", "D_AD_KBRIG", "S_AD_ORIT",
    "D_AD_ORIT", "O_L_POST", "K_SH_POST", "MP_TP_POST", "SVT_POST", "GT_POST", "FIB_G_POST", "ant_im",
    "lat_im", "inf_im", "post_im", "IM_PG_P", "ritm_ecg_p_01", "ritm_ecg_p_02", "ritm_ecg_p_04",
    "ritm_ecg_p_06", "ritm_ecg_p_07", "ritm_ecg_p_08", "n_r_ecg_p_01", "n_r_ecg_p_02", "n_r_ecg_p_03",
    "n_r_ecg_p_04", "n_r_ecg_p_05", "n_r_ecg_p_06", "n_r_ecg_p_08", "n_r_ecg_p_09", "n_r_ecg_p_10",
    "n_p_ecg_p_01", "n_p_ecg_p_03", "n_p_ecg_p_04", "n_p_ecg_p_05", "n_p_ecg_p_06", "n_p_ecg_p_07",
    "n_p_ecg_p_08", "n_p_ecg_p_09", "n_p_ecg_p_10", "n_p_ecg_p_11", "n_p_ecg_p_12", "fibr_ter_01",
    "fibr_ter_02", "fibr_ter_03", "fibr_ter_05", "fibr_ter_06", "fibr_ter_07", "fibr_ter_08", "GIPO_K",
    "K_BLOOD", "GIPER_NA", "NA_BLOOD", "ALT_BLOOD", "AST_BLOOD", "KFK_BLOOD", "L_BLOOD", "ROE", "TIME_B_S",
    "R_AB_1_n", "R_AB_2_n", "R_AB_3_n", "NA_KB", "NOT_NA_KB", "LID_KB", "NITR_S", "NA_R_1_n", "NA_R_2_n",
    "NA_R_3_n", "NOT_NA_1_n", "NOT_NA_2_n", "NOT_NA_3_n", "LID_S_n", "B_BLOK_S_n", "ANT_CA_S_n",
    "GEPAR_S_n", "ASP_S_n", "TIKL_S_n", "TRENT_S_n",
]  # fmt: skip
_FLAGS = [
    "FIBR_PREDS", "PREDS_TAH", "JELUD_TAH", "FIBR_JELUD", "A_V_BLOK", "OTEK_LANC", "RAZRIV", "DRESSLER",
    "ZSN", "REC_IM", "P_IM_STEN",
]  # fmt: skip
_OUTCOME = "LET_IS"

_DESCRIPTION = """\
1,700 patients with myocardial infarction, Krasnoyarsk 1992-1995, from the UCI repository (CC BY 4.0).

Tasks: eleven complications, yes or no: atrial fibrillation, supraventricular and ventricular tachycardia,
ventricular fibrillation, third-degree AV block, pulmonary edema, rupture, Dressler syndrome, chronic heart
failure, relapse and post-infarction angina; and `LET_IS`, the cause of death, of eight classes: 0 alive or
unknown, 1 cardiogenic shock, 2 pulmonary edema, 3 rupture, 4 heart failure, 5 thromboembolism, 6 asystole,
7 ventricular fibrillation.

Inputs: history, the state at admission, and treatment and pain of the first three days; numbers, flags and
grades, all as float64. Some of them (`R_AB_2_n`, `R_AB_3_n`, `NA_R_2_n`, `NA_R_3_n`, `NOT_NA_2_n`,
`NOT_NA_3_n` and the like) are known only days after admission.
"""


def load_myocardial_infarction(
    *, folder: str | os.PathLike[str], return_X_y: bool = False
) -> Bunch | tuple[pd.DataFrame, pd.DataFrame]:
    """
    Load 1,700 patients with eleven complications and the cause of death [1]_.

    Parameters
    ----------
    folder : path
        Where ``MI.data`` of the UCI repository is, at any depth.
    return_X_y : bool, default=False
        Return ``(X, y)`` instead of a bunch.

    Returns
    -------
    Bunch or (DataFrame, DataFrame)
        ``data`` of shape (1700, 111), float64 with NaN in 15,974 places; ``target`` of shape (1700, 12),
        eleven columns of bool and one ``category`` of eight classes; and ``frame``, ``feature_names``,
        ``target_names``, ``DESCR``.

    Raises
    ------
    FileNotFoundError
        If no file of that name is in the folder.

    References
    ----------
    .. [1] Golovenkin, Shulman, Rossiev, Shesternya, Nikulina, Orlova, Voino-Yasenetsky, "Myocardial
       infarction complications", UCI Machine Learning Repository, 2020. https://doi.org/10.24432/C53P5M

    Examples
    --------
    >>> X, y = load_myocardial_infarction(folder="data", return_X_y=True)  # doctest: +SKIP
    >>> y.shape  # doctest: +SKIP
    (1700, 12)
    """
    path = find_file("MI.data", folder=folder, owner="load_myocardial_infarction")
    names = ["ID", *_INPUTS, *_FLAGS, _OUTCOME]
    frame = pd.read_csv(path, header=None, names=names, na_values="?")
    inputs = frame[_INPUTS].astype("float64")
    targets = frame[[*_FLAGS, _OUTCOME]].astype(dict.fromkeys(_FLAGS, bool) | {_OUTCOME: "category"})
    if return_X_y:
        return inputs, targets
    return make_bunch(inputs, targets, description=_DESCRIPTION)
