"""Recipes that build what the package ships; never imported at run time."""
