"""One step of training, and what is refused before the first."""

import dataclasses
import errno
import json
import re

import numpy as np
import pytest
import torch

from refdiff._errors import MachineError, UserError
from refdiff.testing import assert_close
from refdiff.training import checkpoints as checkpoints_module
from refdiff.training import default_config, read_log, train
from refdiff.training.checkpoints import all_checkpoints, latest_checkpoint, load_checkpoint
from refdiff.training.data import ImageData
from refdiff.training.launch import Launch
from refdiff.training.trainer import Trainer
from tests.training.tiny import TINY

CPU = torch.device("cpu")


class OneOf(Launch):
    """A process of several, without the others: its gradient is that of its share."""

    def __init__(self, index, count):
        super().__init__(CPU)
        self.index, self.count = index, count


def gradients(config, data, launch):
    """Gradient of every weight at the first step, as one vector."""
    trainer = Trainer(config, data, launch)
    # At first the last layer is zero, and with it most gradients.
    head = trainer.network.head.weight
    with torch.no_grad():
        head.copy_(torch.randn(head.shape, generator=torch.Generator().manual_seed(1)))
    trainer.advance()
    return torch.cat([p.grad.flatten() for p in trainer.network.parameters()])


def assert_same_gradient(actual, expected):
    # Each is a sum over the images and their pixels, whose terms may cancel.
    assert expected.abs().max() > 0
    assert_close(actual, expected, terms=expected.abs().max(), units=128)


@pytest.fixture
def unclipped(tiny):
    return tiny(optimizer__clip_norm=None, optimizer__learning_rate=1e-9)


def test_micro_batches_give_the_gradient_of_the_whole_batch(unclipped, stripes):
    settings = dataclasses.replace(unclipped.optimizer, micro_batches=4)
    parts = dataclasses.replace(unclipped, optimizer=settings)
    whole = gradients(unclipped, stripes, Launch(CPU))
    assert_same_gradient(gradients(parts, stripes, Launch(CPU)), whole)


def test_processes_share_the_batch_and_its_noise(unclipped, stripes):
    whole = gradients(unclipped, stripes, Launch(CPU))
    shares = [gradients(unclipped, stripes, OneOf(i, 2)) for i in range(2)]
    assert not torch.equal(shares[0], shares[1])
    assert_same_gradient((shares[0] + shares[1]) / 2, whole)


def test_memory_format_changes_no_more_than_rounding(unclipped, stripes):
    plain = dataclasses.replace(unclipped, channels_last=False)
    assert_same_gradient(
        gradients(plain, stripes, Launch(CPU)), gradients(unclipped, stripes, Launch(CPU))
    )


def test_the_fused_optimizer_takes_the_steps_of_the_plain_one(tiny, stripes):
    """In channels_last the kernel walks through weight, gradient and moments side by side."""
    trainers = [Trainer(tiny(), stripes, Launch(CPU)) for _ in range(2)]
    groups = trainers[1].optimizer.param_groups
    assert trainers[0].optimizer.defaults["fused"]
    plain = torch.optim.AdamW(groups[0]["params"], lr=1.0, weight_decay=0.0, fused=False)
    trainers[1].optimizer = plain
    for _ in range(3):
        for trainer in trainers:
            trainer.advance()
        fused, slow = (list(t.network.parameters()) for t in trainers)
        for a, b in zip(fused, slow, strict=True):
            a.data.copy_(b.data)  # compare the step, not how differences grow
            assert_close(
                trainers[0].optimizer.state[a]["exp_avg"],
                plain.state[b]["exp_avg"],
                terms=plain.state[b]["exp_avg"].abs().max() + torch.finfo(torch.float32).tiny,
                units=256,
            )


def test_learning_rate_rises_linearly_and_stays(tiny, stripes):
    trainer = Trainer(tiny(optimizer__warmup_steps=4), stripes, Launch(CPU))
    rates = [trainer.learning_rate(step) for step in range(6)]
    assert_close(rates, [0.00075, 0.0015, 0.00225, 0.003, 0.003, 0.003])
    trainer = Trainer(tiny(optimizer__warmup_steps=0), stripes, Launch(CPU))
    assert trainer.learning_rate(0) == 3e-3


def test_the_gradient_is_clipped_to_the_norm_asked_for(tiny, stripes):
    trainer = Trainer(tiny(optimizer__clip_norm=0.001), stripes, Launch(CPU))
    trainer.advance()
    left = torch.cat([p.grad.flatten() for p in trainer.network.parameters()]).norm()
    assert trainer.figures().grad_norm > 0.01  # the log has the norm before clipping
    assert 0.000_99 < float(left) <= 0.001


def test_the_loss_falls(tmp_path, tiny, stripes):
    config = tiny(optimizer__steps=60, optimizer__batch_size=16, log_every=20)
    train(config, tmp_path, data=stripes, progress=False)
    losses = [entry.loss for entry in read_log(tmp_path)]
    assert losses[-1] < 0.7 * losses[0]


def test_averaged_weights_are_sampled_and_the_raw_ones_are_trained(tmp_path, tiny, stripes):
    run = train(tiny(), tmp_path, data=stripes, progress=False)
    saved = load_checkpoint(latest_checkpoint(tmp_path)).tensors
    for name, value in run.model.state_dict().items():
        assert torch.equal(value, saved["ema"][name])
    assert any(not torch.equal(v, saved["ema"][n]) for n, v in saved["weights"].items())
    assert not run.model.training


def test_progress_is_plain_lines_where_there_is_no_terminal(tmp_path, tiny, stripes, capsys):
    train(tiny(), tmp_path, data=stripes)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert lines[0] == "stripes: 30 images of 4x4, 3 classes"
    assert re.match(r"network: [\d,]+ parameters, [\d.e+]+ FLOP an image, about", lines[1])
    assert re.match(r"step 6/9  loss \d\.\d{4}  \d+ images/s  0:00:0\d left", lines[3])
    train(tiny(optimizer__steps=10), tmp_path, data=stripes)
    assert f"continuing {tmp_path} after step 9" in capsys.readouterr().err


# ----------------------------------------------------------------------------- refusals


def refusal(config, output, data, **options):
    """Sentence with which training is refused; nothing may have been trained."""
    before = sorted(output.rglob("*")) if output.exists() else None
    with pytest.raises(UserError) as caught:
        train(config, output, data=data, progress=False, **options)
    assert (sorted(output.rglob("*")) if output.exists() else None) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_network_that_does_not_fit_the_images_is_refused(tmp_path, tiny, stripes):
    out = tmp_path / "run"
    assert "4x4 pixels with 1 channel, but the network takes 8x8 pixels with 1 channel" in refusal(
        tiny(model__attention_resolutions=(), model__image_size=8), out, stripes
    )
    assert "takes 4x4 pixels with 3 channels: set model.in_channels" in refusal(
        tiny(model__in_channels=3), out, stripes
    )
    assert "stripes has 3 classes, but model.num_classes=4: set it to 3" in refusal(
        tiny(model__num_classes=4), out, stripes
    )
    unlabelled = dataclasses.replace(stripes, labels=None, class_names=None)
    assert "stripes has no classes, but model.num_classes=3: set it to None" in refusal(
        tiny(), out, unlabelled
    )
    empty = ImageData(np.zeros((0, 4, 4, 1), np.uint8), None, None, "nothing")
    assert "nothing holds no image" in refusal(tiny(model__num_classes=None), out, empty)


def test_an_unknown_data_set_is_refused(tmp_path, tiny):
    assert "digitz" in refusal(tiny(data__source="digitz"), tmp_path / "run", None)


def test_labels_are_ignored_by_an_unconditional_network(tmp_path, tiny, stripes):
    run = train(tiny(model__num_classes=None), tmp_path, data=stripes, progress=False)
    assert run.class_names is None


def test_an_unknown_device_is_refused(tmp_path, tiny, stripes):
    assert "device 'cuda:77' cannot be used here" in refusal(
        tiny(), tmp_path / "run", stripes, device="cuda:77"
    )


def test_a_schedule_that_cannot_be_sampled_from_is_refused(tmp_path, tiny, stripes):
    config = tiny(schedule__name="linear")
    assert "leaves alpha_bar_T=0.8" in refusal(config, tmp_path / "run", stripes)


def test_a_folder_with_other_things_is_refused(tmp_path, tiny, stripes):
    (tmp_path / "letters.txt").write_text("mine")
    assert "is not empty and holds no run" in refusal(tiny(), tmp_path, stripes)
    assert "letters.txt is a file: name a folder" in refusal(
        tiny(), tmp_path / "letters.txt", stripes
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory, stripes):
    """A finished run, never to be changed."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    train(TINY, folder, data=stripes, progress=False)
    return folder


def test_another_run_in_the_folder_is_refused(trained, tiny, stripes):
    assert "already holds a run" in refusal(tiny(), trained, stripes, resume=False)
    assert "was begun with optimizer.learning_rate=0.003, not 0.1" in refusal(
        tiny(optimizer__learning_rate=0.1), trained, stripes
    )
    assert "was begun with model.channels=8, not 16" in refusal(
        tiny(model__channels=16), trained, stripes
    )
    assert "optimizer.steps=5 is fewer than the 9 steps" in refusal(
        tiny(optimizer__steps=5), trained, stripes
    )
    changed = dataclasses.replace(stripes, images=255 - stripes.images)
    assert "are not what they were (30 images with checksum" in refusal(tiny(), trained, changed)


def test_a_run_of_another_version_is_refused(tmp_path, tiny, stripes):
    train(tiny(optimizer__steps=1), tmp_path, data=stripes, progress=False)
    path = tmp_path / "config.json"
    fields = json.loads(path.read_text())
    fields["extra"]["run"]["format"] = 2
    path.write_text(json.dumps(fields))
    assert "has run format 2, and this refdiff" in refusal(tiny(), tmp_path, stripes)


def test_an_edited_config_json_is_noticed(tmp_path, tiny, stripes):
    train(tiny(optimizer__steps=1), tmp_path, data=stripes, progress=False)
    path = tmp_path / "config.json"
    path.write_text(path.read_text().replace('"learning_rate": 0.003', '"learning_rate": 0.004'))
    config = tiny(optimizer__learning_rate=0.004)
    assert "was written with another configuration than config.json holds" in refusal(
        config, tmp_path, stripes
    )


def test_a_diverged_run_keeps_its_last_good_checkpoint(tmp_path, tiny, stripes):
    train(tiny(optimizer__steps=4), tmp_path, data=stripes, progress=False)
    poisoned = load_checkpoint(latest_checkpoint(tmp_path))
    poisoned.tensors["weights"]["head.bias"].fill_(float("nan"))
    (tmp_path / "checkpoints" / "step-00000004").rename(tmp_path / "checkpoints" / "good")
    checkpoints_module.save_checkpoint(tmp_path, poisoned, keep=2)
    with pytest.raises(UserError, match=r"has diverged: at step 6 the loss is nan.*lower optimiz"):
        train(tiny(), tmp_path, data=stripes, progress=False)
    assert [p.name for p in all_checkpoints(tmp_path)] == ["step-00000004"]
    assert read_log(tmp_path)[-1].step == 3


def test_a_full_disk_keeps_the_run_as_it_was(tmp_path, tiny, stripes, monkeypatch):
    train(tiny(optimizer__steps=4), tmp_path, data=stripes, progress=False)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*.safetensors")}

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints_module, "save_file", full)
        with pytest.raises(MachineError, match="step-00000008: the disk is full"):
            train(tiny(), tmp_path, data=stripes, progress=False)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.safetensors")} == before
    train(tiny(), tmp_path, data=stripes, progress=False)
    assert latest_checkpoint(tmp_path).name == "step-00000009"


def test_the_default_configurations_build_their_networks(stripes):
    config = default_config("stripes", (1, 4, 4), 3)
    trainer = Trainer(config, stripes, Launch(CPU))
    trainer.advance()
    assert trainer.figures().loss > 0
