"""The discriminative floor: a small CNN classifier and a U-Net segmenter, trained with cross-entropy.

They also serve the harness as independent evaluators: the CNN's features for the Fréchet distance, both for the
alignment of syntheses. So they are trained apart from every generative method, on the training split only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..datasets import Card
from ..symmflow.errors import InputError
from ..symmflow.recipe import Recipe
from .base import YES, Classification, Method, Segmentation, Support, no

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective
    from ..symmflow.solvers import Trace


@dataclass(frozen=True)
class CrossEntropy:
    """Mean cross-entropy over images or pixels; void pixels (255) are left out.

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
        correct = (logits.argmax(1) == labels)[labels != 255].float().mean()
        return cross_entropy(logits.float(), labels, ignore_index=255), {"accuracy": correct.detach()}


class UNetSegmenter(Method):
    """The U-Net of the flow models, its time fixed at zero, ending in class logits."""

    name = "unet"
    title = "U-Net segmenter (cross-entropy)"
    any_size = True
    stepless = True

    @classmethod
    def supports(cls, task: str, steps: int | None, card: Card) -> Support:
        if task != "ss":
            return no("the U-Net segmenter only segments")
        return YES if card.has_masks else no(f"{card.name} has no masks to segment")

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from ..symmflow.networks import build_network
        from .parts.cnn import Timeless

        if not card.has_masks:
            raise InputError(f"the U-Net segmenter takes masks, and {card.name} has none; choose another data set.")
        classes = len(card.classes)
        return Timeless(build_network(recipe.network, in_channels=card.channels, out_channels=classes, size=card.size))

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        return CrossEntropy()

    def segment(
        self, images: Tensor, *, steps: tuple[int | None, ...], solver: str, noise: Draws, trace: Trace | None = None
    ) -> Iterator[Segmentation]:
        for _ in steps:
            yield Segmentation(self.net(images).argmax(dim=1))


class CNNClassifier(Method):
    """A small convolutional classifier on 32x32 images."""

    name = "cnn"
    title = "CNN classifier (cross-entropy)"
    stepless = True

    @classmethod
    def supports(cls, task: str, steps: int | None, card: Card) -> Support:
        if task != "cls":
            return no("the CNN only classifies")
        if card.has_masks:
            return no(f"{card.name} has masks, not one class an image")
        return no(f"{card.name} has no images") if card.is_points else YES

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        from .parts.cnn import CNN

        if card.is_points or card.has_masks:
            raise InputError(
                f"the CNN takes images of one class each, and {card.name} has none; choose another data set."
            )
        return CNN(card.channels, len(card.classes), recipe.network.channels, recipe.network.dropout)

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        return CrossEntropy()

    def classify(
        self, images: Tensor, *, steps: tuple[int | None, ...], solver: str, noise: Draws, trace: Trace | None = None
    ) -> Iterator[Classification]:
        for _ in steps:
            probabilities = self.net(images).float().softmax(dim=1)
            yield Classification(probabilities.argmax(dim=1), probabilities, scale="probability")
