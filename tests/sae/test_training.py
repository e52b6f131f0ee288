from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from tests.sae.conftest import FakeStore
from usae_viz.errors import CheckpointError, TrainingError
from usae_viz.recipe import Recipe, parse_recipe
from usae_viz.run import BackboneRecord, Run, RunInfo, open_run, read_json
from usae_viz.sae import CodeStatistics, SparseCode, evaluate_usae, load_usae
from usae_viz.sae.average import Average
from usae_viz.sae.code import densify
from usae_viz.sae.modes import OURS, PAPER, Ingredients
from usae_viz.sae.optimiser import learning_rate
from usae_viz.sae.ordering import number_concepts
from usae_viz.sae.step import TrainingStep
from usae_viz.sae.trainer import Trainer
from usae_viz.sae.training import train_usae
from usae_viz.sae.universal import UniversalSAE
from usae_viz.sae.validation import HeldOut


def recipe(**training: Any) -> Recipe:
    usae = {"concepts": 32, "k": 4, **training.pop("usae", {})}
    return parse_recipe(
        {
            "name": "tiny",
            "images": {"source": "folder:nowhere"},
            "backbones": [
                {"name": n, "model": "timm:vit_tiny_patch16_224"} for n in ("one", "two")
            ],
            "activations": {"grid": 4},
            "usae": usae,
            "training": {"steps": 60, "batch_tokens": 256, "log_every": 20, **training},
        }
    )


def new_run(path: Path, made: Recipe) -> Run:
    records = tuple(
        BackboneRecord(
            spec=spec, weights_sha256="0", dim=10, grid=4, input_size=32, sees_colour=True
        )
        for spec in made.backbones
    )
    info = RunInfo(
        format=1, name="tiny", recipe_sha256=made.digest(), backbones=records, created_by="test"
    )
    return Run.create(path, made, info)


def trained(path: Path, store: FakeStore, *, resume: bool = False, **training: Any) -> UniversalSAE:
    made = recipe(**training)
    run = new_run(path, made)
    train_usae(run, made, store, resume=resume)
    return load_usae(run)


@pytest.mark.parametrize("mode", ["ours", "paper"])
def test_training_reconstructs_and_explains_across(
    tmp_path: Path, store: FakeStore, mode: str
) -> None:
    usae = trained(tmp_path, store, steps=400, usae={"mode": mode}, lr=3e-3)
    table, _ = evaluate_usae(usae, [store.rows])
    own = [table["r2"]["channel"][i][i] for i in range(2)]
    assert min(own) > (0.8 if mode == "ours" else 0.5)
    if mode == "ours":
        cross = [table["r2"]["channel"][0][1], table["r2"]["channel"][1][0]]
        assert min(cross) > 0.6
        assert table["correlation"]["one|two"] > 0.3


@pytest.mark.parametrize("mode", ["crosscoder", "sparc", "independent"])
def test_baselines_train_and_read_all_backbones_as_they_were_trained(
    tmp_path: Path, store: FakeStore, mode: str
) -> None:
    usae = trained(tmp_path, store, steps=400, usae={"mode": mode}, lr=3e-3)
    codes = usae.encode_all(store.rows)
    for name, rows in store.rows.items():
        error = (rows - usae.decode(name, codes[name])).square().sum()
        assert error < 0.4 * (rows - rows.mean(0)).square().sum()
    one, two = codes["one"], codes["two"]
    alone = usae.encode("two", store.rows["two"])
    assert torch.equal(one.indices, two.indices) == (mode != "independent")
    assert torch.equal(one.values, two.values) == (mode == "crosscoder")
    assert torch.equal(two.indices, alone.indices) == (mode == "independent")


VARIANTS: list[dict[str, Any]] = [
    {"variant": "batchtopk"},
    {"variant": "jumprelu"},
    {"variant": "matryoshka", "prefixes": [8, 32]},
    {"variant": "archetypal", "archetypes": 24, "relaxation": 0.2},
]


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: str(v["variant"]))
def test_variants_train_load_and_read_single_tokens_as_batches(
    tmp_path: Path, store: FakeStore, variant: dict[str, Any]
) -> None:
    usae = trained(tmp_path, store, steps=400, usae=variant, lr=3e-3)
    table, _ = evaluate_usae(usae, [store.rows])
    assert min(table["r2"]["channel"][i][i] for i in range(2)) > 0.6
    assert read_json(tmp_path / "usae.json")["variant"] == variant["variant"]
    rows = store.rows["two"][:300]
    code = usae.encode("two", rows)
    alone = torch.cat([usae.encode("two", row[None]).values.sort(1).values for row in rows])
    torch.testing.assert_close(alone, code.values.sort(1).values)
    torch.testing.assert_close(
        usae.gated("two", rows, torch.arange(32)), densify(code, 32), rtol=1e-4, atol=1e-5
    )
    kept = (code.values > 0).sum(1).float()
    if usae.gate == "topk":
        assert kept.max() <= 4
    else:
        # On average over tokens, not for each; single ones are read by the stored thresholds.
        assert 2 < kept.mean() < 6
        assert kept.max() > 4
    assert usae.pre_gate("two", rows).shape == (300, 32)


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: str(v["variant"]))
def test_variants_resume_byte_for_byte(
    tmp_path: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch, variant: dict[str, Any]
) -> None:
    settings: dict[str, Any] = {"checkpoint_every": 20, "steps": 30, "usae": variant}
    trained(tmp_path / "whole", store, **settings)
    made = recipe(**settings)
    run = new_run(tmp_path / "broken", made)
    monkeypatch.setattr(TrainingStep, "finish", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train_usae(run, made, store)
    monkeypatch.undo()
    train_usae(run, made, store, resume=True)
    assert run.usae_file.read_bytes() == (tmp_path / "whole" / "usae.safetensors").read_bytes()


def test_a_matryoshka_prefix_reconstructs_by_itself(tmp_path: Path, store: FakeStore) -> None:
    variant = {"variant": "matryoshka", "prefixes": [8, 32]}
    nested = trained(tmp_path / "nested", store, steps=400, usae=variant, lr=3e-3)
    plain = trained(tmp_path / "plain", store, steps=400, lr=3e-3)

    def error(usae: UniversalSAE) -> float:
        code = usae.encode("two", store.rows["two"])
        first = SparseCode(torch.where(code.indices < 8, code.values, 0), code.indices)
        return float((store.rows["two"] - usae.decode("two", first)).square().mean())

    assert error(nested) < 0.8 * error(plain)


def test_silent_concepts_come_back_without_a_jump_of_the_loss(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("usae_viz.sae.revival.SILENT_AFTER", 2048)
    generator = torch.Generator().manual_seed(0)
    two = torch.randn(8192, 16, generator=generator)
    rows = {"one": two @ torch.randn(16, 10, generator=generator) / 4, "two": two}

    def trained_with(weight: float) -> tuple[int, np.ndarray[Any, Any]]:
        parts = dataclasses.replace(OURS, revival=weight, learning_rate=3e-3)
        usae = UniversalSAE({"one": 10, "two": 16}, 64, 3)
        step = TrainingStep(usae, parts, seed=0)
        step.initialise({name: own[:64] for name, own in rows.items()})
        with torch.no_grad():
            for bias in usae.bias:
                bias[:24] = -1.5
        losses = []
        for number in range(400):
            draws = torch.Generator().manual_seed(number)
            some = torch.randint(8192, (256,), generator=draws)
            report = step({name: own[some] for name, own in rows.items()}, 0.3)
            losses.append(report()["reconstruction"])
        step.finish()
        return evaluate_usae(usae, [rows])[0]["dead"], np.array(losses)

    without, plain = trained_with(0.0)
    revived, losses = trained_with(1 / 32)
    assert without >= 9
    assert revived <= without // 3
    assert (losses < 1.1 * plain).all()
    assert losses[-50:].mean() < plain[-50:].mean()


def test_archetypal_rows_are_convex_combinations_shared_by_all_backbones(store: FakeStore) -> None:
    parts = dataclasses.replace(OURS, archetypes=24)
    usae = UniversalSAE({"one": 10, "two": 16}, 32, 4)
    step = TrainingStep(usae, parts, seed=0)
    step.initialise(store.sample(512, seed=0))
    for number in range(30):
        step(store.sample(256, seed=number), 0.5)
    step.finish()
    assert step.archetypes is not None
    mix = step.archetypes.logits.softmax(1)
    for i, own in enumerate(usae.dictionary):
        made = mix @ getattr(step.archetypes, f"points_{i}")
        cosine = torch.nn.functional.cosine_similarity(made, own, dim=1)
        torch.testing.assert_close(cosine, torch.ones(32))


def test_same_seed_same_bytes(tmp_path: Path, store: FakeStore) -> None:
    trained(tmp_path / "a", store)
    trained(tmp_path / "b", store)
    first, second = ((tmp_path / n / "usae.safetensors").read_bytes() for n in "ab")
    assert first == second


@pytest.mark.parametrize("mode", ["ours", "paper"])
def test_a_resumed_training_ends_where_an_unbroken_one_does(
    tmp_path: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    # Broken after a line of the log that the checkpoint does not know of.
    settings: dict[str, Any] = {"checkpoint_every": 20, "log_every": 10, "usae": {"mode": mode}}
    trained(tmp_path / "whole", store, **settings)
    made = recipe(**settings)
    run = new_run(tmp_path / "broken", made)
    calls = 0
    step = TrainingStep.__call__

    def breaks(self: TrainingStep, batch: Mapping[str, Tensor], share: float) -> Any:
        nonlocal calls
        calls += 1
        if calls == 31:
            raise KeyboardInterrupt
        return step(self, batch, share)

    monkeypatch.setattr(TrainingStep, "__call__", breaks)
    with pytest.raises(KeyboardInterrupt):
        train_usae(run, made, store)
    monkeypatch.undo()
    assert not run.usae_file.exists()
    train_usae(run, made, store, resume=True)
    whole = (tmp_path / "whole" / "usae.safetensors").read_bytes()
    assert run.usae_file.read_bytes() == whole
    assert not run.training_state.exists()
    logged = [json.loads(line)["step"] for line in run.training_log.read_text().splitlines()]
    assert logged == sorted(set(logged))


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path, store: FakeStore) -> None:
    made = recipe(checkpoint_every=20, steps=20)
    run = new_run(tmp_path, made)
    step = TrainingStep(UniversalSAE({"one": 10, "two": 16}, 8, 2), OURS, seed=0)
    Trainer(run, step, made.training)._save()
    with pytest.raises(CheckpointError, match="cannot be resumed from"):
        train_usae(run, made, store, resume=True)


def one_step(parts: Ingredients) -> tuple[UniversalSAE, dict[str, Tensor]]:
    usae = UniversalSAE({"one": 10, "two": 16}, 32, 4)
    step = TrainingStep(usae, parts, seed=0)
    step.initialise(None)
    before = {key: value.clone() for key, value in usae.state_dict().items()}
    step(FakeStore().sample(64, seed=0), 0.5)
    return usae, before


def changed(parts: Ingredients) -> set[str]:
    usae, before = one_step(parts)
    return {key for key, value in usae.state_dict().items() if not torch.equal(value, before[key])}


def test_paper_mode_steps_the_drawn_pair_only() -> None:
    moved = changed(PAPER)
    assert {key.rsplit(".", 1)[1] for key in moved} in ({"0"}, {"1"})
    assert any(key.startswith("dictionary") for key in moved)


def test_our_mode_steps_every_decoder() -> None:
    assert {"dictionary.0", "dictionary.1", "weight.0", "weight.1"} <= changed(OURS)


def test_folding_batchnorm_changes_nothing() -> None:
    usae = UniversalSAE({"one": 10, "two": 16}, 32, 4)
    step = TrainingStep(usae, PAPER, seed=0)
    step.initialise(None)
    store = FakeStore()
    batches = store.token_batches(64, seed=1, buffer_images=1)
    for number in range(20):
        step(next(batches), number / 20)
    assert step.norms is not None
    step.norms.eval()
    tokens = store.rows["one"][:50]
    with torch.no_grad():
        expected = step.norms[0](F.linear(tokens, usae.weight[0], usae.bias[0]))
        step.finish()
        torch.testing.assert_close(usae.pre_gate("one", tokens), expected, rtol=1e-4, atol=1e-4)


def test_the_clock_ends_a_training(tmp_path: Path, store: FakeStore) -> None:
    made = recipe(steps=10**6, max_minutes=0.02)
    ticks = count()
    # Each look at the clock is 5 ms later, on a busy machine as on an idle one.
    train_usae(new_run(tmp_path, made), made, store, clock=lambda: next(ticks) * 0.005)
    lines = [json.loads(line) for line in (tmp_path / "training.jsonl").read_text().splitlines()]
    assert 0 < lines[-1]["step"] < 10**6
    assert lines[-1]["learning_rate"] < lines[len(lines) // 2]["learning_rate"]


def test_rows_have_unit_norm_on_average_over_backbones(tmp_path: Path, store: FakeStore) -> None:
    usae = trained(tmp_path, store)
    shares = [usae.rows(n).square().sum(1) / usae.dims[n] for n in usae.names]
    torch.testing.assert_close(torch.stack(shares).mean(0) * 13, torch.ones(32))


def test_low_numbers_are_the_most_universal_and_dead_ones_come_last(store: FakeStore) -> None:
    usae = UniversalSAE({"one": 10, "two": 16}, 32, 4)
    step = TrainingStep(usae, OURS, seed=0)
    step.initialise(None)
    with torch.no_grad():
        for weight, bias in zip(usae.weight, usae.bias, strict=True):
            weight[5].zero_()
            bias[5] = -100.0
    before = usae.translate("one", "two", store.rows["one"])
    number_concepts(usae, [store.rows])
    statistics = CodeStatistics(usae)
    statistics.add({name: usae.encode(name, rows) for name, rows in store.rows.items()})
    correlation = statistics.correlation()[0, 1]
    assert statistics.dead()[-1]
    living = correlation[~statistics.dead()]
    assert (living[:-1] >= living[1:] - 1e-6).all()
    torch.testing.assert_close(usae.translate("one", "two", store.rows["one"]), before)


def test_the_rate_rises_then_falls_to_its_end_whatever_is_drawn() -> None:
    rates = [learning_rate(PAPER, share / 100) for share in range(101)]
    assert rates[0] == pytest.approx(0.01 * PAPER.learning_rate)
    assert max(rates) == pytest.approx(PAPER.learning_rate, rel=0.01)
    assert rates.index(max(rates)) == 5
    assert rates[-1] == pytest.approx(PAPER.final_learning_rate)
    assert rates[5:] == sorted(rates[5:], reverse=True)


def test_a_rate_below_the_last_one_does_not_rise_after_its_peak() -> None:
    low = replace(PAPER, learning_rate=PAPER.final_learning_rate / 10)
    rates = [learning_rate(low, share / 100) for share in range(101)]
    assert max(rates) == pytest.approx(low.learning_rate)
    assert rates[5:] == sorted(rates[5:], reverse=True)


def held_out(store: FakeStore, count: int = 256) -> HeldOut:
    return lambda: [{name: rows[:count] for name, rows in store.rows.items()}]


def train(path: Path, store: Any, *, resume: bool = False, **training: Any) -> Run:
    made = recipe(**training)
    run = new_run(path, made)
    train_usae(run, made, store, held_out=held_out(FakeStore()), resume=resume)
    return run


def lines_of(run: Run) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.training_log.read_text().splitlines()]


def test_every_step_is_logged_and_held_out_images_are_looked_at(
    tmp_path: Path, store: FakeStore
) -> None:
    run = train(tmp_path, store, steps=40, validate_every=20, log_every=1)
    lines = lines_of(run)
    assert [line["step"] for line in lines] == list(range(1, 41))
    looks = [line["validation"] for line in lines if "validation" in line]
    assert len(looks) == 2
    assert looks[1]["score"] > looks[0]["score"]
    assert np.array(looks[0]["r2"]).shape == (2, 2)
    assert looks[0]["score"] == pytest.approx(np.mean(looks[0]["r2"]))


def test_looking_changes_nothing(tmp_path: Path, store: FakeStore) -> None:
    bytes_of = [
        train(
            tmp_path / str(every), store, validate_every=every, usae={"mode": "paper"}
        ).usae_file.read_bytes()
        for every in (0, 7)
    ]
    assert bytes_of[0] == bytes_of[1]


def test_patience_ends_a_training_and_keeps_the_best(tmp_path: Path, store: FakeStore) -> None:
    # At this rate the score goes up and down.
    run = train(tmp_path, store, steps=4000, lr=0.3, validate_every=5, patience=3)
    scores = [line["validation"]["score"] for line in lines_of(run) if "validation" in line]
    assert len(scores) * 5 < 4000
    assert max(scores) == scores[-4]
    table, _ = evaluate_usae(load_usae(run), held_out(store)())
    assert np.mean(table["r2"]["channel"]) == pytest.approx(max(scores), abs=1e-5)


def test_averaged_weights_are_the_exponential_average(tmp_path: Path, store: FakeStore) -> None:
    usae = UniversalSAE({"one": 10, "two": 16}, 32, 4)
    step = TrainingStep(usae, PAPER, seed=0)
    step.initialise(None)
    average, expected = Average(step, 0.9), None
    batches = store.token_batches(64, seed=0, buffer_images=1)
    for number in range(5):
        step(next(batches), number / 5)
        average.update(step)
        now = usae.weight[0].detach().clone()
        expected = now if expected is None else 0.9 * expected + 0.1 * now
    assert expected is not None
    torch.testing.assert_close(average.modules()["usae"].weight[0], expected)
    run = train(tmp_path, store, average=0.9)
    assert run.usae_file.read_bytes() != train(tmp_path / "b", store).usae_file.read_bytes()


def test_the_mixture_of_archetypes_is_averaged_too(tmp_path: Path, store: FakeStore) -> None:
    usae = {"variant": "archetypal", "archetypes": 16}
    averaged, last = (
        load_usae(train(tmp_path / str(decay), store, average=decay, usae=usae))
        for decay in (0.9, 0.0)
    )
    rows = [model.rows("one").detach().norm(dim=1).sort().values for model in (averaged, last)]
    assert not torch.allclose(*rows, atol=1e-5)


class BrokenStore(FakeStore):
    """The batch that training takes as its 13th holds a NaN in one backbone."""

    def token_batches(self, *args: Any, **kwargs: Any) -> Iterator[dict[str, Tensor]]:
        first = kwargs.get("start", 0)
        for number, batch in enumerate(super().token_batches(*args, **kwargs), start=first + 1):
            if number == 13:
                batch["two"] = batch["two"].clone()
                batch["two"][5, 3] = torch.nan
            yield batch


def test_a_batch_with_nan_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="batch 13 holds tokens of two that are not finite"):
        train(tmp_path / "run", BrokenStore(), log_every=1)
    run = open_run(tmp_path / "run")
    assert lines_of(run)[-1]["step"] == 12
    train(tmp_path / "run", BrokenStore(), resume=True, non_finite="skip", log_every=1)
    whole = train(tmp_path / "whole", BrokenStore(), non_finite="skip", log_every=1)
    assert run.usae_file.read_bytes() == whole.usae_file.read_bytes()
    assert lines_of(whole)[12]["skipped"] == ["two"]
    assert load_usae(run).weight[0].isfinite().all()


def test_a_diverging_training_stops_before_it_writes(tmp_path: Path, store: FakeStore) -> None:
    with pytest.raises(TrainingError, match="has diverged"):
        train(tmp_path, store, steps=400, lr=1e30, checkpoint_every=1, usae={"mode": "paper"})
    with safe_open(tmp_path / "training.state.safetensors", "pt") as file:
        assert all(file.get_tensor(key).isfinite().all() for key in file.keys())  # noqa: SIM118


def test_resuming_keeps_averages_patience_and_looks(
    tmp_path: Path, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: dict[str, Any] = {
        "average": 0.9, "validate_every": 5, "patience": 50, "checkpoint_every": 7,
    }  # fmt: skip
    whole = train(tmp_path / "whole", store, **settings)
    step, calls = TrainingStep.__call__, iter(range(10**6))

    def breaks(self: TrainingStep, batch: Mapping[str, Tensor], share: float) -> Any:
        if next(calls) in (11, 30, 33):
            raise KeyboardInterrupt
        return step(self, batch, share)

    monkeypatch.setattr(TrainingStep, "__call__", breaks)
    for resume in (False, True, True):
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "broken", store, resume=resume, **settings)
    broken = train(tmp_path / "broken", store, resume=True, **settings)
    assert broken.usae_file.read_bytes() == whole.usae_file.read_bytes()
    strip = [[{**line, "seconds": 0} for line in lines_of(run)] for run in (whole, broken)]
    assert strip[0] == strip[1]
