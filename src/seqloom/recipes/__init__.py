"""Recipes: all settings of a run in one object; the named recipes are YAML files in this folder."""

from seqloom.recipes.recipe import Recipe, load_recipe, load_recipes, recipe_names

__all__ = ["Recipe", "load_recipe", "load_recipes", "recipe_names"]
