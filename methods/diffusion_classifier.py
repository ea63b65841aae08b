"""Diffusion Classifier: the class under which a conditional diffusion model predicts the noise best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..datasets import Card
from ..symmflow.recipe import Recipe
from ..symmflow.solvers import Steps
from .base import Classification, Method
from .does import YES, Classify, Does, Support, Synthesize
from .parts.conditioning import conditional_network, mask_codec, told
from .parts.diffusion import SAMPLERS, Diffusion, DiffusionInference, DiffusionOptions, samplable
from .parts.latents import image_codec, in_space
from .parts.stages import Stages, by_stages, enough
from .sampling import Sampling

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..symmflow.labels import Codec
    from ..symmflow.noise import Draws
    from ..symmflow.objective import Objective


@dataclass(frozen=True)
class EpsilonObjective:
    """Squared error of the noise in an image whose class is told."""

    codec: Codec | None
    """Of masks; None for classes."""
    diffusion: Diffusion

    def loss(
        self, network: Callable[..., Tensor], images: Tensor, labels: Tensor, draws: Draws
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """images: [B, C, H, W] in [-1, 1]; labels: class ids [B]."""
        noise = draws.normal(images.shape[1:], "x").to(images.device)
        loss = self.diffusion.loss(told(network, labels, self.codec, images.shape[2:]), images, noise, draws)
        return loss, {"mse": loss.detach()}


class ClassifierInference(Stages, DiffusionInference):
    """As `Stages` for classification, as `DiffusionInference` for synthesis."""


class DiffusionClassifier(Method):
    """A class-conditional diffusion model trained on the data set itself; it classifies and synthesizes.

    For classification, `steps` is a budget: the stages are laid out to use at most that many network evaluations an
    image, as in SymmFlow's Table 3.
    """

    name = "diffusion-classifier"
    title = "Diffusion Classifier (class-conditional, trained on the same data)"
    source = "Li et al., Your Diffusion Model is Secretly a Zero-Shot Classifier, 2023"
    version = 2
    tasks = (
        Classify(solvers=(), options=tuple(Stages.model_fields)),
        Synthesize(SAMPLERS, options=tuple(DiffusionInference.model_fields), labels="classes"),
    )
    Options = DiffusionOptions
    latents = True
    Inference = ClassifierInference

    def __init__(self, network: nn.Module, recipe: Recipe, card: Card) -> None:
        super().__init__(network, recipe, card)
        self.diffusion = Diffusion(self.options_of(recipe))
        self.codec = mask_codec(recipe, card, self.images)

    @classmethod
    def can(cls, does: Does, steps: int | None, card: Card) -> Support:
        return enough(steps, len(card.classes)) if isinstance(does, Classify) else YES

    @classmethod
    def allows(cls, recipe: Recipe, does: Does, steps: int | None) -> Support:
        return YES if isinstance(does, Classify) else samplable(steps, cls.options_of(recipe).timesteps)

    @classmethod
    def network(cls, recipe: Recipe, card: Card) -> nn.Module:
        return conditional_network(recipe, card)

    @classmethod
    def objective(cls, recipe: Recipe, card: Card) -> Objective:
        images = image_codec(recipe.latents)
        objective = EpsilonObjective(mask_codec(recipe, card, images), Diffusion(cls.options_of(recipe)))
        return in_space(objective, images, recipe.latents)

    def nfe(self, task: str, steps: Steps | None, solver: str | None) -> int | None:
        if isinstance(self.does(task), Classify) and isinstance(steps, int):
            return self.inference.evaluations(steps, len(self.card.classes), self.diffusion.timesteps)
        return super().nfe(task, steps, solver)

    def classify(self, images: Tensor, sampling: Sampling) -> Iterator[Classification]:
        def predict(z: Tensor, k: Tensor, classes: Tensor) -> Tensor:
            return self.net(z, self.diffusion.time(k), classes)

        yield from by_stages(predict, self.images.encode(images), self.diffusion, self.card, self.inference, sampling)

    def synthesize(self, semantics: Tensor, sampling: Sampling) -> Iterator[Tensor]:
        shape = self.images.shape(self.card.shape)
        start = sampling.noise.normal(shape, "x", sampling.draw).to(semantics.device)
        predict = told(self.net, semantics, self.codec, shape[1:])
        for image in self.diffusion.samples(predict, start, sampling, self.inference.spacing):
            yield self.images.decode(image).clamp(-1, 1)

    def picture(self, state: Tensor, *, image: bool) -> Tensor | None:
        return self.images.decode(state)
