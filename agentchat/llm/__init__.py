"""Language models behind one protocol; the only package that imports vendor SDKs."""
