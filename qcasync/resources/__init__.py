"""Thin typed methods, one module per resource: they check arguments and name the endpoint."""
