"""The pages function: what a browser reads. A page, its source, the editor, static files."""
