"""The pages, one module each: TITLE and render()."""
