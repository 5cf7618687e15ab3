"""Every Python that has this folder in PYTHONPATH builds tiny networks in the place of I3D and CNN14.

Python imports a module of this name when it starts, so jobs of Snakemake run the shipped commands unchanged.
"""

from dataclasses import replace

from extractors.registry import KINDS

for _name in ("i3d", "pann"):
    KINDS[_name] = replace(KINDS[_name], network=f"tiny_networks:build_{_name}")
