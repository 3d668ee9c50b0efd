"""The product's tests; people and servers that all of them share stand beside this file."""
