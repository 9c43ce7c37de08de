"""Plain sampling loops as public code writes them, right or with one mistake planted.

They are independent of the library's own equations and samplers: torch, tables, and a for loop.
"""

import itertools
from dataclasses import dataclass, field

import numpy as np
import torch

from refdiff.conformance.loops import Call, Recording
from refdiff.conformance.probe.draws import tagged_draws
from refdiff.equations import alpha_bars_from_betas, linear_betas

ALPHA_BARS = alpha_bars_from_betas(linear_betas(1000))
OWN = np.random.default_rng(1)  # made before anything watches
DTYPES = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16}


class Asked:
    """A model in between that keeps what the loop asked: state and input may differ."""

    def __init__(self, model):
        self.model, self.calls = model, []

    def __call__(self, x, t, state=None):
        output = self.model(x, t)
        told = np.broadcast_to(float(np.ravel(np.asarray(t, np.float64))[0]), len(x))
        shown = state if state is not None else x
        self.calls.append(Call(plain(x), np.array(told), None, plain(output), plain(shown)))
        return output


def plain(x):
    return x.detach().to(torch.float64).numpy().copy()


@dataclass
class PlainLoop:
    """A loop of `method`; `mistake` names what is planted in it."""

    method: str
    mistake: str = ""
    eta: float = 0.0
    predictions: tuple = ("eps", "x_0", "v")
    dtype: str = "float64"
    alpha_bars: np.ndarray = field(default_factory=lambda: ALPHA_BARS)
    deterministic: bool | None = None
    order: int | None = None
    time_base: int = 0
    fixed: int | None = None
    name: str = "plain"

    @property
    def tells(self):
        return "sigma" if self.method in ("euler", "heun", "ancestral") else "time"

    @property
    def coordinates(self):
        return "ve" if self.method in ("euler", "heun", "ancestral", "euler-times") else "vp"

    @property
    def full(self):
        return self.fixed or len(self.alpha_bars) - 1

    @property
    def steps(self):
        return () if self.fixed else range(1, self.full + 1)

    def initial_scale(self, steps):
        if self.mistake == "unit initial noise":
            return 1.0
        return float(self.sigmas(steps)[0]) if self.coordinates == "ve" else 1.0

    def in_dtype(self, dtype):
        others = {k: getattr(self, k) for k in self.__dataclass_fields__ if k != "dtype"}
        return PlainLoop(dtype=dtype, **others)

    def times(self, steps):
        total = len(self.alpha_bars) - 1
        if self.mistake == "a time twice" and steps == total:
            return [*range(total, 50, -1), *range(51, 1, -1)]
        if self.mistake == "leading":
            return [i * (total // steps) + 1 for i in range(steps)][::-1]
        if self.mistake == "rounded stride":
            return list(range(1, total + 1, max(total // steps, 1)))[::-1]
        if self.mistake == "quadratic to 0.8 T":
            grid = np.linspace(0, np.sqrt(0.8 * total), steps) ** 2
            return [int(t) + 1 for t in grid][::-1]
        return [round(i * total / steps) for i in range(steps, 0, -1)]

    def sigmas(self, steps):
        levels = self.alpha_bars[self.times(steps)]
        return np.append(np.sqrt((1 - levels) / levels), 0.0)

    def run(self, model, x_T, *, steps, prediction):
        torch_dtype = DTYPES[self.dtype]
        x = torch.from_numpy(np.array(x_T)).to(torch_dtype)
        asked = Asked(model)
        self.remembered = getattr(self, "remembered", 0) + 1
        with tagged_draws(asked) as draws:
            method = getattr(self, "_" + self.method.replace("-", "_"))
            result = method(asked, x, steps, prediction)
        return Recording(plain(x), asked.calls, draws.records, plain(result), draws.tagged)

    # ------------------------------------------------------------------ variance preserving

    def told(self, t, k, steps, ts):
        m = self.mistake
        told = {
            "loop index": steps - 1 - k,
            "off by one": t,
            "one before": t - 2,
            "next time": (ts[k + 1] if k + 1 < len(ts) else 1) - 1,
        }.get(m, t - 1)
        if m in ("bfloat16", "float16"):
            told = float(torch.tensor(float(told)).to(getattr(torch, m)))
        return told + self.time_base

    def _both(self, out, x, a, s, prediction):
        if prediction == "eps":
            return (x - s * out) / a, out
        if prediction == "x_0":
            if self.mistake == "x_0 taken for eps":
                return (x - s * out) / a, out
            return out, (x - a * out) / s
        if self.mistake == "v sign":
            return a * x + s * out, s * x + a * out
        return a * x - s * out, s * x + a * out

    def _limited(self, x_0):
        return x_0.clamp(-1, 1) if self.mistake == "clips" else x_0

    def _walk(self, steps):
        ts = self.times(steps)
        table = torch.from_numpy(self.alpha_bars)
        if self.mistake == "half-precision table":
            table = table.to(torch.bfloat16)
        after = [*ts[1:], 1 if self.mistake.startswith("stops") else 0]
        if self.mistake == "uniform stride":
            after = [max(t - 1000 // steps, 0) for t in ts]
        if self.mistake == "omits the last step":
            ts, after = ts[:-1], after[:-1]
        for k, (t, s) in enumerate(zip(ts, after, strict=True)):
            own = DTYPES[self.dtype]
            a_t, a_s = (table[i].sqrt().to(own) for i in (t, s))
            b_t, b_s = ((1 - table[i]).sqrt().to(own) for i in (t, s))
            yield (
                self.told(t, k, steps, ts),
                (a_t, b_t),
                (a_s, b_s),
                s == after[-1] and k == len(ts) - 1,
            )

    def _ddim(self, model, x, steps, prediction):
        for told, (a, b), (a_s, b_s), last in self._walk(steps):
            out = model(x, told)
            x_0, eps = self._both(out, x, a, b, prediction)
            x_0 = self._limited(x_0)
            sigma = self.eta * b_s / b * (1 - (a / a_s) ** 2).sqrt()
            if self.mistake == "direction sigma":
                direction = sigma * eps
            else:
                direction = (b_s**2 - sigma**2).clamp(min=0).sqrt() * eps
            x = a_s * x_0 + direction
            if self.mistake == "hidden noise":
                x = x + 0.01 * b_s * torch.randn_like(x)
            if self.mistake == "batch norm":
                x = x - 0.01 * x.mean(dim=0, keepdim=True)
            if self.mistake == "memory":
                x = x * (1 + 1e-3 * self.remembered)
            if self.eta and not last and self.mistake != "no noise":
                shape = (1, *x.shape[1:]) if self.mistake == "shared noise" else x.shape
                if self.mistake == "noise of each sample":
                    z = torch.cat([torch.randn(1, *x.shape[1:], dtype=x.dtype) for _ in x])
                else:
                    z = torch.randn(shape, dtype=x.dtype)
                x = x + sigma * z
        return x

    def _ddpm(self, model, x, steps, prediction):
        for told, (a, b), (a_s, b_s), last in self._walk(steps):
            out = model(x, told)
            x_0, _ = self._both(out, x, a, b, prediction)
            x_0 = self._limited(x_0)
            r = a / a_s
            beta = 1 - r**2
            mean = a_s * beta / b**2 * x_0 + r * b_s**2 / b**2 * x
            variance = beta * b_s**2 / b**2
            if self.mistake == "fixed large":
                variance = beta
            if self.mistake == "beta over rounded table" and last:
                first = torch.tensor(self.alpha_bars[1], dtype=torch.float32)
                mean = mean * (1 - self.alpha_bars[1]) / (1 - first).double()
            if self.mistake in ("variance for deviation", "own generator, squared"):
                variance = variance**2
            if self.mistake == "twice the variance":
                variance = 2 * variance
            if self.mistake == "clamped last noise" and last:
                variance = torch.full_like(beta, 1e-20)
            noise = torch.randn(x.shape, dtype=x.dtype)
            if self.mistake == "renoises":
                mean, variance = a_s * x_0, b_s**2
            if self.mistake.startswith("own generator"):
                noise = torch.from_numpy(OWN.standard_normal(x.shape)).to(x.dtype)
            if self.mistake == "noise at the end" and last:
                variance = beta
            elif last and self.mistake != "clamped last noise":
                noise = noise * 0
            x = mean + variance.sqrt() * noise
            if self.mistake == "constant at the end" and last:
                x = x + beta.sqrt()
        return x

    def _multistep(self, model, x, steps, prediction):
        """DPM-Solver++(2M)."""
        before, h_before = None, None
        for told, (a, b), (a_s, b_s), last in self._walk(steps):
            x_0, _ = self._both(model(x, told), x, a, b, prediction)
            lam, lam_s = (a / b).log(), (a_s / b_s).log()
            h = lam_s - lam
            d = x_0
            if before is not None and (not last or self.mistake == "second order to zero"):
                r = h_before / h
                weight = {"wrong weight": 1 / r}.get(self.mistake, 1 / (2 * r))
                d = x_0 + weight * (x_0 - before)
            x = (b_s / b) * x - a_s * torch.expm1(-h) * d
            before, h_before = x_0, h
            if self.mistake == "wrong history":
                before = x_0 * 0.9
        return x

    # ------------------------------------------------------------------ variance exploding

    def _denoised(self, model, x, sigma, prediction):
        out = model(x, float(sigma))
        return out if prediction == "x_0" else x - sigma * out

    def _ve(self, steps):
        sigmas = torch.from_numpy(self.sigmas(steps)).to(DTYPES[self.dtype])
        if self.mistake == "stops at sigma min":
            sigmas[-1] = sigmas[-2]
        return sigmas

    def _euler(self, model, x, steps, prediction):
        sigmas = self._ve(steps)
        for s, n in itertools.pairwise(sigmas):
            told = s * 1.1 if self.mistake == "wrong sigma" else s
            d = (x - self._denoised(model, x, told, prediction)) / s
            x = x + (n - s) * d
        return x

    def _heun(self, model, x, steps, prediction):
        sigmas = self._ve(steps)
        for s, n in itertools.pairwise(sigmas):
            d = (x - self._denoised(model, x, s, prediction)) / s
            y = x + (n - s) * d
            if n > 0:
                told = s if self.mistake == "sigma of the first stage" else n
                d2 = (y - self._denoised(model, y, told, prediction)) / told
                y = x + (n - s) * (d + d2) / 2
            x = y
        return x

    def _ancestral(self, model, x, steps, prediction):
        sigmas = self._ve(steps)
        for s, n in itertools.pairwise(sigmas):
            up = (n**2 * (s**2 - n**2) / s**2).sqrt()
            down = n**2 / s
            if self.mistake == "not stepped down":
                down = n
            d = (x - self._denoised(model, x, s, prediction)) / s
            x = x + (down - s) * d
            if n > 0:
                x = x + up * torch.randn(x.shape, dtype=x.dtype)
        return x

    def _euler_times(self, model, x, steps, prediction):
        """Euler in VE coordinates with a model that is told times and shown scaled states."""
        ts, sigmas = self.times(steps), self._ve(steps)
        for k, (s, n) in enumerate(itertools.pairwise(sigmas)):
            c = 1.0 if self.mistake == "unscaled input" else 1 / (1 + s**2).sqrt()
            out = model(x * c, self.told(ts[k], k, steps, ts), state=x)
            if prediction == "eps":
                d = out
            else:
                x_0 = out if prediction == "x_0" else c * c * x - s * c * out
                d = (x - x_0) / s
            x = x + (n - s) * d
        return x
