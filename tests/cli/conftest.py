"""Running the program in the process of the test, and a run that trains in a second."""

from dataclasses import dataclass, replace

import pytest

from refdiff.cli import main


@dataclass(frozen=True)
class Ended:
    """How the program ended: its status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def sentence(self):
        """The one line on standard error, where there is exactly one."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("refdiff: ")
        assert "Traceback" not in self.err
        return lines[0].removeprefix("refdiff: ")


@pytest.fixture
def program(capsys, monkeypatch):
    """Run `refdiff ARGUMENTS`; a path among them is written as text."""
    monkeypatch.delenv("REFDIFF_DEBUG", raising=False)
    monkeypatch.delenv("REFDIFF_LEDGER", raising=False)

    def run(*arguments):
        capsys.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ended(status, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory):
    """File with the configuration of a very small network for the digits, T = 20."""
    from refdiff.models import PRESETS
    from refdiff.training import TrainConfig, config_to_json
    from refdiff.training.config import OptimizerConfig, ScheduleConfig

    model = replace(
        PRESETS["digits"],
        channels=8,
        channel_multipliers=(1,),
        attention_resolutions=(),
        time_channels=8,
        embedding_channels=16,
    )
    config = TrainConfig(
        model=model,
        schedule=ScheduleConfig("cosine", 20),
        optimizer=OptimizerConfig(steps=3, batch_size=4, learning_rate=0.02, warmup_steps=0),
        ema_decay=0.0,
        log_every=1,
        checkpoint_every=2,
        sample_every=0,
    )
    path = tmp_path_factory.mktemp("config") / "tiny.json"
    path.write_text(config_to_json(config))
    return path


@pytest.fixture(scope="session")
def trained(tmp_path_factory, tiny_config):
    """Run folder of that network; tests read it and leave it as it is."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    assert main(["train", "--config", str(tiny_config), "--output", str(folder)]) == 0
    return folder


@pytest.fixture(scope="session")
def files_in():
    """Names of all files and folders below a folder, hidden ones included."""
    return lambda folder: sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*"))
