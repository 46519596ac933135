"""Rendering: Markdown to safe HTML, templates, static files."""
