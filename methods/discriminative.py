"""The discriminative floor: a small CNN classifier and a U-Net segmenter, trained with cross-entropy.

They also serve the harness as judges: the CNN's features for the Fréchet distance, both for the
alignment of syntheses. So they are trained apart from every generative method, on the training split only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..datasets import Card
from ..symmflow.pixels import IGNORE
from ..symmflow.recipe import Recipe
from .base import Classification, Method, Segmentation
from .does import Classify, Segment
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective


@dataclass(frozen=True)
class CrossEntropy:
    """Mean cross-entropy over images or pixels; void pixels are left out.

    Labels that are flags, [B, K], get the binary cross-entropy of every flag.
    """

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

        logits = network(images)  # [B, K] or [B, K, H, W]
        if labels.shape == logits.shape:
            correct = ((logits > 0) == (labels > 0)).float().mean()
            return binary_cross_entropy_with_logits(logits.float(), labels.float()), {"accuracy": correct}
        told = labels != IGNORE  # not an index: the host would wait for it
        correct = ((logits.argmax(1) == labels) & told).sum() / told.sum()
        return cross_entropy(logits.float(), labels, ignore_index=IGNORE), {"accuracy": correct}


class UNetSegmenter(Method):
    """The U-Net of the flow models, its time fixed at zero, ending in class logits."""

    name = "unet"
    title = "U-Net segmenter (cross-entropy)"
    tasks = (Segment(any_size=True),)
    stepless = True

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from ..symmflow.networks import build_network
        from .parts.cnn import Timeless

        classes = len(card.classes)
        return Timeless(build_network(recipe.network, in_channels=card.channels, out_channels=classes, size=card.size))

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        return CrossEntropy()

    def segment(self, images: Tensor, sampling: Sampling) -> Iterator[Segmentation]:
        yield Segmentation(self.net(images).argmax(dim=1))


class CNNClassifier(Method):
    """A small convolutional classifier on 32x32 images."""

    name = "cnn"
    title = "CNN classifier (cross-entropy)"
    tasks = (Classify(),)
    stepless = True

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from ..symmflow.networks import affordable
        from .parts.cnn import CNN

        config = recipe.network
        return affordable(lambda: CNN(card.channels, len(card.classes), config.channels, config.dropout))

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        return CrossEntropy()

    def classify(self, images: Tensor, sampling: Sampling) -> Iterator[Classification]:
        probabilities = self.net(images).float().softmax(dim=1)
        yield Classification(probabilities.argmax(dim=1), probabilities, scale="probability")
