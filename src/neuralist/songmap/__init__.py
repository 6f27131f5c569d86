"""Songs on a plane, as a picture and as a page."""
