"""Right code passes, in whatever style it is written."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from refdiff.conformance.parts import Parts
from refdiff.conformance.textbook.gaussian_diffusion import BUILDS, build
from refdiff.equations import cosine_betas, linear_betas
from tests.conformance.gaussian_diffusion.judging import failures, named, outcomes
from tests.conformance.gaussian_diffusion.renamed import Renamed


@pytest.mark.parametrize("name", BUILDS)
def test_textbook_methods_agree_with_the_reference(name: str) -> None:
    found = outcomes(BUILDS[name](Parts()), without="sample-loop")
    assert not failures(found)
    unremarkable = named(found, "convention", "approximation", "inconclusive")
    assert unremarkable == {"betas/terminal-snr": "non-zero-terminal-snr"}
    assert sum(o.verdict == "conforms" for o in found.values()) >= 45


def test_textbook_loops_agree_with_the_reference() -> None:
    found = outcomes(build(Parts()), "p-sample-loop/", "ddim-sample-loop")
    assert not failures(found)
    assert not named(found, "convention", "approximation")
    steps = [o for id, o in found.items() if id.endswith(("-step", "-steps"))]
    assert [o.verdict for o in steps] == ["conforms"] * 9


@pytest.mark.parametrize("prediction", ["x_0", "v"])
@pytest.mark.parametrize("loss", ["mse", "kl"])
def test_every_prediction_and_loss_agrees(prediction: str, loss: str) -> None:
    target = build(Parts(), model_mean_type=prediction, loss_type=loss)
    found = outcomes(target, "p-mean", "p-sample/", "ddim-sample/", "training", "vb-terms")
    assert not failures(found)
    assert not named(found, "convention", "approximation", "inconclusive")


@pytest.mark.parametrize("betas", [linear_betas(200), cosine_betas(4), linear_betas(2)])
def test_long_and_tiny_chains_agree(betas: np.ndarray) -> None:
    found = outcomes(build(Parts(), betas=betas), without="sample-loop")
    assert not failures(found)


def test_renamed_methods_with_rounded_buffers_agree() -> None:
    found = outcomes(Renamed())
    assert not failures(found)
    assert named(found, "convention", "approximation") == {
        "betas/schedule": "beta-clip",
        "betas/terminal-snr": "non-zero-terminal-snr",
        "tables/precision": "float32-tables",
        "posterior-log-variance-clipped/values": "log-variance-clipped-at-1e-20",
        "q-posterior-mean-variance/log-variance": "log-variance-clipped-at-1e-20",
        "p-mean-variance/log-variance": "log-variance-clipped-at-1e-20",
        "p-sample-loop/clipping": "x-0-clipped",
    }


def test_the_targets_network_is_put_back() -> None:
    target = Renamed()
    own = target.model
    outcomes(target, "p-mean-variance/mean", "p-sample-loop/first-step")
    assert target.model is own


def test_a_table_rounded_to_half_precision_is_named() -> None:
    found = outcomes(Renamed(dtype=torch.bfloat16), "tables/")
    assert named(found, "known-deviation") == {"tables/precision": "half-precision-tables"}
