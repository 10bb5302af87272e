"""A rental agency whose pages are LiveViews that hold nothing but querysets."""
