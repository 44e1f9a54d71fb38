"""`python -m zarr_edr` is the command `zarr-edr`."""

from zarr_edr.cli import main

main(prog_name="zarr-edr")
