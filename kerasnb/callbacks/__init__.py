"""What is told about training as it goes on: history, progress, early stopping, checkpoints.

Callbacks are plain Python and read numbers only; they import errors, config, tree and saving at
most.
"""

from kerasnb.callbacks.averages import SwapEMAWeights
from kerasnb.callbacks.backup import BackupAndRestore
from kerasnb.callbacks.base import Callback
from kerasnb.callbacks.checkpoint import ModelCheckpoint
from kerasnb.callbacks.container import CallbackList
from kerasnb.callbacks.csv_logger import CSVLogger
from kerasnb.callbacks.early_stopping import EarlyStopping
from kerasnb.callbacks.functions import LambdaCallback, TerminateOnNaN
from kerasnb.callbacks.history import History
from kerasnb.callbacks.learning_rate import LearningRateScheduler, ReduceLROnPlateau
from kerasnb.callbacks.progress import ProgressBar
from kerasnb.callbacks.remote import RemoteMonitor
from kerasnb.callbacks.tensorboard import TensorBoard

ProgbarLogger = ProgressBar  # Keras's name

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ProgressBar",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
