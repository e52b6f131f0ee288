"""The built-in world, its backbones and its trained run."""
