"""Tests of formats that are recognised and named."""
