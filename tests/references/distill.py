"""One training step of every kind: loss and gradient norm from diffusers' UNets and PyTorch's autograd."""
import pathlib

import numpy as np
import torch
from references.checkpoints import SCHEDULE
from safetensors.torch import save_file

CHECKPOINTS = pathlib.Path(__file__).resolve().parent.parent / "golden" / "checkpoints"
BATCH = 3


def unet(name):
    from diffusers import UNet2DConditionModel
    return UNet2DConditionModel.from_pretrained(CHECKPOINTS / name / "unet").eval()


class Schedule:
    def __init__(self):
        from diffusers import DDIMScheduler
        self.alpha_bar = DDIMScheduler(**SCHEDULE).alphas_cumprod.double().numpy()

    def at(self, time):
        """alpha, sigma at integer or fractional times; log ᾱ linear between the neighbours."""
        log = np.interp(time, np.arange(len(self.alpha_bar)), np.log(self.alpha_bar))
        return np.sqrt(np.exp(log)), np.sqrt(-np.expm1(log))

    def middle(self, start, end):
        """The time where λ is the mean of those at start and end (DPM-Solver's s_i, r = 1/2)."""
        def lam(t):
            alpha, sigma = self.at(t)
            return np.log(alpha) - np.log(sigma)
        wanted, low, high = (lam(start) + lam(end)) / 2, end, start
        for _ in range(100):
            mean = (low + high) / 2
            low, high = (mean, high) if lam(mean) > wanted else (low, mean)
        return (low + high) / 2


def column(values):
    return torch.tensor(np.asarray(values), dtype=torch.float32).view(-1, 1, 1, 1)


def omega_embedding(omega, dim):
    from diffusers import LatentConsistencyModelPipeline as Pipeline
    return Pipeline.get_guidance_scale_embedding(None, omega, embedding_dim=dim)


def epsilon(net, z, times, states, omega=None):
    dim = net.config.time_cond_proj_dim
    return net(z, torch.tensor(np.asarray(times), dtype=torch.float32), states,
               timestep_cond=omega_embedding(omega, dim) if dim else None).sample


def guided_epsilon(net, z, times, batch):
    negative = batch["negative"].expand_as(batch["states"])
    cond, uncond = epsilon(net, z, times, batch["states"]), epsilon(net, z, times, negative)
    omega = batch["omega"].view(-1, 1, 1, 1)
    return (1 + omega) * cond - omega * uncond


def consistency(net, schedule, z, times, batch):
    alpha, sigma = map(column, schedule.at(times))
    x0 = (z - sigma * epsilon(net, z, times, batch["states"], batch["omega"])) / alpha
    scaled = np.asarray(times, dtype=np.float64) * 10.0
    return column(0.25 / (scaled**2 + 0.25)) * z + column(scaled / np.sqrt(scaled**2 + 0.25)) * x0


def solver_step(solver, net, schedule, z, start, end, batch):
    """ẑ at end; DDIM as diffusers' train_lcm_distill scripts have it, the others by their papers' algorithm 1."""
    (a0, s0), (a1, s1) = schedule.at(start), schedule.at(end)
    eps = guided_epsilon(net, z, start, batch)
    if solver == "ddim":
        x0 = (z - column(s0) * eps) / column(a0)
        return column(a1) * x0 + column(s1) * eps
    h = (np.log(a1) - np.log(s1)) - (np.log(a0) - np.log(s0))
    middle = np.array([schedule.middle(b, e) for b, e in zip(start, end)])
    am, sm = schedule.at(middle)
    if solver == "dpm":
        u = column(am / a0) * z - column(sm * np.expm1(h / 2)) * eps
        return column(a1 / a0) * z - column(s1 * np.expm1(h)) * guided_epsilon(net, u, middle, batch)
    x0 = (z - column(s0) * eps) / column(a0)
    u = column(sm / s0) * z - column(am * np.expm1(-h / 2)) * x0
    x0_middle = (u - column(sm) * guided_epsilon(net, u, middle, batch)) / column(am)
    return column(s1 / s0) * z - column(a1 * np.expm1(-h)) * x0_middle


def draw(generator):
    return {"x0": torch.randn(BATCH, 4, 8, 8, generator=generator), "noise": torch.randn(BATCH, 4, 8, 8, generator=generator),
            "states": torch.randn(BATCH, 16, 16, generator=generator), "negative": torch.randn(1, 16, 16, generator=generator),
            "omega": torch.rand(BATCH, generator=generator) * 12 + 2}


def finish(net, loss):
    """Loss and gradient norm."""
    net.zero_grad()
    loss.backward()
    norm = torch.sqrt(sum((p.grad.double()**2).sum() for p in net.parameters() if p.grad is not None))
    return torch.tensor([loss.item(), norm.item()], dtype=torch.float64)


def make_consistency(folder, schedule, teacher, student, target):
    generator = torch.Generator().manual_seed(31)
    tensors = draw(generator)
    for solver, k, indices in (("ddim", 20, [0, 17, 49]), ("ddim", 1, [0, 500, 999]), ("ddim", 50, [1, 10, 19]),
                               ("dpm", 20, [1, 17, 49]), ("dpm++", 20, [1, 17, 49]), ("dpm++", 100, [0, 4, 9])):
        start = np.array([k * (i + 1) - 1 for i in indices])
        end = np.maximum(start - k, 0)
        z = column(schedule.at(start)[0]) * tensors["x0"] + column(schedule.at(start)[1]) * tensors["noise"]
        with torch.no_grad():
            wanted = consistency(target, schedule, solver_step(solver, teacher, schedule, z, start, end, tensors), end, tensors)
        for measure in ("l2", "huber"):
            delta = consistency(student, schedule, z, start, tensors) - wanted
            loss = delta.square().mean() if measure == "l2" else ((delta**2 + 1e-6).sqrt() - 1e-3).mean()
            tensors[f"lcd|{solver}|{k}|{','.join(map(str, indices))}|{measure}"] = finish(student, loss)
        if solver == "ddim":
            other = column(schedule.at(end)[0]) * tensors["x0"] + column(schedule.at(end)[1]) * tensors["noise"]
            with torch.no_grad():
                wanted = consistency(target, schedule, other, end, tensors)
            loss = (consistency(student, schedule, z, start, tensors) - wanted).square().mean()
            tensors[f"lcf|-|{k}|{','.join(map(str, indices))}|l2"] = finish(student, loss)
    save_file(tensors, folder / "consistency.safetensors")


def make_guided_distill(folder, schedule, teacher, student, halved):
    generator = torch.Generator().manual_seed(32)
    tensors = draw(generator)

    def weighted(net, z, times, wanted):
        alpha, sigma = schedule.at(times)
        x0 = (z - column(sigma) * epsilon(net, z, times, tensors["states"], tensors["omega"])) / column(alpha)
        return (column(np.maximum((alpha / sigma)**2, 1)) * (x0 - wanted)**2).mean()

    times = np.array([3, 420, 999])
    alpha, sigma = map(column, schedule.at(times))
    z = alpha * tensors["x0"] + sigma * tensors["noise"]
    with torch.no_grad():
        wanted = (z - sigma * guided_epsilon(teacher, z, times, tensors)) / alpha
    tensors["stage-one|3,420,999"] = finish(student, weighted(student, z, times, wanted))
    # Halving: levels of a trailing grid; the last step ends at x0 itself (alpha 1, sigma 0).
    for n, rows in ((4, [(999, 874, 749), (499, 374, 249), (249, 124, None)]), (1, [(999, 499, None)] * BATCH)):
        def level(times):
            pairs = [(1.0, 0.0) if t is None else schedule.at(t) for t in times]
            return np.array([p[0] for p in pairs]), np.array([p[1] for p in pairs])
        start, middle = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
        (a0, s0), (am, sm), (a1, s1) = schedule.at(start), schedule.at(middle), level([r[2] for r in rows])
        z = column(a0) * tensors["x0"] + column(s0) * tensors["noise"]
        with torch.no_grad():
            eps = epsilon(halved, z, start, tensors["states"], tensors["omega"])
            z_middle = column(am) * (z - column(s0) * eps) / column(a0) + column(sm) * eps
            eps = epsilon(halved, z_middle, middle, tensors["states"], tensors["omega"])
            z_end = column(a1) * (z_middle - column(sm) * eps) / column(am) + column(s1) * eps
            wanted = (z_end - column(s1 / s0) * z) / column(a1 - s1 / s0 * a0)
        tensors[f"halving|{n}"] = finish(student, weighted(student, z, start, wanted))
    save_file(tensors, folder / "guided-distill.safetensors")


def make_diffusion(folder, schedule):
    generator = torch.Generator().manual_seed(33)
    tensors = draw(generator)
    times = np.array([0, 421, 999])
    alpha, sigma = map(column, schedule.at(times))
    z = alpha * tensors["x0"] + sigma * tensors["noise"]
    for name, wanted in (("sd15", tensors["noise"]), ("sd21-v", alpha * tensors["noise"] - sigma * tensors["x0"])):
        net = unet(name)
        tensors[f"{name}|0,421,999"] = finish(net, torch.nn.functional.mse_loss(epsilon(net, z, times, tensors["states"]), wanted))
    save_file(tensors, folder / "diffusion.safetensors")


def make_optimizer(folder):
    """Three AdamW steps with clipping and an exponential moving average, in PyTorch."""
    generator = torch.Generator().manual_seed(34)
    parameters = {name: torch.randn(shape, generator=generator).requires_grad_() for name, shape in (("a", (7, 5)), ("b", (33,)))}
    average = {name: p.detach().clone() for name, p in parameters.items()}
    tensors = {f"start/{name}": p.detach().clone() for name, p in parameters.items()}
    optimizer = torch.optim.AdamW(parameters.values(), lr=1.0, betas=(0.9, 0.95), weight_decay=0.02, eps=1e-7)
    norms = []
    for step, rate in enumerate((1e-2, 2e-2, 5e-3)):
        for name, p in parameters.items():
            p.grad = torch.randn(p.shape, generator=generator) * (3 if step == 1 else 0.01)
            tensors[f"gradient-{step}/{name}"] = p.grad.clone()
        norms.append(torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0).item())
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        for name, p in parameters.items():
            average[name].lerp_(p.detach(), 0.1)
    tensors |= {f"end/{name}": p.detach().clone() for name, p in parameters.items()}
    tensors |= {f"average/{name}": p for name, p in average.items()}
    tensors["norms"] = torch.tensor(norms, dtype=torch.float64)
    save_file(tensors, folder / "optimizer.safetensors")


def make(folder: pathlib.Path):
    schedule = Schedule()
    make_consistency(folder, schedule, unet("sd15"), unet("lcm"), unet("guided-distill"))
    make_guided_distill(folder, schedule, unet("sd15"), unet("guided-distill"), unet("lcm"))
    make_diffusion(folder, schedule)
    make_optimizer(folder)
