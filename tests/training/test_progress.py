"""What a run shows: a bar on a terminal, lines elsewhere."""

import io
import sys

from refdiff.training.progress import show


class Terminal(io.StringIO):
    """Text stream that says it is a terminal."""

    def isatty(self):
        return True


def test_a_terminal_gets_a_bar_with_loss_speed_and_time_left(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with show(200, done=50, batch_size=10) as progress:
        progress.note("12 images [of 8x8]")
        progress.advance(60)
        progress.report(100, 0.12345, 1234.5)
    shown = terminal.getvalue()
    assert "12 images [of 8x8]" in shown
    for part in ("100/200", "loss 0.1235", "1234 images/s"):
        assert part in shown


def test_a_pipe_gets_lines_with_the_time_left(capsys):
    with show(10_000, done=0, batch_size=100) as progress:
        progress.advance(50)
        progress.report(400, 0.5, 100.0)
    shown = capsys.readouterr()
    # 9,600 steps of 100 images at 100 images/s are 9,600 s.
    assert shown.err == "step 400/10000  loss 0.5000  100 images/s  2:40:00 left\n"
    assert shown.out == ""
