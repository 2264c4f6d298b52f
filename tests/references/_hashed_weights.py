"""Weights and images by one integer formula, repeated in tests/models/hashed_weights.h: value i of a tensor is made from
splitmix64 at (FNV-1a of its name) + i·golden."""
import numpy
import torch

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def name_hash(name):
    value = 0xCBF29CE484222325
    for byte in name.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def uniform(name, count):
    """count doubles in -1..1, each a multiple of 2^-23, so that both languages have the same ones."""
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(name_hash(name)) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(GOLDEN)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    return (z >> numpy.uint64(40)).astype(numpy.float64) * 2.0**-23 - 1.0


def inception_weights(shapes):
    """Uniform within sqrt(6 / fan-in), which keeps activations level through ReLU; batch norms away from 1 and 0."""
    tensors = {}
    for name, shape in shapes.items():
        count = int(numpy.prod(shape, dtype=numpy.int64))
        if name.endswith("num_batches_tracked"):
            tensors[name] = torch.tensor(7)
            continue
        u = uniform(name, count)
        if len(shape) > 1:
            u = u * numpy.sqrt(6.0 / (count // shape[0]))
        elif name.endswith("bn.weight") or name.endswith("running_var"):
            u = 1.0 + 0.5 * u
        else:
            u = 0.25 * u
        tensors[name] = torch.from_numpy(u.astype(numpy.float32).reshape(shape))
    return tensors


def images(count, size, block=37):
    """[count,3,size,size] in -1..1: blocks of colour with noise over them."""
    side = -(-size // block)
    blocks = uniform("blocks", count * 3 * side * side).reshape(count, 3, side, side)
    coarse = blocks.repeat(block, axis=2).repeat(block, axis=3)[:, :, :size, :size]
    fine = uniform("noise", count * 3 * size * size).reshape(count, 3, size, size)
    return (0.75 * coarse + 0.25 * fine).astype(numpy.float32)
