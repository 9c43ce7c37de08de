"""`refdiff demo`: the whole of it on few digits and few steps, and the parts of its report."""

import html.parser
import json
import re
import shlex
import sys
from dataclasses import replace

import numpy as np
import pytest

from refdiff.cli.demo import recipe
from refdiff.cli.demo.charts import Line, line_chart
from refdiff.cli.demo.exact import MEAN, STEPS, exact_facts
from refdiff.cli.demo.judging import judged_code, suspects
from refdiff.cli.demo.levels import digits_gaussian, level_losses, training_bound
from refdiff.cli.demo.markup import Markup, element, picture
from refdiff.cli.demo.measuring import nearest_distances
from refdiff.cli.demo.sheets import sheet_pixels
from refdiff.closed_form import Gaussian, ddim_moments, ddpm_moments
from refdiff.equations import alpha_bars_from_betas, cosine_betas, trailing_timesteps
from refdiff.samplers import SampleNoise
from refdiff.testing import assert_close
from refdiff.training import load_run
from refdiff.training.data import load_data


class Page(html.parser.HTMLParser):
    """What a browser would see: tags in balance, addresses, text."""

    EMPTY = frozenset({"meta", "img", "line", "polyline"})

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.text, self.tags = [], [], "", []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.addresses += [v for k, v in attributes if k in ("src", "href", "srcset", "data")]
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def few_digits(name):
    """The first 150 digits, and 100 held out with ten of each class."""
    data = load_data(name)
    held_out = data.test
    chosen = np.concatenate([np.flatnonzero(held_out.labels == n)[:10] for n in range(10)])
    test = replace(held_out, images=held_out.images[chosen], labels=held_out.labels[chosen])
    return replace(data, images=data.images[:150], labels=data.labels[:150], test=test)


@pytest.fixture
def small(monkeypatch, tiny_config):
    """Make the demonstration small: few digits, the tiny network, two ways to sample."""
    from refdiff.training import config_from_json

    tiny = config_from_json(tiny_config.read_text())
    two = tuple(
        replace(method, config=replace(method.config, steps=2))
        for method in recipe.methods()
        if method.slug in ("ddpm", "guided-1")
    )
    monkeypatch.setattr("refdiff.cli.demo.work.load_data", few_digits)
    monkeypatch.setattr("refdiff.cli.demo.work.methods", lambda: two)
    faulty, peer = suspects()
    fewer = (
        replace(faulty, only=("sample-eta-half/first-step", "sample-eta-half/batch-*")),
        replace(peer, target="a_package_that_is_missing:Scheduler"),
    )
    monkeypatch.setattr("refdiff.cli.demo.judging.suspects", lambda: fewer)
    monkeypatch.setattr(
        "refdiff.cli.demo.recipe.training",
        lambda seed, steps=3: replace(
            tiny,
            seed=seed,
            optimizer=replace(tiny.optimizer, steps=steps),
            schedule=replace(tiny.schedule, num_steps=50),
        ),
    )


def test_the_demo_leaves_a_report_and_a_run_to_sample_from(program, small, tmp_path):
    folder = tmp_path / "shown <b>"
    ended = program("demo", "--output", folder, "--seed", 5)
    assert ended.status == 0, ended.err
    assert f"Open {folder / 'report.html'}" in ended.out
    assert "real held-out digits" in ended.out
    report = (folder / "report.html").read_text("utf-8")
    page = Page(report)
    assert page.addresses
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not re.search(r"https?:|@import|url\(", report)
    assert (folder / "samples.png").read_bytes().startswith(b"\x89PNG")
    assert page.tags.count("img") == 4  # two ways to sample, the real digits, the way from noise
    assert page.tags.count("polyline") == 2 + 3 + 3
    assert f"refdiff demo --output '{folder}' --seed 5" in page.text  # escaped, or it would be bold
    assert "seed 5" in page.text
    assert "eta-times-variance (known-deviation, sample-eta-half/first-step)" in page.text
    assert "take the square root" in page.text
    assert "a_package_that_is_missing is not installed here, so it was not judged." in page.text
    assert json.loads((folder / "run" / "config.json").read_text())
    target = tmp_path / "x.png"
    done = program("sample", folder / "run", "--steps", 2, "--count", 3, "--output", target)
    assert done.status == 0
    # The same command again uses the network that is there, and says the same.
    again = program("demo", "--output", folder, "--seed", 5)
    figures = [
        [line.split()[:-1] for line in end.out.splitlines() if "%" in line]  # the last is a time
        for end in (ended, again)
    ]
    assert len(figures[0]) == 3
    assert figures[0] == figures[1]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--steps 0", "steps=0"),
        ("--steps -2", "steps=-2"),
        ("--seed -1", "seed=-1"),
        ("--output missing/folder", "does not exist"),
        ("--output file", "is a file"),
    ],
)
def test_bad_arguments_are_refused_before_the_work(
    program, tmp_path, monkeypatch, files_in, options, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    ended = program("demo", *options.split())
    assert ended.status == 2
    assert words in ended.sentence
    assert files_in(tmp_path) == ["file"]


def test_a_missing_package_is_named(program, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    ended = program("demo", "--output", tmp_path / "x")
    assert ended.status == 2
    assert "needs sklearn" in ended.sentence


def test_the_help_names_the_number_of_steps_that_are_taken(program):
    assert f"(default: {recipe.STEPS})" in " ".join(program("demo", "--help").out.split())


def test_the_recipe_can_be_guided_and_shows_every_kind_of_sampler():
    config = recipe.training(seed=3)
    assert config.model.num_classes == 10
    assert config.objective.label_dropout > 0  # or guidance has no unconditional model
    assert config.optimizer.steps == recipe.STEPS
    slugs = [method.slug for method in recipe.methods()]
    assert len(set(slugs)) == len(slugs)
    etas = {m.config.eta for m in recipe.methods() if m.config.sampler == "ddim"}
    weights = {m.config.guidance for m in recipe.methods()}
    assert etas == {0.0, 0.5}
    assert len(weights) >= 4


def test_exact_facts_are_those_of_the_recursions():
    alpha_bars = alpha_bars_from_betas(cosine_betas(1000))
    facts = {(fact.sampler, fact.spread): fact for fact in exact_facts(alpha_bars)}
    for (sampler, spread), fact in facts.items():
        for steps, (error, out) in zip(STEPS, fact.outcome, strict=True):
            if spread == 0:  # a point comes back as that point
                assert_close(out + 1, 1.0)
                assert_close(MEAN + error, MEAN)
                continue
            times = [int(t) for t in trailing_timesteps(1000, steps)]
            data = Gaussian([MEAN], spread**2)
            if sampler == "DDPM":
                moments = ddpm_moments(data, alpha_bars, times, "fixed-small")[-1]
            else:
                eta = float(sampler.rpartition(" ")[2])
                moments = ddim_moments(data, alpha_bars, times, eta)[-1]
            # The first step divides by sqrt(alpha_bar_T) on the way to x_0.
            terms = len(times) / np.sqrt(alpha_bars[-1])
            assert_close(MEAN + error, moments.mean[0], terms=terms)
            assert_close(out, np.sqrt(np.ravel(moments.covariance)[0]), terms=terms)


def test_the_affine_line_is_the_loss_of_the_best_affine_predictor():
    """Least squares on the digits themselves, with the noise integrated out exactly."""
    data = few_digits("digits")
    flat = 2 * data.images.reshape(len(data), -1).astype(np.float64) / (data.levels - 1) - 1
    centred = flat - flat.mean(axis=0)
    covariance = centred.T @ centred / len(flat)
    for level in (0.05, 0.5, 0.9):
        # eps - W (x_t - mean) has the covariance below; W minimises its trace.
        noisy = level * covariance + (1 - level) * np.eye(64)
        weights = np.sqrt(1 - level) * np.linalg.inv(noisy)
        left = np.eye(64) - 2 * np.sqrt(1 - level) * weights + weights @ noisy @ weights.T
        line = digits_gaussian(data).minimal_eps_loss(alpha_bar_t=level)
        assert_close(line, np.trace(left) / 64, terms=64)


def test_the_bound_of_the_training_loss_averages_over_all_times():
    data = few_digits("digits")
    alpha_bars = np.array([1.0, 0.9, 0.4, 0.1])
    gaussian = digits_gaussian(data)
    each = [gaussian.minimal_eps_loss(alpha_bar_t=a) for a in (0.9, 0.4, 0.1)]
    assert_close(training_bound(data, alpha_bars, "eps"), sum(each) / 3, terms=3)


def test_an_untrained_network_has_the_loss_of_guessing_nothing(trained):
    """A network that answers 0 for eps has the mean square of the noise itself as its loss."""
    run, data = load_run(trained, device="cpu"), few_digits("digits")
    for weights in run.model.parameters():
        weights.zero_()
    losses = level_losses(run, data, seed=0)
    noise = SampleNoise(0, range(len(data.test)), (1, 8, 8)).initial()
    for value in (*losses.with_class, *losses.without_class):
        assert_close(value, float((noise**2).mean()), dtype="float32", terms=4)
    assert losses.below == 0
    assert all(0 < line < 1 for line in losses.affine)


def test_a_copy_of_a_training_digit_has_no_distance_to_the_nearest():
    data = few_digits("digits")
    moved = data.images[3:5].copy()
    moved[1, 0, 0, 0] += 4  # one pixel by 4 of 16 levels is 0.5; root mean square over 64: 1/16
    assert_close(nearest_distances(moved, data), np.array([0.0, 1 / 16]))


def test_the_sheet_has_a_row_a_class_and_frames_what_is_mistaken():
    images = np.arange(6, dtype=np.uint8).reshape(6, 1, 1, 1).repeat(8, 1).repeat(8, 2) * 40
    labels = np.array([0, 1, 2, 0, 1, 2])
    mistaken = np.array([False, False, False, False, True, False])
    plain = sheet_pixels(images, labels)
    framed = sheet_pixels(images, labels, mistaken)
    height, width = plain.shape[0] // 3, plain.shape[1] // 2
    middles = [
        [plain[row * height + height // 2, column * width + width // 2, 0] for column in (0, 1)]
        for row in range(3)
    ]
    assert middles == [[0, 120], [40, 160], [80, 200]]
    red = (framed == (209, 36, 47)).all(axis=-1)
    rows, columns = np.nonzero(red)
    assert height - 4 <= rows.min() <= height + 4
    assert rows.max() <= 2 * height + 4
    assert columns.min() >= width - 4  # the second of row 1 alone
    assert np.array_equal(plain[~red], framed[~red])


def test_what_the_demo_judges_is_judged_by_its_command_too(program, monkeypatch):
    """The faulty sampler's mistakes are each named, in the demonstration and by the command."""
    monkeypatch.setattr("refdiff.cli.demo.judging.suspects", lambda: suspects()[:1])
    (faulty,) = judged_code()
    named = {name for r in faulty.report.failures for name in r.variant.split("+")}
    assert named == {
        "eta-times-variance",
        "ends-at-the-level-shown-last",
        "one-time-too-many",
        "step-count-when-not-dividing",
    }
    listed = program(*shlex.split(faulty.suspect.command)[1:], "--list-checks").out.splitlines()
    assert [line.split()[0] for line in listed] == [r.check for r in faulty.report.results]


def test_text_is_escaped_and_markup_is_not():
    inner = element("b", "<&>", class_="x", data_name='"')
    assert inner == '<b class="x" data-name="&quot;">&lt;&amp;&gt;</b>'
    assert element("p", inner, "<i>") == f"<p>{inner}&lt;i&gt;</p>"
    assert isinstance(inner, Markup)
    shown = picture(np.zeros((3, 5, 3), np.uint8), "a <b>")
    assert 'width="5"' in shown
    assert 'height="3"' in shown
    assert "a &lt;b&gt;" in shown


def points_of(chart):
    found = re.findall(r'<polyline points="([^"]*)"', chart)
    return [[tuple(map(float, p.split(","))) for p in points.split()] for points in found]


def test_a_chart_draws_its_points_in_proportion():
    line = Line("a & b", "first", [(0.0, 0.0), (10.0, 5.0), (20.0, 10.0)])
    chart = line_chart([line], title="t", across="x", up="y")
    ((start, middle, end),) = points_of(chart)
    # Coordinates are written with one digit after the point.
    assert all(
        abs(2 * between - low - high) < 0.3
        for between, low, high in zip(middle, start, end, strict=True)
    )
    assert start[0] < end[0]
    assert start[1] > end[1]  # upward is a smaller number in a drawing
    assert "a &amp; b" in chart
    Page(chart)


@pytest.mark.parametrize("values", [[], [(0.0, float("nan"))], [(0.0, -1.0)]])
def test_a_chart_refuses_what_it_cannot_draw(values):
    with pytest.raises(ValueError, match="chart"):
        line_chart([Line("a", "first", values)], title="t", across="x", up="y")
