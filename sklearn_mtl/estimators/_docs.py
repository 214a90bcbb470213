"""Docstrings that the estimators share."""

from __future__ import annotations

from inspect import cleandoc
from textwrap import indent
from typing import TypeVar

Class = TypeVar("Class", bound=type)

PARAMETERS = """
preset : {"fast", "default", "best"}, default="default"
    What ``"auto"`` stands for below, where it is given for ``"default"``. ``"fast"`` has half of the folds,
    one view, a third of the epochs and 0.4 of the trees; ``"best"`` twice the folds, views and epochs, and
    2.5 times the trees.
n_folds : int or "auto", default="auto"
    Groups of networks; each holds out its share of the rows. More folds leave more rows to each, and take
    longer. ``"auto"``: 8 up to 2,000 different rows and 512 columns, 4 for wider tables and up to 100,000
    rows, 2 beyond. Up to 10,000 rows the forest divides fewer folds further, to 8.
n_views : int or "auto", default="auto"
    Networks a fold, which share weights and differ by attention, biases and heads. ``"auto"``: 1 above 128
    columns, else 4 up to 500 different rows and 2 beyond.
n_slots : int or "auto", default="auto"
    Attentions over columns in a view. ``"auto"``: each task its own up to 8 tasks; more tasks mix 8 by
    learned gates; above 512 columns 2 in place of 8. 1 is one attention for all tasks.
n_bins : int or "auto", default="auto"
    Bins of the piecewise-linear encoding of a number column, at most. ``"auto"``: one for 40 different rows,
    but 8 to 16; 4 above 512 columns. Here and below, columns that are read as a bag of terms (more than 512
    that are mostly 0) count as eight.
d_token : int or "auto", default="auto"
    Width of a column's token. ``"auto"``: 12 up to 64 columns, 6 up to 256, 4 up to 512, 2 beyond; less
    where a bag has very many terms.
d_hidden : int, default=128
    Width of the hidden layers.
n_layers : int, default=2
    Hidden layers.
attention : str, callable or AttentionPooling, default="softmax"
    What turns the scores of columns into weights: ``"softmax"``, ``"sigmoid"``, ``"sparsemax"``,
    ``"entmax15"``, ``"born"``, ``"uniform"``, or a callable of scores and an axis. An
    :class:`~sklearn_mtl.attention.AttentionPooling` also says how scores come about, and puts self-attention
    before the pooling.
attention_sharing : {"own", "shared", "gated", "superposed"}, default="own"
    What tasks share of attention inside the networks that learn them together (``sharing`` says whether a
    task has networks of its own as well): each has its own slot, as ``n_slots`` says; all share one; all mix
    the slots by learned gates, however few tasks there are [3]_; each has its own by an adapter of rank 1
    around what all share [8]_.
task_interaction : {"residual", "attention"} or None, default=None
    What the tasks' own units take from each other before the heads: nothing, learned shares [9]_, or shares
    by attention, row by row.
schedule : {"joint", "sequential", "alternating"} or SequentialSchedule, default="joint"
    All tasks at once; one after the other, the first one with all of the network, the others with what is
    their own (a :class:`~sklearn_mtl.schedules.SequentialSchedule` says it otherwise); or each step one
    task, in turn. ``max_epochs`` is what all of it takes.
dropout : float, default=0.1
    Share of hidden units that is dropped in each training step.
learning_rate : float, default=0.01
    Of AdamW, at the start of a cycle: training goes in four cycles, each twice as long as the one before,
    in which learning rate and dropout fall to nothing along half a cosine.
weight_decay : float, default=0.01
    Of AdamW.
regularization : Regularization or None, default=None
    What else keeps the networks from learning too well: dropout of tokens and attention, mixup, adversarial
    perturbations (which can use rows without labels), a graph of the tasks, penalties on the views'
    attention; as of :class:`~sklearn_mtl.regularization.Regularization`.
batch_size : int or "auto", default="auto"
    Rows a fold and training step. ``"auto"``: an eighth of the rows, but 16 to 256; to 1,024 where a bag has
    more than 131,072 terms, counted once a fold.
max_epochs : int or "auto", default="auto"
    Epochs of all cycles. A cycle ends early when a quarter of it has brought no better loss on held-out rows;
    one that has brought nothing at all is the last; the best epoch is kept. ``"auto"``: 84 up to 2,700
    different rows, fewer beyond, as an epoch has more steps there: 44 for 10,000, 14 for 100,000, never less
    than 10.
linear_view : bool, default=True
    Put a ridge or logistic regression beside the networks.
n_trees : int or "auto", default="auto"
    Put a forest of so many extremely randomised trees beside the networks; 0 for none. ``"auto"``: 200 up
    to 20,000 different rows, 100 up to 100,000, none beyond.
sharing : {"joint", "auto", "each"}, default="auto"
    Whether tasks have an ensemble of their own as well (not what they share of attention, which is
    ``attention_sharing``): which of them are learned alone, too, on their labelled rows, by networks, linear
    view and forest of their own. None; those with the fewest labels, if that takes half of the time of the
    joint fit at most; or each, which takes about as long as a fit for every task. These views have a share in
    their task where it lowers the out-of-fold loss by more than chance does, and cost nothing in ``predict``
    where they have none. A task with less than 20 labels is not tried.
text : "auto", TextColumns or None, default="auto"
    Which columns are texts. ``"auto"``: columns of strings with many different values of several words; see
    `TextColumns`, which says so exactly and has options. None: no column is one, strings are categories.
text_encoder : str, path-like, PretrainedEncoder or None, default=None
    A pretrained encoder that reads the texts, too: the folder that transformers or sentence-transformers has
    written, or a name in the local cache; see `PretrainedEncoder`, which has options. Nothing is downloaded,
    and its weights stay as they are.
sequences : "auto", SequenceColumns or None, default="auto"
    Which columns are sequences, and how networks read them. ``"auto"``: those whose cells are lists or arrays
    of numbers, and an array of three axes; see `SequenceColumns`, which has options. None: no column is one.
task_weight : dict, array-like of shape (T,), "cv" or None, default=None
    Weights of tasks in the loss, by name or in order; tasks not named weigh 1. A task of weight 0 is not
    learned, and predicts its mean or most frequent class. ``"cv"`` fits twice, with equal weights and with
    weights by what each task then gained out of fold over its mean or base rate, and keeps the fit whose
    mean out-of-fold loss is lower.
balancing : str, LossBalancing or GradientBalancing, default="mean"
    How the tasks' losses become one update of the networks: ``"mean"``; weights of the losses
    (``"uncertainty"``, ``"dwa"``, ``"geometric"``, ``"imtl_l"``, ``"famo"``, ``"random"``, ``"stch"``), as of
    `LossBalancing`; weights of the gradients (``"pcgrad"``, ``"gradvac"``, ``"cagrad"``, ``"mgda"``,
    ``"aligned"``, ``"imtl_g"``, ``"upgrad"``, ``"nash"``, ``"gradnorm"``), as of `GradientBalancing`.
    ``task_weight`` multiplies losses before gradients are balanced, and the weights that balance losses.
callbacks : list of skorch callbacks or None, default=None
    Called during training; ``net_.history`` has ``train_loss`` and ``valid_loss``. There is no validation
    set for callbacks that score one, such as ``EpochScoring``; held-out rows are scored by ``valid_loss``.
device : str, default="auto"
    Where the networks are trained; ``"auto"`` is CUDA, then Apple's GPU, then the CPU.
n_threads : int, default=1
    Threads of torch during fit and predict, and of BLAS during fit. Small networks are fastest on one.
random_state : int, RandomState, Generator or None, default=None
    Draws the initial values, folds and batches. The same int gives the same bits.
verbose : int, default=0
    1 shows a live line with epoch, losses and the time left at most, and says how many rows have no label,
    which columns are surprising (constant, almost always missing, or like an identifier), and what memory the
    vectors of a pretrained encoder take.
"""

OF_NUMBERS = """
target_transform : None, "log1p", "yeo-johnson", transformer or dict, default=None
    Scale on which numbers are learned: of all tasks that are numbers, but those of kind ``"poisson"``, or by
    name. A transformer is one of scikit-learn's kind, for one column; it is fitted to the observed labels,
    whatever their weights. Predictions are brought back, and do not leave the range of the labels.
"""

OF_CLASSES = """
label_smoothing : float or dict from str to float, default=0.0
    Share of a label that all classes of its task have alike, in the loss of the networks alone: of all tasks
    that have classes, or by name.
"""

DECISION_PARAMETERS = """
calibrate : bool, dict or list, default=False
    Divide the logits of each classification task by a temperature [7]_, fitted on its out-of-fold
    probabilities; the most probable class stays what it is. A dict by task name, which may leave tasks out,
    or a list in task order says so for each task.
thresholds : None, float, str, dict or list, default=None
    The second class of a binary task is predicted where its probability is above the threshold; None is
    0.5. The name of a metric chooses the one that is best on the out-of-fold predictions: ``"accuracy"``,
    ``"balanced_accuracy"``, ``"f1"``, the mean over both classes, or ``"f1_second"``, that of the second
    class alone. A dict by task name, which may leave tasks out, or a list in task order gives each task its
    own. Tasks with more than two classes have none.
"""

DECISION_ATTRIBUTES = """
temperature_ : Series of shape (T,)
    What the logits of each classification task are divided by: above 1 where probabilities were too near to 0
    and 1; 1 where they are not calibrated; NaN for numbers.
thresholds_ : Series of shape (T,)
    The threshold of each binary task, on probabilities as ``predict_proba`` gives them; NaN for other tasks.
"""

ATTRIBUTES = """
net_ : skorch net
    The trained networks; ``net_.history`` and ``net_.module_``.
task_weight_ : Series of shape (T,)
    The weight of each task in the loss: as given, or as ``"cv"`` chose.
task_names_ : list of str
    Columns of y; ``"y"`` or ``"task_0"``, ``"task_1"``, ... without names.
tasks_ : DataFrame
    What was understood of y, one row a task: its ``kind`` (``"regression"``, ``"binary"``,
    ``"multiclass"``, or the one that was given), ``n_classes``, ``n_labelled`` rows, the share that is
    ``missing``, and the ``baseline``: the most frequent class, or the best constant for the task's loss, such
    as the mean. If tasks are learned relative to the last value of a sequence, that is in ``continues``.
columns_ : DataFrame
    What was understood of X, one row a column: its ``kind`` (``"number"``, ``"category"``, ``"text"``,
    ``"date"``, ``"duration"``, ``"sequence"``, or ``"sparse"`` for many columns that are mostly 0 and read as
    one bag), ``cardinality`` (different values, of a text its terms, of a sequence its most steps, of a bag
    its columns; of more than 100,000 rows, numbers and dates are counted in 100,000 of them), the share that
    is ``missing``, the ``channels`` if there are sequences, and the ``tokens`` that the networks have for it,
    0 where there is nothing to learn.
n_features_in_ : int
    Columns of X.
feature_names_in_ : ndarray of shape (C,)
    Names of the columns of X, if it had names.
history_ : DataFrame
    One row an epoch: ``epoch``, ``train_loss``, ``valid_loss``, both of each task as ``train_loss_<task>``
    and ``valid_loss_<task>``, ``seconds``. Losses are relative to predicting the best constant or
    the base rate.
n_iter_ : int
    Epochs trained.
best_epoch_ : int
    The epoch whose networks were kept, from 1.
feature_attention_ : DataFrame, or csr_array, of shape (T, C)
    Attention of each task to each column, the mean over training rows, of which at most 2,000 are taken
    if there are more, the same in each fit. Sparse for a bag of terms and more than 10,000 columns.
task_order_ : list of str
    The tasks in the order in which they were trained; only there with a sequential schedule.
view_shares_ : DataFrame of shape (T, 4)
    What ``"network"``, ``"linear"`` and ``"forest"`` contribute to each task, by the loss of their
    out-of-fold predictions, and what views contribute that have learned this task ``"alone"``.
transfer_ : DataFrame of shape (T, 5)
    How each task that ``sharing`` let be learned alone fares out of fold: ``joint`` and ``alone``, 1 less the
    loss of the views for all tasks and of those for it alone, relative to the base rate (for a squared error
    that is R²), their ``difference``, its ``standard_error`` over rows, and the ``seconds`` that it took; NaN
    for the others. `inspection.transfer_report` reads it.
oof_score_ : float
    Score of the out-of-fold predictions, the mean over tasks.
oof_task_scores_ : Series of shape (T,)
    The same for each task: R² of numbers (with another loss D², the same of that loss), accuracy of classes
    (quadratic kappa of ordered ones).
n_folds_, n_views_, n_slots_, n_bins_, d_token_, batch_size_, max_epochs_, n_trees_ : int
    What ``"auto"`` was resolved to.
device_ : str
    What ``device="auto"`` was resolved to.
"""

REFERENCES = """
.. [1] Gorishniy, Rubachev, Babenko (2022). On embeddings for numerical features in tabular deep
   learning. arXiv:2203.05556.
.. [2] Gorishniy, Kotelnikov, Babenko (2024). TabM: advancing tabular deep learning with
   parameter-efficient ensembling. arXiv:2410.24210.
.. [3] Ma, Zhao, Yi, Chen, Hong, Chi (2018). Modeling task relationships in multi-task learning with
   multi-gate mixture-of-experts. KDD.
.. [4] Loshchilov, Hutter (2017). SGDR: stochastic gradient descent with warm restarts. arXiv:1608.03983.
.. [5] Geurts, Ernst, Wehenkel (2006). Extremely randomized trees. Machine Learning 63, 3-42.
.. [6] Agarwal, Tan, Ronen, Singh, Yu (2022). Hierarchical shrinkage: improving the accuracy and
   interpretability of tree-based methods. arXiv:2202.00858.
.. [8] Cheung, Terekhov, Chen, Agrawal, Olshausen (2019). Superposition of many models into one.
   arXiv:1902.05522.
.. [9] Misra, Shrivastava, Gupta, Hebert (2016). Cross-stitch networks for multi-task learning.
   arXiv:1604.03539.
"""

DECISION_REFERENCE = """
.. [7] Guo, Pleiss, Sun, Weinberger (2017). On calibration of modern neural networks. arXiv:1706.04599.
"""


def describe_parameters(cls: Class) -> Class:
    """Fill the places for shared descriptions in a class's docstring."""
    if cls.__doc__:
        for name, text in {
            "parameters": PARAMETERS,
            "decision_parameters": DECISION_PARAMETERS,
            "of_numbers": OF_NUMBERS,
            "of_classes": OF_CLASSES,
            "attributes": ATTRIBUTES,
            "decision_attributes": DECISION_ATTRIBUTES,
            "references": REFERENCES,
            "decision_reference": DECISION_REFERENCE,
        }.items():
            cls.__doc__ = cls.__doc__.replace(f"    {{{name}}}", indent(cleandoc(text), "    "))
    return cls
