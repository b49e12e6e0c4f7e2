"""Everything that can be computed on tensors, under Keras's names: ``kerasnb.ops``.

Each family is a module; this page only gathers their public names. `numpy`, `nn` and `linalg` are
pages of the same names, as Keras has them; `image` has names of its own.
"""

from kerasnb.ops import image, linalg, nn, numpy
from kerasnb.ops.activations import *
from kerasnb.ops.adaptive_pool import *
from kerasnb.ops.attention import *
from kerasnb.ops.control import *
from kerasnb.ops.convolution import *
from kerasnb.ops.creation import *
from kerasnb.ops.crossentropy import *
from kerasnb.ops.ctc import *
from kerasnb.ops.decompositions import *
from kerasnb.ops.diagonals import *
from kerasnb.ops.elementwise import *
from kerasnb.ops.fourier import *
from kerasnb.ops.gradients import *
from kerasnb.ops.index import *
from kerasnb.ops.integers import *
from kerasnb.ops.joining import *
from kerasnb.ops.loops import *
from kerasnb.ops.normalization import *
from kerasnb.ops.numbers import *
from kerasnb.ops.operation import page
from kerasnb.ops.ordering import *
from kerasnb.ops.patches import *
from kerasnb.ops.pool import *
from kerasnb.ops.products import *
from kerasnb.ops.random import *
from kerasnb.ops.reduce import *
from kerasnb.ops.reshaping import *
from kerasnb.ops.scans import *
from kerasnb.ops.special import *
from kerasnb.ops.statistics import *
from kerasnb.ops.trigonometry import *
from kerasnb.ops.updates import *

page(globals())
