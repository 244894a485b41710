"""The card of a trained model: data, recipe, figures, limits."""

from psyche_rl.model_card.write_card import CARD, write_model_card

__all__ = ["CARD", "write_model_card"]
