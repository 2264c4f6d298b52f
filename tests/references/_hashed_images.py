"""8-bit images and feature rows by the integer formula of _hashed_weights, repeated in tests/metrics/hashed_images.h."""
import numpy

from references._hashed_weights import uniform


def image(name, height, width, block=16):
    """uint8 [height,width,3]: blocks of colour with noise over them, with enough contrast that a resize has to clip."""
    rows, columns = -(-height // block), -(-width // block)
    coarse = uniform(name + "/blocks", rows * columns * 3).reshape(rows, columns, 3)
    coarse = coarse.repeat(block, axis=0).repeat(block, axis=1)[:height, :width]
    fine = uniform(name + "/noise", height * width * 3).reshape(height, width, 3)
    return numpy.clip(numpy.floor((0.75 * coarse + 0.25 * fine) * 192.0 + 128.0), 0, 255).astype(numpy.uint8)


def rows(name, count, width, shift=0.0, scale=1.0):
    """float32 [count,width]: each column leans on the one before; columns of four sizes; scale a power of two."""
    u = uniform(name, count * width).reshape(count, width)
    mixed = u + 0.5 * numpy.roll(u, 1, axis=1)
    sizes = 2.0 ** -(numpy.arange(width) % 4)
    return ((mixed * sizes + shift) * scale).astype(numpy.float32)
