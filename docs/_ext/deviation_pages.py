"""Pages of the named deviations, conventions and approximations, made from their registry."""

import ast
import functools
import importlib
import inspect
import json
import pkgutil
import re
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from generated import directive, heading, write_pages

from refdiff import equations
from refdiff.conformance import variants as registry
from refdiff.conformance.parts import reference_parts
from refdiff.conformance.variants import Variant, all_variants, mixed

KINDS = {
    "deviation": "Mistakes",
    "approximation": "Approximations",
    "convention": "Conventions",
    "form": "Other forms of the same",
}
TITLES = {
    "schedules": "Schedules",
    "times": "Times and levels",
    "tables": "Tables",
    "forward": "Forward process and signal-to-noise ratio",
    "posterior": "Posterior and reverse variances",
    "predictions": "Predictions",
    "losses": "Losses and likelihood",
    "steps": "Steps and solvers",
    "guidance": "Guidance and limits",
    "runs": "Whole runs: randomness, state, side effects",
}
# By the last name of the module that holds the part, or else the variant.
_FAMILY_OF_MODULE = {
    "schedules": "schedules",
    "lists": "times",
    "grids": "times",
    "times": "times",
    "timesteps": "times",
    "tables": "tables",
    "diffusion_tables": "tables",
    "forward": "forward",
    "signal_to_noise": "forward",
    "compositions": "forward",
    "posterior": "posterior",
    "reverse_variances": "posterior",
    "parameterization": "predictions",
    "score": "predictions",
    "edm": "predictions",
    "losses": "losses",
    "objectives": "losses",
    "likelihood": "losses",
    "steps": "steps",
    "ends": "steps",
    "solvers": "steps",
    "ancestral": "steps",
    "ddim": "steps",
    "scheduler": "steps",
    "guidance": "guidance",
    "guidance_formulas": "guidance",
}
# Steps of procedures that no formula calls: what a reader should open.
_EQUATIONS_OF_STEP = {
    "alphas_cumprod": ("ho2020/alpha-bar",),
    "alphas_cumprod_prev": ("ho2020/posterior-variance",),
    "ancestral_down": ("song2021sde/ve-ancestral-step",),
    "ancestral_up": ("song2021sde/ve-posterior-variance",),
    "batch_loss": ("ho2020/simple-loss",),
    "ddpm_mean": ("ho2020/posterior-mean", "ho2020/reverse-mean"),
    "ddpm_variance": ("ho2020/posterior-variance", "ho2020/variance-choices"),
    "dpm_2m_denoised": ("lu2023/multistep",),
    "eps_after_limit": ("song2021ddim/step-mean",),
    "fresh_noise": ("ho2020/ancestral-step",),
    "guided_output": ("ho2022cfg/guided-eps", "saharia2022/guidance"),
    "guided_prediction": ("ho2022cfg/guided-eps",),
    "heun_second_sigma": ("karras2022/heun-step",),
    "heun_slope": ("karras2022/heun-step",),
    "last_noise_weight": ("ho2020/ancestral-step",),
    "learned_variance": ("nichol2021/learned-range-variance",),
    "level_at_end": ("song2021ddim/step",),
    "limit_x_0": ("saharia2022/static-threshold",),
    "listed_times": ("lin2024/leading-timesteps", "lin2024/trailing-timesteps"),
    "loss_target": ("ho2020/simple-loss",),
    "noise_std": ("ho2020/ancestral-step",),
    "posterior_log_variance_clipped": ("ho2020/posterior-variance",),
    "predicted_eps": ("song2021ddim/eps-from-x-0",),
    "returned": ("ho2020/ancestral-step",),
    "slope": ("karras2022/slope",),
    "unconditional_labels": ("ho2022cfg/condition-dropout",),
    "variance_fraction": ("nichol2021/learned-range-variance",),
    "velocity_of_pair": ("salimans2022/v-from-eps",),
}


@functools.cache
def _home() -> dict[str, str]:
    """Say in which module each variant stands that replaces no part."""
    found = {}
    for module in pkgutil.iter_modules(registry.__path__):
        members = vars(importlib.import_module(f"{registry.__name__}.{module.name}"))
        found |= {v.name: module.name for v in members.values() if isinstance(v, Variant)}
    return found


def family_of(variant: Variant) -> str:
    """Return the key of the page on which a variant stands."""
    part = next(iter(variant.replaces), None)
    if part is None:
        module = _home().get(variant.name, "")
    else:
        module = reference_parts()[part].__module__.rpartition(".")[2]
    return _FAMILY_OF_MODULE.get(module, "runs")


def label(name: str) -> str:
    """Return the anchor of a variant: its name, with what no address may hold replaced."""
    return "variant-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def entry_link(name: str) -> str:
    return f":ref:`{name} <{label(name)}>`"


def equations_of(part: str) -> tuple[str, ...]:
    """Return the ids that a part implements, or those of the nearest formulas that call it."""
    if part in _EQUATIONS_OF_STEP:
        return _EQUATIONS_OF_STEP[part]
    wanted, seen = {part}, set()
    while wanted:
        ids = [getattr(getattr(equations, name, None), "__equations__", ()) for name in wanted]
        if any(ids):
            return tuple(dict.fromkeys(i for found in ids for i in found))
        seen |= wanted
        callers = {name for name, f in reference_parts().items() if wanted & _calls(f)}
        wanted = callers - seen
    return ()


def _calls(function: Callable) -> set[str]:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return set(code.co_names) if code else set()


def code_of(function: Callable) -> str:
    """Return a variant's own lines, without its registration, docstring and annotations."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, SyntaxError, TypeError):
        return ""  # one of several functions made in one place: its summary says it
    if not isinstance(tree, ast.FunctionDef):
        return ""
    tree.decorator_list, tree.returns = [], None
    for argument in (*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs):
        argument.annotation = None
    if ast.get_docstring(tree) is not None:
        tree.body = tree.body[1:]
    return ast.unparse(tree) if tree.body else ""


def _plain(text: str) -> str:
    """Escape what reStructuredText would read as markup."""
    return re.sub(r"([\\*`|])", r"\\\1", text).replace("_ ", r"\_ ")


def _place(address: str) -> str:
    """Name a public place in a few words: project and number."""
    path = address.removeprefix("https://github.com/")
    owner, _, rest = path.partition("/")
    project, _, rest = rest.partition("/")
    number = re.fullmatch(r"(?:issues|pull|discussions)/(\d+)", rest)
    commit = re.fullmatch(r"commit/(\w{7})\w*", rest)
    detail = f" #{number[1]}" if number else f" {commit[1]}" if commit else ""
    return f"`{owner}/{project}{detail} <{address}>`__"


def _part(name: str) -> str:
    if name in equations.__all__:
        return f":py:func:`~refdiff.equations.{name}`"
    said = " ".join((inspect.getdoc(reference_parts()[name]) or "").partition("\n\n")[0].split())
    said = said.removeprefix("Return ").rstrip(".")
    return f"``{name}``, {_plain(said)}"


def entry(variant: Variant, seen: Mapping[str, str]) -> str:
    """Write one variant: what such code does, how it shows, what to change, where it was seen."""
    ids = dict.fromkeys(i for part in variant.replaces for i in equations_of(part))
    links = (f":ref:`{i} <eqn-{i.replace('/', '-')}>`" for i in ids)
    facts = {
        "Symptom": _plain(variant.symptom),
        "Cure": _plain(variant.cure),
        "A choice of": _plain(variant.choice),
        "In place of": "; ".join(_part(part) for part in variant.replaces),
        "Equations": ", ".join(links),
        "Seen in": ", ".join(_place(address) for address in variant.links),
        "Planted": seen.get(variant.name, ""),
    }
    code = "\n".join(filter(None, map(code_of, variant.replaces.values())))
    body = [_plain(variant.summary), ""]
    body += [f":{name}: {fact}" for name, fact in facts.items() if fact]
    if code:
        body += ["", directive("code-block", "python", code)]
    lines = textwrap.indent("\n".join(body), "   ")
    index = directive("index", f"single: {variant.name.replace(';', '')} ({variant.kind})")
    return f"{index}\n.. _{label(variant.name)}:\n\n``{variant.name}``\n{lines}\n"


def _mixed(choices: Iterable[str], by_choice: Mapping[str, list[str]]) -> str:
    """Write the mistakes that are no formula: a choice made differently in two places."""
    parts = [
        heading("Mixed choices", "-"),
        "A convention that only a part of the code follows becomes a mistake: each part is right "
        "by itself, and together they are not. The cure is to choose alike everywhere.\n",
    ]
    for choice in choices:
        options = ", ".join(map(entry_link, by_choice[choice]))
        parts.append(
            f".. _{label(mixed(choice))}:\n\n``{mixed(choice)}``\n   The choice: {_plain(choice)}. "
            f"Departures from the reference that are known: {options}.\n"
        )
    return "\n".join(parts)


def _page(family: str, members: list[Variant], seen: Mapping[str, str]) -> str:
    parts = [f".. _variants-{family}:\n", heading(TITLES[family], "=")]
    parts.append(":doc:`/deviations` says how to read this.\n")
    for kind, title in KINDS.items():
        chosen = sorted((v for v in members if v.kind == kind), key=lambda v: v.name)
        if chosen:
            parts.append(heading(title, "-"))
            parts += [entry(variant, seen) for variant in chosen]
    return "\n".join(parts)


def plantings(root: Path) -> dict[str, str]:
    """Say of each variant in how many correct implementations a check named it, once planted."""
    file = root / "docs" / "kill-matrix.json"
    rows = json.loads(file.read_text("utf-8")) if file.is_file() else []
    planted = Counter(name for row in rows for name in row["plantings"])
    named = Counter(
        name
        for row in rows
        for name, done in row["plantings"].items()
        if done["result"] in ("named first", "named")
    )
    return {
        name: f"in {count} correct implementation{'s' if count > 1 else ''}, named in "
        f"{'each' if named[name] == count else named[name]} (:doc:`/kill-matrix`)"
        for name, count in planted.items()
    }


def pages(root: Path) -> dict[str, str]:
    """Return all generated pages by file name, `contents.inc` for the page above them included."""
    found = all_variants()
    by_choice: dict[str, list[str]] = {}
    for variant in found.values():
        if variant.choice:
            by_choice.setdefault(variant.choice, []).append(variant.name)
    mixtures = {mixed(choice) for choice in by_choice}
    families: dict[str, list[Variant]] = {family: [] for family in TITLES}
    for variant in found.values():
        if variant.name not in mixtures:
            families[family_of(variant)].append(variant)
    seen = plantings(root)
    made = {f"{family}.rst": _page(family, vs, seen) for family, vs in families.items()}
    made["runs.rst"] += "\n" + _mixed(sorted(by_choice), by_choice)
    toctree = "\n".join(f"generated/deviations/{family}" for family in TITLES)
    contents = [directive("toctree", body=toctree, maxdepth="1")]
    for kind, title in KINDS.items():
        names = sorted(v.name for v in found.values() if v.kind == kind)
        contents += [
            heading(f"{title} by name ({len(names)})", "-"),
            ".. rst-class:: variant-names\n",
            "\n".join(f"* {entry_link(name)}" for name in names) + "\n",
        ]
    made["contents.inc"] = "\n".join(contents)
    return made


def generate(app) -> None:
    docs = Path(app.srcdir)
    write_pages(docs / "generated" / "deviations", pages(docs.parent))


def setup(app) -> dict[str, bool]:
    app.connect("builder-inited", generate)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
