"""What neural networks are made of: ``kerasnb.ops.nn``, as Keras 3 has it. A page of names."""

from kerasnb.ops.activations import (
    celu,
    elu,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_swish,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    swish,
    tanh_shrink,
    threshold,
)
from kerasnb.ops.adaptive_pool import (
    adaptive_average_pool,
    adaptive_max_pool,
)
from kerasnb.ops.attention import (
    dot_product_attention,
)
from kerasnb.ops.convolution import (
    conv,
    conv_transpose,
    depthwise_conv,
    separable_conv,
)
from kerasnb.ops.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from kerasnb.ops.ctc import (
    ctc_decode,
    ctc_loss,
)
from kerasnb.ops.elementwise import (
    relu,
    sigmoid,
)
from kerasnb.ops.index import (
    multi_hot,
    one_hot,
)
from kerasnb.ops.joining import (
    depth_to_space,
    space_to_depth,
)
from kerasnb.ops.normalization import (
    batch_normalization,
    layer_normalization,
    normalize,
    rms_normalization,
)
from kerasnb.ops.operation import page
from kerasnb.ops.patches import (
    fold,
    unfold,
)
from kerasnb.ops.pool import (
    average_pool,
    max_pool,
)
from kerasnb.ops.reduce import (
    moments,
)
from kerasnb.ops.statistics import (
    psnr,
)

__all__ = [
    "adaptive_average_pool", "adaptive_max_pool", "average_pool", "batch_normalization",
    "binary_crossentropy", "categorical_crossentropy", "celu", "conv", "conv_transpose",
    "ctc_decode", "ctc_loss", "depth_to_space", "depthwise_conv", "dot_product_attention", "elu",
    "fold", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh",
    "layer_normalization", "leaky_relu", "log_sigmoid", "log_softmax", "max_pool", "moments",
    "multi_hot", "normalize", "one_hot", "psnr", "relu", "relu6", "rms_normalization", "selu",
    "separable_conv", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign",
    "space_to_depth", "sparse_categorical_crossentropy", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold", "unfold",
]  # fmt: skip

page(globals())
