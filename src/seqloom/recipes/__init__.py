"""Recipes: everything that a run follows, as one; the named ones are YAML files in this folder."""

from seqloom.recipes.recipe import Recipe, load_recipe, recipe_names

__all__ = ["Recipe", "load_recipe", "recipe_names"]
