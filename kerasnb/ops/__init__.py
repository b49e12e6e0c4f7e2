"""Everything that can be computed on tensors, under Keras's names: ``kerasnb.ops``.

Each family is a module; this page only gathers their public names.
"""

from kerasnb.ops.control import *
from kerasnb.ops.convolution import *
from kerasnb.ops.creation import *
from kerasnb.ops.elementwise import *
from kerasnb.ops.index import *
from kerasnb.ops.linalg import *
from kerasnb.ops.nn import *
from kerasnb.ops.pool import *
from kerasnb.ops.random import *
from kerasnb.ops.reduce import *
from kerasnb.ops.reshaping import *
from kerasnb.ops.trigonometry import *
