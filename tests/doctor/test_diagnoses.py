"""What each diagnosis must be, and small programs made ill by one change: the cause is named, first."""

from __future__ import annotations

import functools
import inspect
import math
import re
from collections.abc import Callable

import doctor_page
import pytest
import torch
import torch.nn.functional as F
from programs import Program, names, network
from torch import Tensor, nn

from stepwell import discovery
from stepwell.doctor import diagnosing, measures
from stepwell.doctor.guard import Guard
from stepwell.doctor.layers import Reader
from stepwell.doctor.record import Record
from stepwell.doctor.watch import watch
from stepwell.schema import Finding

ALL = discovery.names(diagnosing.ROOM)


@pytest.mark.parametrize("name", ALL)
def test_a_diagnosis_is_complete(name: str) -> None:
    module = discovery.load(diagnosing.ROOM, name)
    assert module.KIND in diagnosing.KINDS and module.SEVERITY in (1, 2, 3)
    assert set(module.EXPLAINS) <= set(ALL) - {name}
    for heading in ("What:", "Why it matters:", "How it is seen:", "Remedy:", "Risk:"):
        assert heading in module.__doc__
    assert module.diagnose(Record()) is None  # nothing read, nothing said


@pytest.mark.parametrize("name", ALL)
def test_the_stated_severity_is_the_greatest_that_is_said(name: str) -> None:
    module = discovery.load(diagnosing.ROOM, name)
    said = re.search(r"severity=(.*),\n", inspect.getsource(module))
    assert said is not None and max(map(int, re.findall(r"\b[123]\b", said[1]))) == module.SEVERITY


def test_causes_never_explain_each_other_in_a_circle() -> None:
    explains = {name: set(discovery.load(diagnosing.ROOM, name).EXPLAINS) for name in ALL}
    kinds = {name: diagnosing.KINDS.index(discovery.load(diagnosing.ROOM, name).KIND) for name in ALL}
    assert [(a, b) for a in ALL for b in explains[a] if kinds[b] < kinds[a]] == []


def softmaxed(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.nll_loss(outputs, targets)


HEALTHY: dict[str, Callable[[], Program]] = {
    "as it stands": Program,
    "sgd": lambda: Program(rate=0.1, optimizer=torch.optim.SGD, updates=200),
    "tanh": lambda: Program(network(activation=nn.Tanh)),
    "log softmax and nll": lambda: Program(network(last=nn.LogSoftmax(-1)), softmaxed),
    "clipped": lambda: Program(clip=1.0),
    "validated in evaluation mode": lambda: Program(),
    "a linear model": lambda: Program(nn.Sequential(nn.Linear(8, 3)), rate=0.03),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_programs_are_left_in_peace(name: str) -> None:
    assert names(HEALTHY[name]().watched()) == []


def frozen(model: nn.Sequential) -> nn.Sequential:
    for one in model[:3].parameters():
        nn.init.normal_(one, std=1e-3)
        one.requires_grad_(False)
    return model


class Detached(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.below, self.above = nn.Linear(8, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.above(F.relu(self.below(x)).detach())


def constant_weights(model: nn.Sequential) -> nn.Sequential:
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.weight, 0.1)
    return model


def with_bias(model: nn.Sequential, value: float) -> nn.Sequential:
    for layer in (model[0], model[2]):
        nn.init.constant_(layer.bias, value)
    return model


def tiny(model: nn.Sequential) -> nn.Sequential:
    for one in model.parameters():
        nn.init.normal_(one, std=1e-5)
    return model


def with_norms() -> nn.Sequential:
    return nn.Sequential(nn.Linear(8, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))


def stretched(outputs: Tensor, targets: Tensor) -> Tensor:
    return ((outputs - targets.float()) ** 2).mean()


ILL: dict[str, Callable[[], Program]] = {
    "softmax_before_ce": lambda: Program(network(last=nn.Softmax(-1))),
    "single_unit_softmax": lambda: Program(
        network(out=1, last=nn.Softmax(-1)),
        lambda o, y: F.binary_cross_entropy(o[:, 0], y.float()),
        targets=lambda y: (y > 0).long(),
    ),
    "loss_output_mismatch": lambda: Program(loss=softmaxed),
    "broadcast_loss": lambda: Program(network(out=1), stretched),
    "sign_flipped_loss": lambda: Program(loss=lambda o, y: -F.cross_entropy(o, y)),
    "disconnected_graph": lambda: Program(Detached()),
    "params_not_in_optimizer": lambda: Program(
        frozen(network()), parameters=lambda m: m[2].bias.unsqueeze(0), rate=1e-5
    ),
    "missing_zero_grad": lambda: Program(zero=False, rate=0.05, optimizer=torch.optim.SGD),
    "eval_mode_training": lambda: Program(with_norms(), training=False),
    "train_mode_eval": lambda: Program(with_norms(), validating=True),
    "symmetric_init": lambda: Program(constant_weights(network())),
    "bad_init_bias": lambda: Program(with_bias(network(), -30.0)),
    "nan_in_data": lambda: Program(inputs=lambda x: x.masked_fill(x > 3.0, float("nan"))),
    "unscaled_inputs": lambda: Program(
        network(activation=nn.Tanh), inputs=lambda x: x * 10.0 ** torch.arange(-2, 6).float()
    ),
    "inputs_too_small": lambda: Program(inputs=lambda x: x / 65_025, rate=0.05, optimizer=torch.optim.SGD),
    "too_few_epochs": lambda: Program(updates=16, rate=1e-3),
    "lr_too_high": lambda: Program(rate=1.0),
    "over_regularised": lambda: Program(optimizer=functools.partial(torch.optim.AdamW, weight_decay=100.0)),
    "bad_init_small": lambda: Program(tiny(network()), updates=60),
    "lr_too_low": lambda: Program(rate=1e-5, optimizer=torch.optim.SGD),
    "wrong_output_activation": lambda: Program(
        network(out=1, last=nn.Sigmoid()), F.mse_loss, targets=lambda y: (3.0 * y.float() - 3)[:, None]
    ),
    "unscaled_targets": lambda: Program(
        network(out=1), F.mse_loss, rate=1e-5, targets=lambda y: (1e4 * y.float())[:, None]
    ),
    "unshuffled_data": lambda: Program(),
}
del ILL["params_not_in_optimizer"], ILL["unshuffled_data"]  # below, by hand


@pytest.mark.parametrize("name", ILL)
def test_an_ill_program_is_named_by_its_cause_first(name: str) -> None:
    found = names(ILL[name]().watched())
    assert found[:1] == [name]


def test_an_update_by_a_gradient_that_is_no_number_says_nothing_of_the_rate() -> None:
    broken = {"step": 0, "loss": 1.0, "updates": {"w": math.inf}, "gradients": {"w": math.nan}}
    assert measures.early_update(Record(steps=[broken])) is None
    assert measures.early_update(Record(steps=[{**broken, "gradients": {"w": 2.0}}])) == math.inf


def test_a_validation_loss_that_falls_between_distant_probes_does_not_rise() -> None:
    def record(*losses: float) -> Record:
        probes = [{"step": step, "loss": 0.1, "valid_loss": loss} for step, loss in enumerate(losses)]
        return Record({"constant": 1.0}, [{"step": 9, "loss": 0.1}], probes, ended=True)

    assert measures.valid_rise(record(1.0, 1.0, 1.0, 1.0, 0.5, 0.1)) == (0.0, 5)
    rise = measures.valid_rise(record(1.0, 0.8, 0.2, 0.5, 0.5, 0.5))
    assert rise is not None and rise[0] == pytest.approx(0.3) and rise[1] == 2


@pytest.mark.parametrize(("between", "count"), [(nn.ReLU(), 0), (nn.ReLU(inplace=True), 0), (nn.Identity(), 1)])
def test_what_bends_between_two_layers_bends_in_place_too(between: nn.Module, count: int) -> None:
    model = nn.Sequential(nn.Linear(4, 4), between, nn.Linear(4, 2))
    reader = Reader(model)
    with torch.no_grad(), reader:
        model(torch.randn(8, 4))
    assert len(reader.in_a_row) == count


def test_a_layer_that_is_dead_whole_is_named_where_others_learn_around_it() -> None:
    said = discovery.load(diagnosing.ROOM, "dead_relu").diagnose

    def record(loss: float, last: float) -> Record:
        shares = (1.0, 1.0, 1.0, last)
        probes = [{"step": 30 * i, "loss": loss, "layers": {"relu": {"dead": one}}} for i, one in enumerate(shares)]
        return Record({"constant": 1.0}, [{"step": step, "loss": loss} for step in range(100)], probes, ended=True)

    assert said(record(0.4, 1.0)) is not None
    assert said(record(0.4, 0.6)) is None  # they woke
    assert said(record(0.1, 1.0)) is None  # they do no harm


@pytest.mark.parametrize(("right", "severity", "unknown"), [(0.9, 1, False), (0.4, 2, True)])
def test_short_steps_are_a_note_where_classes_are_told_apart(right: float, severity: int, unknown: bool) -> None:
    steps = [{"step": step, "loss": 0.97, "updates": {"w": 4e-4}} for step in range(100)]
    seen = {"loss": 0.97, "balanced_accuracy": right, "recall": {"0": right, "1": right, "2": right}}
    probes = [{"step": step, **seen} for step in (0, 50, 75, 100)]
    record = Record({"constant": 1.0, "learning_rate": 1e-5}, steps, probes, ended=True)
    short = discovery.load(diagnosing.ROOM, "lr_too_low").diagnose(record)
    assert short is not None and short.severity == severity
    assert (discovery.load(diagnosing.ROOM, "not_learning_unknown").diagnose(record) is not None) == unknown


def test_what_is_answered_well_on_held_out_data_was_learnt_though_noisy_labels_are_not() -> None:
    steps = [{"step": step, "loss": 0.7} for step in range(100)]
    probes = [{"step": step, "loss": 0.7, "valid_loss": 0.4} for step in (0, 50, 75, 100)]
    record = Record({"constant": 1.0}, steps, probes, ended=True)
    assert measures.level(record) == pytest.approx(0.7) and measures.reached(record) == 0.4
    assert not measures.struggling(record)


def test_a_frozen_body_may_sleep() -> None:
    said = discovery.load(diagnosing.ROOM, "eval_mode_training").diagnose
    facts = {"evaluation_mode_in_training": {"norm": 64}, "learning_share": 1.0}
    steps = [{"step": step, "loss": 1.0} for step in range(64)]
    assert said(Record(facts, steps)) is not None
    assert said(Record({**facts, "learning_share": 0.1}, steps)) is None


def test_dropout_that_leaves_too_little_is_named_though_the_whole_network_answers_well() -> None:
    said = discovery.load(diagnosing.ROOM, "excessive_dropout").diagnose
    steps = [{"step": step, "loss": 0.8} for step in range(100)]
    probes = [{"step": step, "loss": 0.4, "layers": {}} for step in (0, 40, 80)]
    record = Record({"constant": 1.0, "dropout": 0.95}, steps, probes, ended=True)
    assert said(record) is not None
    record.steps = [{**row, "loss": 0.3} for row in steps]
    assert said(record) is not None  # of so few units that are left it is more than a healthy network keeps
    record.steps = [{**row, "loss": 0.2} for row in steps]
    assert said(record) is None


@pytest.mark.parametrize(
    ("dropped", "named"),
    [([(0.5, 16)], True), ([(0.5, 64)], False), ([(0.1, 8)], False), ([(0.5, 30), (0.6, 900)], False)],
)
def test_half_is_too_much_where_few_units_are_dropped_among(dropped: list[tuple[float, int]], named: bool) -> None:
    said = discovery.load(diagnosing.ROOM, "excessive_dropout").diagnose
    steps = [{"step": step, "loss": 0.9} for step in range(100)]
    narrow_elsewhere = {"gate": {"function": "sigmoid", "width": 4.0}}
    probes = [{"step": step, "loss": 0.9, "layers": narrow_elsewhere} for step in (0, 40, 80)]
    share = max(one for one, _ in dropped)
    record = Record({"constant": 1.0, "dropout": share, "dropped": dropped}, steps, probes, ended=True)
    assert (said(record) is not None) == named


def test_units_are_counted_where_they_are_dropped() -> None:
    body = nn.Sequential(
        nn.Conv2d(1, 6, 3), nn.Dropout2d(0.4), nn.ReLU(), nn.Dropout(0.6), nn.Flatten(), nn.Linear(24, 3)
    )
    with Reader(body) as reader:
        F.dropout(body(torch.rand(5, 1, 4, 4)), 0.2)
    assert reader.dropped == [(0.4, 6), (0.6, 24), (0.2, 3)]


def test_a_table_of_embeddings_says_nothing_of_how_gradients_fade() -> None:
    body = nn.Sequential(nn.Embedding(50, 8), nn.Flatten(), nn.Linear(24, 3))
    with Reader(body) as reader:
        body(torch.randint(50, (5, 3)))
    assert reader.tables == {"0.weight"}
    rows = {"gradients": {"0.weight": 0.02, "2.weight": 1.0}, "weights": {"0.weight": 20.0, "2.weight": 2.0}}
    steps = [{"step": step, "loss": 1.0, **rows} for step in range(3)]
    assert measures.gradient_spread(Record({"tables": []}, steps)) == pytest.approx(math.log10(500))
    rows["gradients"]["4.weight"] = rows["weights"]["4.weight"] = 1.0
    passed = {**rows, "gradients": {**rows["gradients"], "2.weight": 1e-4}}
    said = measures.gradient_spread(Record({"tables": ["0.weight"]}, [{"step": 0, "loss": 1.0, **passed}]))
    assert said == pytest.approx(3.0)  # 1e-3 of the table's own size arrives there, past what stands between
    assert measures.gradient_spread(Record({"tables": ["0.weight"]}, steps)) == pytest.approx(math.log10(2))


def test_a_last_layer_that_begins_small_says_nothing_of_how_gradients_fade() -> None:
    rows = {"gradients": {"0.weight": 0.004, "2.weight": 0.003, "out.weight": 1.0}, "weights": {}}
    rows["weights"] = dict.fromkeys(rows["gradients"], 1.0)
    steps = [{"step": step, "loss": 1.0, **rows} for step in range(3)]
    assert measures.gradient_spread(Record({"gains": {"0.weight": 1.4}}, steps)) == pytest.approx(math.log10(333), 1e-3)
    small = {"0.weight": 1.4, "2.weight": 1.4, "out.weight": 0.05}
    assert measures.gradient_spread(Record({"gains": small}, steps)) == pytest.approx(math.log10(0.05 / 0.003))


def test_a_recurrence_written_out_counts_by_the_call_that_tells_most_apart() -> None:
    between = {"cell.tanh": 0.01, "cell.tanh.2": 0.4, "cell.tanh.3": 1e-7, "out.relu": 0.2}
    probe = {"step": 0, "loss": 1.0, "layers": {name: {"between": share} for name, share in between.items()}}
    assert measures.between_at_first(Record({}, [], [probe])) == ("out.relu", 0.2)


@pytest.mark.parametrize(("apart", "found"), [(1e-5, ("hidden.relu", 0.3)), (1e-19, ("table.exp", 0.0))])
def test_a_branch_that_begins_alike_for_all_is_passed_around_where_answers_differ(
    apart: float, found: tuple[str, float]
) -> None:
    between = {"hidden.relu": 0.3, "table.exp": 0.0}
    layers = {name: {"between": share} for name, share in between.items()}
    probe = {"step": 0, "loss": 1.0, "layers": layers, "output_between": apart, "output_largest": 0.05}
    assert measures.between_at_first(Record({}, [], [probe])) == found


def test_layers_that_a_recipe_froze_are_no_fault() -> None:
    said = discovery.load(diagnosing.ROOM, "frozen_params").diagnose
    steps = [{"step": step, "loss": 0.9} for step in range(100)]
    probes = [{"step": step, "loss": 0.9, "layers": {}} for step in (0, 40, 80)]
    facts = {"constant": 1.0, "frozen": ["body.weight"], "learning_share": 0.1}
    assert said(Record(facts, steps, probes, ended=True)) is not None
    assert said(Record({**facts, "frozen_by": "the recipe"}, steps, probes, ended=True)) is None


@pytest.mark.parametrize(
    ("width", "classes", "named"), [(64, 364, False), (4, 10, True), (6, 10, False), (7, 99, True)]
)
def test_a_layer_is_too_narrow_for_its_classes_where_they_cannot_pass_through(
    width: int, classes: int, named: bool
) -> None:
    said = discovery.load(diagnosing.ROOM, "underfit_capacity").diagnose
    layers = {"body.relu": {"width": float(width)}, "out.relu": {"width": 64.0}}
    probes = [{"step": 20 * i, "loss": 0.9, "layers": layers} for i in range(6)]
    steps = [{"step": i, "loss": 0.9} for i in range(100)]
    facts = {"constant": 1.0, "targets": "classes", "classes_seen": classes}
    assert (said(Record(facts, steps, probes, ended=True)) is not None) == named


@pytest.mark.parametrize(("falls", "named"), [(0.0, True), (0.06, False)])
def test_long_steps_are_not_too_long_while_the_loss_falls(falls: float, named: bool) -> None:
    """A language model under gradient descent: a rate of 20, its gradients clipped, cut off in its first epoch."""
    said = discovery.load(diagnosing.ROOM, "lr_too_high").diagnose
    steps = [{"step": i, "loss": 0.99 - falls * i / 100, "updates": {"w": 0.2}} for i in range(100)]
    probes = [{"step": 20 * i, "loss": 0.96, "layers": {}} for i in range(6)]
    assert (said(Record({"constant": 1.0, "learning_rate": 20.0}, steps, probes, ended=True)) is not None) == named


@pytest.mark.parametrize(("late", "named"), [(0.35, True), (0.1, False)])
def test_one_matrix_that_is_thrown_about_tells_of_long_steps_though_the_others_rest(late: float, named: bool) -> None:
    said = discovery.load(diagnosing.ROOM, "lr_too_high").diagnose
    steps = [{"step": i, "loss": 0.96, "updates": {"a": 0.01, "b": 0.01, "out": late}} for i in range(100)]
    probes = [{"step": 20 * i, "loss": 0.96, "layers": {}} for i in range(6)]
    found = said(Record({"constant": 1.0, "learning_rate": 0.5}, steps, probes, ended=True))
    assert (found is not None) == named
    assert found is None or "late updates move a matrix by 35.0 %" in found.message


@pytest.mark.parametrize(
    ("grown", "raised", "loss", "named"),
    [
        (40.0, 0.6, 0.3, True),
        (40.0, 0.4, 0.3, False),  # weights that begin too small grow without a step too long
        (2.0, 0.6, 0.3, False),
        (40.0, 0.6, 0.1, False),  # it has recovered
    ],
)
def test_weights_thrown_to_many_times_their_size_tell_of_long_steps_though_it_learns_late(
    grown: float, raised: float, loss: float, named: bool
) -> None:
    """A residual network at 300 times its rate: normalization makes steps short again where weights have grown."""
    steps = [
        {"step": i, "loss": loss, "updates": {"w": 1.0 / (10 + i)}, "weights": {"w": 1.0 if i == 0 else grown}}
        for i in range(100)
    ]
    steps[1]["own"] = [0.5, raised]
    probes = [{"step": 20 * i, "loss": loss, "layers": {"attention": {"between": 1e-5}}} for i in range(6)]
    record = Record({"constant": 1.0, "learning_rate": 0.6, "attention": True}, steps, probes, ended=True)
    found = discovery.load(diagnosing.ROOM, "lr_too_high").diagnose(record)
    assert (found is not None) == named
    assert found is None or "grown to 40 times" in found.message


@pytest.mark.parametrize(("grown", "named"), [(2.0, True), (20.0, False)])
def test_a_warm_up_is_not_what_weights_thrown_far_want(grown: float, named: bool) -> None:
    said = discovery.load(diagnosing.ROOM, "transformer_no_warmup").diagnose
    steps = [
        {"step": i, "loss": 1.0, "rate": 0.1, "updates": {"w": 0.1}, "weights": {"w": 1.0 if i == 0 else grown}}
        for i in range(100)
    ]
    probes = [{"step": 20 * i, "loss": 1.0, "layers": {"attention": {"between": 1e-5}}} for i in range(6)]
    assert (said(Record({"constant": 1.0, "attention": True}, steps, probes, ended=True)) is not None) == named


@pytest.mark.parametrize(
    ("shares", "named"),
    [
        ((0.01, 0.02, 0.01, 0.22), True),  # of one matrix noise holds up a little more
        ((0.01, 0.02, 0.01, 0.9), False),
        ((0.3, 0.3, 0.3, 0.1), False),
    ],
)
def test_a_penalty_outweighs_the_data_where_most_weights_shrink_to_nothing(
    shares: tuple[float, ...], named: bool
) -> None:
    said = discovery.load(diagnosing.ROOM, "over_regularised").diagnose
    steps = [
        {"step": i, "loss": 1.0, "weights": {str(n): 1.0 + (one - 1.0) * i / 99 for n, one in enumerate(shares)}}
        for i in range(100)
    ]
    probes = [{"step": 20 * i, "loss": 1.0, "layers": {}} for i in range(6)]
    assert (said(Record({"constant": 1.0}, steps, probes, ended=True)) is not None) == named


@pytest.mark.parametrize(("at_last", "named"), [(1.0, True), (0.93, False)])
def test_a_penalty_that_falls_is_not_learning(at_last: float, named: bool) -> None:
    """The loss of training, with the penalty, falls from 900 to 10; the probe's is without it."""
    said = discovery.load(diagnosing.ROOM, "not_learning_unknown").diagnose
    steps = [{"step": i, "loss": 900.0 / (1 + i)} for i in range(100)]
    probes = [{"step": step, "loss": loss, "layers": {}} for step, loss in ((0, 1.0), (50, 1.0), (100, at_last))]
    facts = {"constant": 1.0, "loss_touches_parameters": True}
    assert (said(Record(facts, steps, probes, ended=True)) is not None) == named


@pytest.mark.parametrize(
    ("losses", "named"),
    [
        ((0.9, 0.5, 0.4, 0.3, 0.2, 0.1), True),
        ((0.9, 0.5, 0.4, 0.7, 0.6, 0.3), False),  # a spike, of which it recovers: both losses rose
        ((1.0, 1.0, 0.99, 0.98, 0.97, 0.96), False),  # nothing is learnt
    ],
)
def test_overfit_is_what_fits_while_the_validation_loss_rises(losses: tuple[float, ...], named: bool) -> None:
    said = discovery.load(diagnosing.ROOM, "overfit").diagnose
    held = (1.0, 0.8, 0.6, 0.8, 0.9, 1.0)
    probes = [{"step": 20 * i, "loss": a, "valid_loss": b} for i, (a, b) in enumerate(zip(losses, held, strict=True))]
    steps = [{"step": i, "loss": losses[i // 20]} for i in range(120)]
    assert (said(Record({"constant": 1.0}, steps, probes, ended=True)) is not None) == named


def test_a_training_that_goes_back_and_forth_is_a_notice() -> None:
    said = discovery.load(diagnosing.ROOM, "oscillation").diagnose

    def record(rises: int, swing: float, falls: float = 0.0) -> Record:
        """Ten updates read with their own batch, `rises` of which raised its loss; looks at every twentieth update."""
        own = {10 * i: (0.5, 0.6 if i < rises else 0.4) for i in range(10)}
        steps = [
            {"step": i, "loss": 0.5 - falls * i / 100, **({"own": own[i]} if i in own else {})} for i in range(100)
        ]
        scores = [0.7 + swing * (-1) ** i for i in range(6)]
        probes = [
            {"step": 20 * i, "loss": 0.5, "valid_balanced_accuracy": score, "layers": {}}
            for i, score in enumerate(scores)
        ]
        return Record({"constant": 1.0, "learning_rate": 0.1, "batch_rows": 8}, steps, probes, ended=True)

    found = said(record(4, 0.1))
    assert found is not None and found.severity == 1 and "40 %" in found.message and "than 8" in found.remedy
    assert said(record(1, 0.1)) is None  # hardly any update is taken back
    assert said(record(4, 0.01)) is None  # what it answers stays
    assert said(record(4, 0.1, falls=0.2)) is None  # it still learns


def test_layers_left_out_of_the_optimizer_are_named() -> None:
    doctor = Program(frozen_below := network(), parameters=lambda m: m[4].parameters(), rate=1e-5).watched()
    del frozen_below
    assert "params_not_in_optimizer" in names(doctor)


def test_layers_that_a_second_optimizer_moves_are_left_in_peace() -> None:
    program = Program(updates=200)
    x, y, _, _ = program.data()
    y = torch.where(torch.rand(len(y)) < 0.3, y.roll(1), y)  # so that much of the loss is left
    one = torch.optim.Adam(program.model[:2].parameters(), 3e-3)
    two = torch.optim.SGD(program.model[2:].parameters(), 0.1)
    with watch(program.model, one, steps=200) as first, watch(program.model, two, steps=200) as second:
        for update in range(200):
            rows = torch.arange(30 * update, 30 * update + 30) % 600
            loss = F.cross_entropy(program.model(x[rows]), y[rows])
            program.model.zero_grad()
            loss.backward()
            one.step()
            two.step()
    for doctor in (first, second):
        assert doctor.record.facts["not_in_optimizer"]
        assert "params_not_in_optimizer" not in [one.name for one in doctor.findings]


def test_samples_told_apart_from_each_other_need_no_output_each() -> None:
    """A contrastive loss: its classes are the other samples of the batch."""
    model = network(out=4)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    draw = torch.Generator().manual_seed(0)
    with watch(model, optimizer, steps=100) as doctor:
        for _ in range(100):
            x = torch.randn(32, 8, generator=draw)
            seen = torch.cat([x + 0.1 * torch.randn(32, 8, generator=draw) for _ in range(2)])
            made = F.normalize(model(seen), dim=1)
            alike = (made @ made.T / 0.2).masked_fill(torch.eye(64, dtype=torch.bool), -1e9)
            optimizer.zero_grad()
            F.cross_entropy(alike, torch.arange(64).roll(32)).backward()
            optimizer.step()
    assert doctor.record.facts["loss_width"] == 64
    assert names(doctor) == []


def test_what_another_part_makes_is_neither_data_nor_target() -> None:
    """An autoencoder with a prior at a rate that ruins it: its decoder is given, and meets, what the encoder made."""
    torch.manual_seed(0)
    x = torch.randn(400, 12)
    below, above = network(out=8), network(out=8)
    below[0], above[0] = nn.Linear(12, 32), nn.Linear(4, 32)
    optimizer = torch.optim.Adam([*below.parameters(), *above.parameters()], lr=3.0)
    with watch(above, optimizer, steps=60) as doctor:
        for _ in range(60):
            rows = x[torch.randint(400, (32,))]
            mean, spread = below(rows).chunk(2, dim=1)
            made = above(mean + torch.randn_like(mean) * spread.exp())
            prior = (mean**2 + spread.exp() - spread).sum(1)
            loss = (((made - rows[:, :8]) ** 2).sum(1) + prior).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert "nan_in_data" not in names(doctor)
    assert doctor.record.facts["target_deviation"] == pytest.approx(1.0, abs=0.3)


def test_a_likelihood_by_hand_is_no_loss_of_numbers() -> None:
    """The focal loss (Lin et al., ICCV 2017): it takes a power and a mean, of log probabilities."""

    def focal(outputs: Tensor, targets: Tensor) -> Tensor:
        logs = F.log_softmax(outputs, 1).gather(1, targets[:, None])[:, 0]
        return (-((1 - logs.exp()) ** 2) * logs).mean()

    assert "wrong_loss" not in names(Program(loss=focal, rate=1e-6).watched())


@pytest.mark.parametrize("classes", [3, 2])
def test_sorted_data_is_named(classes: int) -> None:
    program = Program(targets=lambda y: y.clamp(max=classes - 1))
    x, y, _, _ = program.data()
    order = y.argsort()
    optimizer = torch.optim.Adam(program.model.parameters())
    with watch(program.model, optimizer, steps=60) as doctor:
        for _ in range(3):
            for start in range(0, 600, 30):
                rows = order[start : start + 30]
                optimizer.zero_grad()
                F.cross_entropy(program.model(x[rows]), y[rows]).backward()
                optimizer.step()
    assert names(doctor) == ["unshuffled_data"]  # what the first batches hold, one class alone, says nothing of a rate


def test_batches_without_the_rare_classes_are_shuffled_all_the_same() -> None:
    said = discovery.load(diagnosing.ROOM, "unshuffled_data").diagnose
    facts = {"batch_classes": [3, 4, 3, 4], "batch_rows": 64, "classes_seen": 23, "class_counts": [60, 40, 9]}
    assert said(Record({**facts, "class_shares": [0.55, 0.3, 0.1] + [0.05 / 20] * 20})) is None
    assert said(Record({**facts, "class_shares": [1 / 23] * 23})) is not None


def test_what_a_brief_training_showed_at_its_beginning_is_not_taken_for_its_end() -> None:
    probes = [{"step": step, "loss": loss} for step, loss in ((0, 1.1), (6, 0.4), (8, 0.5), (300, 1.0))]
    steps = [{"step": step, "loss": 1.0} for step in range(300)]
    assert measures.level(Record({"constant": 1.0}, steps, probes, ended=True)) == 1.0


@pytest.mark.parametrize(
    ("right", "answered", "behind"), [(0.99, 0.88, True), (0.99, 0.96, False), (0.9, 0.85, False), (0.6, 0.3, False)]
)
def test_a_network_is_behind_where_neighbors_err_less_than_half_as_much(
    right: float, answered: float, behind: bool
) -> None:
    probe = {"step": 99, "loss": 0.3, "balanced_accuracy": answered, "valid_balanced_accuracy": answered - 0.1}
    facts = {"constant": 1.0, "neighbors_balanced": right, "labels": 500}
    record = Record(facts, [{"step": step, "loss": 0.3} for step in range(100)], [probe], ended=True)
    assert measures.behind(record) == behind
    record.facts["labels"] = 60
    assert not measures.behind(record)  # too few rows to tell


@pytest.mark.parametrize(("together", "held", "named"), [(0.02, 0.99, True), (0.3, 0.99, False), (0.02, 0.5, False)])
def test_numbers_that_do_not_go_with_their_neighbors_are_not_of_their_inputs(
    together: float, held: float, named: bool
) -> None:
    said = discovery.load(diagnosing.ROOM, "shuffled_labels").diagnose
    facts = {"constant": 1.0, "targets": "numbers", "rows_seen": 400, "labels": 400}
    facts |= {"neighbors_correlation": together, "neighbors_z": together * 200**0.5}
    probes = [{"step": 30 * i, "loss": 0.9, "valid_loss": held} for i in range(4)]
    record = Record(facts, [{"step": step, "loss": 0.9} for step in range(100)], probes, ended=True)
    assert (said(record) is not None) == named


def test_what_rows_say_of_numbers_is_read_from_their_neighbors() -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(400, 2, generator=draw)
    y = (6 * x[:, :1]).sin()
    read = []
    for targets in (y, y[torch.randperm(400, generator=draw)]):
        model = nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        with watch(model, optimizer, steps=20) as doctor:
            for start in range(0, 400, 20):
                optimizer.zero_grad()
                F.mse_loss(model(x[start : start + 20]), targets[start : start + 20]).backward()
                optimizer.step()
        read.append(doctor.record.facts)
    assert read[0]["neighbors_correlation"] > 0.95 and read[0]["neighbors_left"] < 0.15
    assert abs(read[1]["neighbors_correlation"]) < 0.2 and read[1]["neighbors_left"] > 0.9


def test_numbers_learnt_by_heart_from_the_first_are_named() -> None:
    said = discovery.load(diagnosing.ROOM, "overfit").diagnose
    losses = ((1.0, 1.0), (0.5, 1.02), (0.1, 1.1), (0.01, 1.1), (0.0, 1.1))
    probes = [{"step": 20 * i, "loss": one, "valid_loss": held} for i, (one, held) in enumerate(losses)]
    steps = [{"step": step, "loss": losses[step // 20][0]} for step in range(100)]
    record = Record({"constant": 1.0, "targets": "numbers"}, steps, probes, ended=True)
    found = said(record)
    assert found is not None and found.severity == 2 and "holds for nothing else" in found.message
    record.facts["targets"] = "classes"  # whose loss may say so though the answers are right
    assert said(record) is None


def test_a_diagnosis_that_raises_is_switched_off_and_the_rest_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    module = discovery.load(diagnosing.ROOM, "lr_too_low")

    def broken(_: Record) -> Finding | None:
        raise RuntimeError("no")

    monkeypatch.setattr(module, "diagnose", broken)
    guard = Guard()
    diagnosing.findings(Record(), guard)
    assert guard.failed == {"lr_too_low": "RuntimeError: no"}


def test_the_page_is_written_from_the_diagnoses() -> None:
    assert doctor_page.PAGE.read_text(encoding="utf-8") == doctor_page.page(), "python tests/doctor/doctor_page.py"
