"""diffusers' schedulers, run with a closed-form network that tests/samplers writes in C++ operation by operation."""
import hashlib
import json
import pathlib

import numpy as np
import torch

SHAPE = (2, 4, 3, 2)
STEPS = (1, 2, 4, 8)
GRID_STEPS = (1, 2, 3, 4, 6, 8, 25, 48, 50)
COND, UNCOND, OMEGA = 0.25, -0.05, 3.0
CONFIG = dict(num_train_timesteps=1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear")


def network(x, t, bias):
    return x.mul(0.6).add(0.001 * t + bias).tanh().add(x, alpha=0.1)


def guided(x, t):
    uncond, cond = network(x, t, UNCOND), network(x, t, COND)
    return uncond + (1 + OMEGA) * (cond - uncond)


def run(scheduler, x, predict):
    for t in scheduler.timesteps:
        x = scheduler.step(predict(x, int(t)), t, x, return_dict=False)[0]
    return x


def ddim(spacing, steps, prediction="epsilon", final="zero", **more):
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler(**CONFIG, timestep_spacing=spacing, steps_offset=1, clip_sample=False,
                              set_alpha_to_one=final == "zero", prediction_type=prediction, **more)
    scheduler.set_timesteps(steps)
    return scheduler


def dpm(algorithm, spacing, prediction="epsilon", final="zero", order=2, **more):
    from diffusers import DPMSolverMultistepScheduler

    return DPMSolverMultistepScheduler(
        **CONFIG, timestep_spacing=spacing, steps_offset=1, prediction_type=prediction, algorithm_type=algorithm,
        solver_order=order, solver_type="midpoint", final_sigmas_type={"zero": "zero", "min": "sigma_min"}[final], **more)


def lcm(steps, prediction="epsilon", original=50):
    from diffusers import LCMScheduler

    scheduler = LCMScheduler(**CONFIG, prediction_type=prediction)
    scheduler.set_timesteps(steps, original_inference_steps=original)
    return scheduler


def numbers(tensor):
    return [float(f"{v:.9g}") for v in tensor.flatten().tolist()]


def solver_cases(x):
    kinds = [("ddim", spacing, final, STEPS) for spacing in ("leading", "trailing") for final in ("zero", "min")]
    # From 15 steps on, diffusers lets the last step be of second order where the final sigma is not zero.
    kinds += [("dpm++", spacing, final, STEPS + (14, 15))
              for spacing in ("leading", "trailing", "linspace") for final in ("zero", "min")]
    kinds += [("dpm", spacing, "min", STEPS + (14, 15)) for spacing in ("leading", "trailing", "linspace")]
    for name, spacing, final, counts in kinds:
        for prediction in ("epsilon", "v_prediction"):
            for steps in counts:
                if name == "ddim":
                    scheduler = ddim(spacing, steps, prediction, final)
                else:
                    scheduler = dpm({"dpm": "dpmsolver", "dpm++": "dpmsolver++"}[name], spacing, prediction, final)
                    scheduler.set_timesteps(steps)
                yield dict(sampler=name, spacing=spacing, final=final, prediction=prediction, steps=steps,
                           out=numbers(run(scheduler, x, guided)))


def zero_snr_cases(x):
    """The teachers' samplers on a schedule whose last time has no signal."""
    zero = dict(rescale_betas_zero_snr=True)
    for spacing in ("trailing", "leading"):
        for steps in STEPS:
            for name, final in (("ddim", "zero"), ("dpm++", "zero"), ("dpm", "min")):
                if name == "ddim":
                    scheduler = ddim(spacing, steps, "v_prediction", final, **zero)
                else:
                    scheduler = dpm({"dpm": "dpmsolver", "dpm++": "dpmsolver++"}[name], spacing, "v_prediction", final, **zero)
                    scheduler.set_timesteps(steps)
                yield dict(sampler=name, spacing=spacing, final=final, prediction="v_prediction", steps=steps,
                           out=numbers(run(scheduler, x, guided)))


def lcm_cases(x, noise):
    import diffusers.schedulers.scheduling_lcm as module

    original, draws = module.randn_tensor, []
    module.randn_tensor = lambda *a, **k: draws.pop(0)
    try:
        for prediction in ("epsilon", "v_prediction"):
            for steps in STEPS:
                draws[:] = list(noise)
                out = run(lcm(steps, prediction), x, lambda z, t: network(z, t, COND))
                assert len(draws) == len(noise) - (steps - 1)
                yield dict(sampler="lcm", spacing="lcm", final="zero", prediction=prediction, steps=steps,
                           out=numbers(out))
    finally:
        module.randn_tensor = original


def ddim_off_its_grid(x):
    """DDIMScheduler steps to t - 1000 // N, not to the next time of its grid; a first-order DPM-Solver++ does that."""
    for spacing, steps in (("trailing", 3), ("trailing", 6), ("trailing", 7), ("linspace", 4)):
        scheduler = ddim(spacing, steps)
        times = scheduler.timesteps.tolist()
        first_order = dpm("dpmsolver++", spacing, order=1)
        first_order.set_timesteps(timesteps=times)
        yield dict(spacing=spacing, steps=steps, ddim_scheduler=numbers(run(scheduler, x, guided)),
                   first_order=numbers(run(first_order, x, guided)))


GIVEN_TIMES = ([399], [999, 500], [999, 749, 499, 249], [987, 654, 321, 12], [999, 856, 700, 511, 388, 200, 100, 1])


def ddim_step(x, x0, now, after):
    """DDIM, eta = 0, between two levels (alpha, sigma)."""
    eps = (x - now[0] * x0) / now[1]
    return after[0] * x0 + after[1] * eps


def given_times(x, noise):
    """At times that no spacing gives: LCMScheduler and DPMSolverMultistepScheduler take them; DDIM's formula is above."""
    import diffusers.schedulers.scheduling_lcm as module

    bar = ddim("leading", 1).alphas_cumprod.double()
    original, draws = module.randn_tensor, []
    module.randn_tensor = lambda *a, **k: draws.pop(0)
    try:
        for times in GIVEN_TIMES:
            draws[:] = list(noise)
            scheduler = lcm(1)
            scheduler.set_timesteps(timesteps=times)
            yield dict(sampler="lcm", final="zero", times=scheduler.timesteps.tolist(),
                       out=numbers(run(scheduler, x, lambda z, t: network(z, t, COND))))
    finally:
        module.randn_tensor = original
    for times in GIVEN_TIMES:
        for name, algorithm, final in (("dpm", "dpmsolver", "min"), ("dpm++", "dpmsolver++", "zero")):
            scheduler = dpm(algorithm, "leading", final=final)
            scheduler.set_timesteps(timesteps=times)
            yield dict(sampler=name, final=final, times=scheduler.timesteps.tolist(), out=numbers(run(scheduler, x, guided)))
        levels = [(bar[t].sqrt(), (1 - bar[t]).sqrt()) for t in times] + [(1.0, 0.0)]
        z = x.double()
        for i, t in enumerate(times):
            alpha, sigma = levels[i]
            z = ddim_step(z, (z - sigma * guided(z, t)) / alpha, levels[i], levels[i + 1])
        for name in ("ddim", "guided-distill"):
            yield dict(sampler=name, final="zero", times=times, out=numbers(z))


def grids():
    result = {"ddim": {}, "dpm": {}, "lcm": {}, "lcm-original": {}}
    for spacing in ("trailing", "leading", "linspace"):
        for family in ("ddim", "dpm"):
            times = result[family][spacing] = {}
            for steps in GRID_STEPS:
                scheduler = ddim(spacing, steps) if family == "ddim" else dpm("dpmsolver++", spacing)
                scheduler.set_timesteps(steps)
                times[steps] = scheduler.timesteps.tolist()
    for original in (50, 25, 100):
        counts = [n for n in GRID_STEPS if n <= original]
        result["lcm"][original] = {n: lcm(n, original=original).timesteps.tolist() for n in counts}
        origin = np.arange(1, original + 1) * (1000 // original) - 1  # the authors' code of 2023
        result["lcm-original"][original] = {n: origin[::-(original // n)][:n].tolist() for n in counts}
    return result


def schedules():
    from diffusers import DDIMScheduler

    result = []
    for name, start, end in (("scaled_linear", 0.00085, 0.012), ("linear", 0.0001, 0.02),
                             ("squaredcos_cap_v2", 0.0001, 0.02)):
        for zero in (False, True):
            bar = DDIMScheduler(beta_schedule=name, beta_start=start, beta_end=end, rescale_betas_zero_snr=zero).alphas_cumprod
            entry = dict(name=name, beta_start=start, beta_end=end, zero_terminal_snr=zero, every_111th=numbers(bar[::111]))
            if not zero:  # else it goes through MKL's square root, whose last bit differs between machines
                entry["sha256"] = hashlib.sha256(bar.numpy().tobytes()).hexdigest()
            result.append(entry)
    return result


def streams():
    """Two draws in sequence of torch.randn from a seeded generator: their first values and the hash of all bytes."""
    result = []
    for seed in (0, 1, 20231006, 2**63 - 1):
        g = torch.Generator().manual_seed(seed)
        draws = [torch.randn(1, 4, 8, 8, generator=g), torch.randn(1, 4, 8, 8, generator=g)]
        result.append(dict(seed=seed, first=[numbers(d.flatten()[:3]) for d in draws],
                           sha256=[hashlib.sha256(d.numpy().tobytes()).hexdigest() for d in draws]))
    return result


def make(folder: pathlib.Path):
    g = torch.Generator().manual_seed(310)
    x, noise = torch.randn(SHAPE, generator=g), torch.randn(max(STEPS) - 1, *SHAPE, generator=g)
    latents = dict(shape=SHAPE, x=numbers(x), noise=[numbers(n) for n in noise], omega=OMEGA, cond=COND, uncond=UNCOND,
                   cases=[*solver_cases(x), *lcm_cases(x, noise)], zero_terminal_snr=list(zero_snr_cases(x)),
                   ddim_off_its_grid=list(ddim_off_its_grid(x)), given_times=list(given_times(x, noise)))
    for name, content in (("latents", latents), ("grids", grids()), ("schedules", schedules()), ("streams", streams())):
        (folder / f"{name}.json").write_text(json.dumps(content, separators=(",", ":")) + "\n")
