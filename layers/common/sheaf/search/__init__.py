"""Search: how text is taken apart for it, what people type, and the pages that are found."""
