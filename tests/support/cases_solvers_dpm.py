"""Rows of the exponential integrators in `refdiff.equations.solvers`; see `tests.support.cases`."""

from hypothesis import strategies as st

from tests.support.case import row
from tests.support.inputs import joined, magnitudes, scales, spread

pairs = scales(with_s=True)
with_noise = pairs.filter(lambda pair: pair["sigma_s"] > 0)
between = st.one_of(st.sampled_from([0.5, 1.0]), magnitudes(0.05, 1.0))
before = st.one_of(st.just(1.0), magnitudes(0.05, 20.0))
steps = st.one_of(
    st.just(0.0), spread(-4.0, 4.0), magnitudes(1e-6, 0.1), magnitudes(1e-6, 0.1).map(lambda h: -h)
)


def points(count):
    """Draw places that are well apart: one after t, one or two before it, in any order."""
    drawn = [spread(0.3, 1.5), spread(-1.4, -0.4), spread(-4.0, -2.0)]
    names = [f"r_{k}" for k in range(1, count + 1)]
    return (
        st.tuples(*drawn)
        .flatmap(lambda places: st.permutations(places))
        .map(lambda places: dict(zip(names, places[:count], strict=True)))
    )


ROWS = [
    row("solvers.phi_1", 0, joined(h=steps), "lu2022/phi-1"),
    row("solvers.phi_2", 0, joined(h=steps), "lu2022/phi-2"),
    row("solvers.phi_3", 0, joined(h=steps), "lu2022/phi-3"),
    row("solvers.phi_4", 0, joined(h=steps), "lu2022/phi-4"),
    row("solvers.dpm_solver_1_step", 2, pairs, "lu2022/first-order-step", "lu2022/ddim-form"),
    row("solvers.dpm_solver_2_step", 3, joined(with_noise, r=between), "lu2022/second-order-step"),
    row("solvers.dpm_solver_3_step", 3, joined(with_noise, r=between), "lu2022/third-order-step"),
    row("solvers.dpmpp_1_step", 2, pairs, "lu2023/first-order-step"),
    row("solvers.dpmpp_2s_step", 3, joined(pairs, r=between), "lu2023/singlestep"),
    row("solvers.dpmpp_2m_step", 3, joined(pairs, r=before), "lu2023/multistep"),
    row("solvers.sde_dpmpp_1_step", 3, pairs, "lu2023/sde-first-order-step"),
    row("solvers.sde_dpmpp_2m_step", 4, joined(pairs, r=before), "lu2023/sde-multistep"),
    row("solvers.unipc_b1", 0, joined(h=steps), "zhao2023/b-1"),
    row("solvers.unipc_b2", 0, joined(h=steps), "zhao2023/b-2"),
    row("solvers.unipc_weight_1", 0, joined(points(1), b=steps), "zhao2023/weight-of-one-point"),
    row("solvers.unipc_weight_2", 0, joined(points(2), h=steps), "zhao2023/weight-of-two-points"),
    row("solvers.unipc_weight_3", 0, joined(points(3), h=steps), "zhao2023/weight-of-three-points"),
    row("solvers.unipc_noise_step", 3, pairs, "zhao2023/predictor", "zhao2023/corrector"),
    row("solvers.unipc_data_step", 3, pairs, "zhao2023/data-step"),
]
