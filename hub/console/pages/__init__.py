"""One file per page or family of pages: routes, and nothing a page does not show."""
