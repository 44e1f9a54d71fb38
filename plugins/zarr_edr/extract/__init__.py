"""Bulk extraction as a process of OGC API - Processes: the values at many points, as one table.

In a pygeoapi configuration, beside the collections:

    extract-points:
      type: process
      processor:
        name: zarr_edr.extract.ExtractPointsProcessor
"""

from __future__ import annotations

from zarr_edr.extract.processor import ExtractPointsProcessor

__all__ = ["ExtractPointsProcessor"]
