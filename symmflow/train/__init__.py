"""One trainer for any objective: a loop, what a step sees, what changes, and the learning rate."""

from .feed import TrainingSet as TrainingSet
from .latents import CachedLatents as CachedLatents
from .loop import Progress as Progress
from .loop import Trainer as Trainer
